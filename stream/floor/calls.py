"""Calls and live chats: IVR, queue, patience, answer, holds, transfers, wrap-up, callbacks."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.agents import Shift
from stream.floor.pool import Job, Pool
from stream.floor.telling import Entity, Heard, Told

HANDLING_S = 277.0
"""Mean seconds for which a handled call keeps an agent busy, ringing, wrap-up and breaks included."""
HANDLED_SHARE = 0.88

_INSTEAD = world.Weighted(
    {"call.abandoned": 82, "call.callback_requested": 10, "call.voicemail_left": 5, "call.overflowed": 3}
)
"""What a customer does whose patience ends."""


class Phones:
    """The call side of the floor: one pool of agents a team, and the calls that are under way."""

    def __init__(
        self, seed: int, per_second: float, agenda: Agenda, outbox: deque[Told], on_ended: Heard,
        on_pause: Heard, prefix: str,
    ) -> None:  # fmt: skip
        """`per_second`: mean calls per second. `on_ended` hears of each answered call that is over,
        `on_pause` of each agent that takes a break or goes home. `prefix` of all subjects."""
        self.random = Random(f"{seed}:calls")
        self.agenda = agenda
        self.on_ended = on_ended
        busy = per_second * HANDLED_SHARE * HANDLING_S
        shares = {"frontline": 0.53, "billing": 0.23, "technical": 0.17, world.VIP_TEAM: 0.07}
        self._pools = {team: Pool(f"{team}-phone", busy * of, seed, agenda) for team, of in shares.items()}
        self._shifts = {
            team: Shift(pool, team, prefix, seed, agenda, outbox, on_pause)
            for team, pool in self._pools.items()
        }
        self._prefix = prefix
        self._outbox = outbox
        self._made = 0

    def shift(self, team: str) -> Shift:
        """What the agents of a team say."""
        return self._shifts[team]

    def pool(self, team: str) -> Pool:
        """The agents of a team."""
        return self._pools[team]

    def arrive(self) -> None:
        """A customer calls, or opens a live chat."""
        contact = world.contact(self.random)
        chat = self.random.random() < 0.15
        call = Call(self, self._entity())
        call.entity.snapshot |= {
            "direction": "inbound",
            "media": "chat" if chat else "voice",
            "channel": "chat" if chat else "phone",
            **contact,
            **_dialled(contact),
        }
        call.offered()

    def call_back(self, missed: Entity) -> None:
        """Somebody calls the customer who asked for it: a call of its own."""
        call = Call(self, self._entity())
        kept = {k: v for k, v in missed.snapshot.items() if k not in ("queue", "agent")}
        call.entity.snapshot |= {**kept, "direction": "callback", "previous_call": missed.subject}
        call.wait_for_agent()

    def _entity(self) -> Entity:
        self._made += 1
        return Entity("calls", "call", f"{self._prefix}K{self._made:06d}", self._outbox)


class Call:
    """One call on its way. Its methods are the steps on the agenda."""

    def __init__(self, phones: Phones, entity: Entity) -> None:
        self.entity = entity
        self._phones = phones
        self._random = phones.random
        self._agenda = phones.agenda
        self._agent = ""
        self._agent_team = ""
        self._answered_ms: int | None = None
        self._talk_ms = 0
        self._held_ms = 0
        self._held_since_ms = 0

    def offered(self) -> None:
        """It reaches the IVR; some hang up there."""
        self.entity.tell("call.offered", self._agenda.now_ms)
        if self._random.random() < 0.05:
            self._agenda.after(self._random.uniform(4, 60), self._leave_ivr)
        else:
            self._agenda.after(self._random.uniform(6, 40), self._queue)

    def wait_for_agent(self) -> Job:
        """Ask the team for an agent; whoever is free answers after some seconds of ringing."""
        job = Job(self._ring)
        self._phones.pool(self.entity.snapshot["team"]).ask(job)
        return job

    def _leave_ivr(self, now_ms: int) -> None:
        self.entity.tell("call.abandoned", now_ms, abandon={"stage": "ivr"})

    def _queue(self, now_ms: int) -> None:
        self.entity.tell("call.queued", now_ms)
        hasty = self._random.random() < 0.02
        patience_s = self._random.uniform(0.8, 5) if hasty else 6 + self._random.expovariate(1 / 240)
        job = self.wait_for_agent()
        if not self._agent:
            self._agenda.after(patience_s, lambda at: self._patience_ends(at, job))

    def _patience_ends(self, now_ms: int, job: Job) -> None:
        if job.taken:
            return
        job.given_up = True
        if self._answered_ms is not None:  # lost in its second queue: its outcome stays
            self._end_talk(now_ms)
            return
        instead = _INSTEAD.draw(self._random)
        if instead == "call.abandoned":
            self.entity.tell(instead, now_ms, abandon={"stage": "queue"})
            return
        self.entity.tell(instead, now_ms)
        if instead == "call.callback_requested":
            self._agenda.after(self._random.uniform(600, 5400), lambda _: self._phones.call_back(self.entity))

    def _ring(self, agent: str, now_ms: int) -> None:
        self._agent, self._agent_team = agent, self.entity.snapshot["team"]
        self._shift().take(agent)
        if self.entity.snapshot["direction"] == "callback":
            self.entity.tell("call.offered", now_ms)
        ring_s = self._random.uniform(1.5, 7)
        if self._answered_ms is None and self._random.random() < 0.012:
            self._agenda.after(ring_s, self._hang_up_ringing)
        else:
            self._agenda.after(ring_s, self._answer)

    def _hang_up_ringing(self, now_ms: int) -> None:
        if self.entity.snapshot["direction"] == "inbound":
            self.entity.tell("call.abandoned", now_ms, abandon={"stage": "ring"})
        else:
            self.entity.tell("call.missed", now_ms)
        self._let_agent_go()

    def _answer(self, now_ms: int) -> None:
        snapshot = self.entity.snapshot
        snapshot["agent"] = self._agent
        self.entity.tell("call.answered", now_ms)
        self._shift().tell(self._agent, "busy")
        first = self._answered_ms is None
        self._answered_ms = now_ms
        talk_s = min(self._random.lognormvariate(5.05, 0.7), 2400)
        fate = self._random.random()
        if first and fate < 0.08 and snapshot["direction"] == "inbound":
            self._agenda.after(talk_s / 2, self._transfer)
        elif fate < 0.28:
            self._agenda.after(talk_s / 3, lambda at: self._hold(at, talk_s * 2 / 3))
        else:
            self._agenda.after(talk_s, self._end)

    def _hold(self, now_ms: int, talk_left_s: float) -> None:
        self.entity.tell("call.held", now_ms)
        self._shift().tell(self._agent, "hold")
        self._held_since_ms = now_ms
        self._agenda.after(self._random.uniform(15, 90), lambda at: self._resume(at, talk_left_s))

    def _resume(self, now_ms: int, talk_left_s: float) -> None:
        self.entity.tell("call.resumed", now_ms)
        self._shift().tell(self._agent, "busy")
        self._held_ms += now_ms - self._held_since_ms
        self._agenda.after(talk_left_s, self._end)

    def _transfer(self, now_ms: int) -> None:
        snapshot = self.entity.snapshot
        other = "technical" if snapshot["team"] != "technical" else "frontline"
        self._count_talk(now_ms)
        snapshot |= {"team": other, "queue": world.QUEUE_OF_TEAM[other], "agent": None}
        self.entity.tell("call.transferred", now_ms)
        self._let_agent_go()
        self._queue(now_ms)

    def _count_talk(self, now_ms: int) -> None:
        assert self._answered_ms is not None
        self._talk_ms += now_ms - self._answered_ms
        self._answered_ms = now_ms

    def _end(self, now_ms: int) -> None:
        self._count_talk(now_ms)
        self._end_talk(now_ms)
        self._shift().tell(self._agent, "wrapup")
        wrapup_s = round(self._random.lognormvariate(3.4, 0.6))
        self._agenda.after(wrapup_s, lambda at: self._wrap_up(at, wrapup_s))

    def _end_talk(self, now_ms: int) -> None:
        self.entity.snapshot |= {
            "talk_seconds": round((self._talk_ms - self._held_ms) / 1000, 1),
            "hold_seconds": round(self._held_ms / 1000, 1),
        }
        self.entity.tell("call.ended", now_ms)
        self._phones.on_ended(self.entity, now_ms)

    def _wrap_up(self, now_ms: int, wrapup_s: int) -> None:
        self.entity.snapshot["wrapup_seconds"] = wrapup_s
        self.entity.tell("call.wrapup_ended", now_ms)
        self._let_agent_go()

    def _let_agent_go(self) -> None:
        agent, self._agent = self._agent, ""
        self._shift().finish(agent)

    def _shift(self) -> Shift:
        return self._phones.shift(self._agent_team)


def _dialled(contact: dict[str, Any]) -> dict[str, str]:
    """Team and queue of the number that the customer calls."""
    if contact["plan"] == "enterprise":
        return {"team": world.VIP_TEAM, "queue": world.VIP_QUEUE}
    team = world.TEAM_OF_CATEGORY[contact["category"]]
    return {"team": team, "queue": world.QUEUE_OF_TEAM[team]}
