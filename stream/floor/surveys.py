"""Surveys of customers and of the staff, and quality reviews: some are answered, a few answers changed, the
others expire."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.telling import Entity, Told

INVITED_SHARE = 0.45
ANSWERED_SHARE = 0.3
STAFF_INVITED_SHARE = 0.15
"""Of breaks and ends of shifts so many begin with a question: about once a week for each agent."""
STAFF_ANSWERED_SHARE = 0.6
REVIEWED_SHARE = 0.03
"""Of the resolved tickets a reviewer reads so many."""

_KINDS = {
    "tickets": world.Weighted({"csat": 55, "nps": 20, "ces": 16, "fcr": 9}),
    "calls": world.Weighted({"csat": 50, "nps": 18, "ces": 14, "fcr": 8, "cx": 10}),
}
"""What is asked after what."""
_SCORES = {
    "csat": world.Weighted({5: 46, 4: 32, 3: 10, 2: 5, 1: 7}),
    "nps": world.Weighted({10: 28, 9: 20, 8: 18, 7: 12, 6: 6, 5: 5, 4: 2, 3: 2, 2: 2, 1: 1, 0: 4}),
    "ces": world.Weighted({7: 30, 6: 28, 5: 17, 4: 10, 3: 7, 2: 4, 1: 4}),
    "cx": world.Weighted({5: 44, 4: 34, 3: 12, 2: 5, 1: 5}),
    "employee": world.Weighted({10: 10, 9: 18, 8: 26, 7: 20, 6: 11, 5: 7, 4: 3, 3: 2, 2: 1, 1: 1, 0: 1}),
}
_SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "cx": (1, 5), "employee": (0, 10)}
_CONFIRMED_SHARE = 0.72
REVIEW_SCORES = (60, 100, 84)
"""Least, greatest and usual."""
_SEGMENTS = (
    "channel", "team", "agent", "queue", "category", "product", "region", "plan", "customer_type", "language",
)  # fmt: skip


class Surveys:
    """Sends invitations and brings the answers and the reviews."""

    def __init__(self, seed: int, agenda: Agenda, outbox: deque[Told], prefix: str) -> None:
        """`prefix` of the subjects, so that two runs never mix."""
        self._prefix = prefix
        self._random = Random(f"{seed}:surveys")
        self._agenda = agenda
        self._outbox = outbox
        self._made = 0

    def follow(self, about: Entity, now_ms: int) -> None:
        """A ticket or call is over: perhaps ask the customer how it went, and let a reviewer read it."""
        if self._random.random() < INVITED_SHARE:
            known = {"ticket" if about.family == "tickets" else "call": about.subject}
            known |= _known(about, (*_SEGMENTS, "customer"))
            self._invite(_KINDS[about.family].draw(self._random), known)
        if (
            about.family == "tickets"
            and about.snapshot.get("agent")
            and self._random.random() < REVIEWED_SHARE
        ):
            self._agenda.after(self._random.uniform(1200, 14_400), lambda at: self._review(about, at))

    def ask_staff(self, agent: Entity, now_ms: int) -> None:
        """An agent takes a break or goes home: perhaps ask how work is. Answers name the team, not who."""
        if self._random.random() < STAFF_INVITED_SHARE:
            self._invite("employee", {"team": agent.snapshot["team"]})

    def _invite(self, kind: str, about: dict[str, Any]) -> None:
        entity = self._entity("survey", "S")
        entity.snapshot["kind"] = kind
        if kind in _SCALES:
            entity.snapshot["scale_min"], entity.snapshot["scale_max"] = _SCALES[kind]
        if kind == "ces":
            entity.snapshot["polarity"] = "ease"
        entity.snapshot |= about
        self._agenda.after(self._random.uniform(60, 900), lambda at: self._send(entity, at))

    def _entity(self, part: str, letter: str) -> Entity:
        self._made += 1
        return Entity("surveys", part, f"{self._prefix}{letter}{self._made:06d}", self._outbox)

    def _review(self, ticket: Entity, now_ms: int) -> None:
        review = self._entity("review", "Q")
        score = round(self._random.triangular(*REVIEW_SCORES))
        review.snapshot |= {"score": score, "ticket": ticket.subject, **_known(ticket, _SEGMENTS)}
        review.tell("qa.reviewed", now_ms)

    def _send(self, entity: Entity, now_ms: int) -> None:
        entity.tell("survey.sent", now_ms)
        share = STAFF_ANSWERED_SHARE if entity.snapshot["kind"] == "employee" else ANSWERED_SHARE
        if self._random.random() < share:
            delay_s = min(self._random.lognormvariate(6.5, 1.5), 80_000)
            self._agenda.after(delay_s, lambda at: self._answer(entity, at))
        else:
            self._agenda.after(86_400, lambda at: entity.tell("survey.expired", at))

    def _answer(self, entity: Entity, now_ms: int) -> None:
        entity.tell("survey.responded", now_ms, response=self._response(entity))
        if self._random.random() < 0.04:
            delay_s = self._random.uniform(60, 7200)
            self._agenda.after(delay_s, lambda at: self._change(entity, at))

    def _change(self, entity: Entity, now_ms: int) -> None:
        entity.tell("survey.updated", now_ms, response=self._response(entity))

    def _response(self, entity: Entity) -> dict[str, int | bool]:
        kind = entity.snapshot["kind"]
        said: dict[str, int | bool] = (
            {"confirmed": self._random.random() < _CONFIRMED_SHARE}
            if kind == "fcr"
            else {"score": _SCORES[kind].draw(self._random)}
        )
        return {**said, "comment": self._random.random() < 0.2}


def _known(of: Entity, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := of.snapshot.get(name)) is not None}
