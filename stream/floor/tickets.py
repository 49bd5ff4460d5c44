"""Tickets: triage, replies, follow-ups, notes, pending, escalation, resolution, reopening, spam, merges."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.pool import Job, Pool
from stream.floor.telling import Entity, Heard, Told

WORK_S = 300.0
"""Mean seconds for which one pass over a ticket keeps an agent busy."""
PASSES = 2.05
"""Mean passes over a ticket."""
ROUTED = ("web", "chat", "api")
"""Where the customer says what it is about, so that the ticket has a team from its start."""
BOT_SHARE = 0.03
"""So many tickets a bot resolves alone; when one comes back, a person takes it."""

_CREATED_BY = world.Weighted({"customer": 93, "agent": 4, "system": 3})
_OUTCOMES = world.Weighted({"resolve": 55, "ask": 35, "escalate": 10})
"""What an agent's pass over a ticket ends with."""


class Desk:
    """The ticket side of the floor: one pool of agents a team, and the tickets that are alive."""

    def __init__(
        self, seed: int, per_second: float, agenda: Agenda, outbox: deque[Told], on_resolved: Heard
    ) -> None:
        """`per_second`: mean tickets per second. `on_resolved` hears of each first resolution."""
        self.random = Random(f"{seed}:tickets")
        self.agenda = agenda
        self.on_resolved = on_resolved
        self.last_of_customer: dict[str, str] = {}
        busy = per_second * PASSES * WORK_S
        shares = {"frontline": 0.48, "billing": 0.23, "technical": 0.17, world.ESCALATION_TEAM: 0.12}
        self._pools = {team: Pool(f"{team}-desk", busy * of, seed, agenda) for team, of in shares.items()}
        self._outbox = outbox
        self._made = 0

    def pool(self, team: str) -> Pool:
        """The agents of a team."""
        return self._pools[team]

    def arrive(self, prefix: str) -> None:
        """Somebody writes."""
        self.open(
            prefix,
            {
                "created_by": _CREATED_BY.draw(self.random),
                "channel": world.TICKET_CHANNELS.draw(self.random),
                **world.contact(self.random),
            },
        )

    def open(self, prefix: str, about: dict[str, Any]) -> str:
        """A ticket with these fields; its subject."""
        self._made += 1
        entity = Entity("tickets", "ticket", f"{prefix}T{self._made:06d}", self._outbox)
        entity.snapshot |= {
            "status": "new",
            "created_by": "customer",
            "priority": world.PRIORITIES.draw(self.random),
            **about,
        }
        if about["channel"] in ROUTED:
            entity.snapshot["team"] = world.TEAM_OF_CATEGORY[about["category"]]
        Ticket(self, entity).created()
        return entity.subject


class Ticket:
    """One ticket on its way. Its methods are the steps on the agenda."""

    def __init__(self, desk: Desk, entity: Entity) -> None:
        self.entity = entity
        self._desk = desk
        self._random = desk.random
        self._agenda = desk.agenda
        self._messages = 0
        self._work_s = 0
        self._job: Job | None = None
        self._resolutions = 0
        self._over = False

    def created(self) -> None:
        """It exists; a filter, an automatic reply and triage look at it first."""
        now_ms = self._agenda.now_ms
        self.entity.tell("ticket.created", now_ms)
        if self.entity.snapshot["created_by"] == "customer" and self._random.random() < 0.6:
            self._agenda.after(self._random.uniform(0.4, 3), self._auto_reply)
        fate = self._random.random()
        if fate < 0.015:
            self._agenda.after(self._random.uniform(4, 60), self._spam)
        elif fate > 1 - BOT_SHARE:
            self._agenda.after(self._random.uniform(5, 60), self._answer_by_bot)
        else:
            self._agenda.after(self._random.uniform(5, 240), lambda at: self._triage(at, merge=fate < 0.04))

    def _message(self, author: str, now_ms: int, public: bool = True, automated: bool = False) -> None:
        self._messages += 1
        message = {"id": f"m{self._messages}", "author": author, "public": public, "automated": automated}
        if author in ("agent", "customer"):
            message["author_id"] = self.entity.snapshot.get(author) or author
        self.entity.tell("ticket.message_added", now_ms, message=message)

    def _auto_reply(self, now_ms: int) -> None:
        if not self._over:
            self._message("bot", now_ms, automated=True)

    def _answer_by_bot(self, now_ms: int) -> None:
        self._message("bot", now_ms, automated=True)
        self._agenda.after(self._random.uniform(600, 7200), lambda at: self._resolve(at, "bot"))

    def _spam(self, now_ms: int) -> None:
        self._over = True
        self.entity.tell("ticket.marked_spam", now_ms)

    def _triage(self, now_ms: int, merge: bool) -> None:
        snapshot = self.entity.snapshot
        earlier = self._desk.last_of_customer.get(snapshot["customer"])
        if merge and earlier is not None:
            self._over = True
            snapshot["merged_into"] = earlier
            self.entity.tell("ticket.merged", now_ms)
            return
        self._desk.last_of_customer[snapshot["customer"]] = self.entity.subject
        if "team" not in snapshot:
            snapshot["team"] = world.TEAM_OF_CATEGORY[snapshot["category"]]
            self.entity.tell("ticket.assigned", now_ms)
        if self._random.random() < 0.07:
            snapshot["priority"] = "urgent" if snapshot["priority"] == "high" else "high"
            self.entity.tell("ticket.updated", now_ms)
        self._want_agent()
        if self._random.random() < 0.15:
            self._agenda.after(self._random.uniform(1800, 14400), self._impatient)

    def _impatient(self, now_ms: int) -> None:
        if self._job is not None and not self._job.taken:
            self._message("customer", now_ms)

    def _want_agent(self) -> None:
        snapshot = self.entity.snapshot
        self._job = Job(self._pick_up)
        self._desk.pool(snapshot["team"]).ask(self._job, world.URGENCY[snapshot["priority"]])

    def _pick_up(self, agent: str, now_ms: int) -> None:
        snapshot = self.entity.snapshot
        if snapshot.get("agent") != agent or snapshot["status"] == "new":
            snapshot |= {"agent": agent, "status": "open"}
            self.entity.tell("ticket.assigned", now_ms)
        work_s = min(self._random.lognormvariate(5.5, 0.65), 3600)
        self._work_s += round(work_s)
        if self._random.random() < 0.2:
            self._agenda.after(work_s / 2, lambda at: self._message("agent", at, public=False))
        self._agenda.after(work_s, lambda at: self._reply(at, agent))

    def _reply(self, now_ms: int, agent: str) -> None:
        team = self.entity.snapshot["team"]
        outcome = _OUTCOMES.draw(self._random)
        if outcome == "escalate" and team != world.ESCALATION_TEAM:
            self._escalate(now_ms)
        else:
            self._message("agent", now_ms)
            if outcome == "resolve":
                self._agenda.after(self._random.uniform(1, 5), lambda at: self._resolve(at, "agent"))
            else:
                self._agenda.after(self._random.uniform(1, 5), self._pend)
        self._desk.pool(team).release(agent)

    def _escalate(self, now_ms: int) -> None:
        snapshot = self.entity.snapshot
        snapshot |= {"team": world.ESCALATION_TEAM, "tier": "2", "agent": None}
        self.entity.tell("ticket.escalated", now_ms, escalation={"to_tier": "2", "reason": "engineer"})
        self._want_agent()

    def _pend(self, now_ms: int) -> None:
        self.entity.snapshot |= {"status": "pending", "pending_reason": "customer"}
        self.entity.tell("ticket.status_changed", now_ms)
        if self._random.random() < 0.75:
            self._agenda.after(min(self._random.lognormvariate(8.3, 1.3), 172_800), self._customer_answers)
        else:
            self._agenda.after(172_800, lambda at: self._resolve(at, "system"))

    def _customer_answers(self, now_ms: int) -> None:
        self._message("customer", now_ms)
        self.entity.snapshot |= {"status": "open", "pending_reason": None}
        self.entity.tell("ticket.status_changed", now_ms)
        self._want_agent()

    def _resolve(self, now_ms: int, by: str) -> None:
        if self._work_s and self._random.random() < 0.3:
            work = {"seconds": self._work_s, "agent": self.entity.snapshot["agent"], "kind": "reply"}
            self.entity.tell("ticket.work_logged", now_ms, work=work)
            self._work_s = 0
        self.entity.snapshot |= {"status": "resolved", "pending_reason": None}
        confirmed = by == "agent" and self._random.random() < 0.2
        self.entity.tell("ticket.resolved", now_ms, resolution={"by": by, "customer_confirmed": confirmed})
        self._resolutions += 1
        if self._resolutions == 1:
            self._desk.on_resolved(self.entity, now_ms)
        if self._random.random() < 0.08 / self._resolutions:
            self._agenda.after(self._random.uniform(600, 64_800), self._reopen)
        else:
            self._agenda.after(86_400, self._close)

    def _reopen(self, now_ms: int) -> None:
        snapshot = self.entity.snapshot
        self._message("customer", now_ms)
        snapshot["status"] = "open"
        snapshot.setdefault("team", world.TEAM_OF_CATEGORY[snapshot["category"]])
        self.entity.tell("ticket.reopened", now_ms)
        self._want_agent()

    def _close(self, now_ms: int) -> None:
        self.entity.snapshot["status"] = "closed"
        self.entity.tell("ticket.closed", now_ms)
