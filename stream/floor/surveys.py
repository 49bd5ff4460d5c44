"""Surveys after resolutions and calls: some are answered, a few answers changed, the others expire."""

from __future__ import annotations

from collections import deque
from random import Random

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.telling import Entity, Told

INVITED_SHARE = 0.45
ANSWERED_SHARE = 0.3

_KINDS = world.Weighted({"csat": 60, "nps": 22, "ces": 18})
_SCORES = {
    "csat": world.Weighted({5: 46, 4: 32, 3: 10, 2: 5, 1: 7}),
    "nps": world.Weighted({10: 28, 9: 20, 8: 18, 7: 12, 6: 6, 5: 5, 4: 2, 3: 2, 2: 2, 1: 1, 0: 4}),
    "ces": world.Weighted({7: 30, 6: 28, 5: 17, 4: 10, 3: 7, 2: 4, 1: 4}),
}
_SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
_KEPT = (
    "channel", "team", "agent", "queue", "category", "product", "region", "plan", "customer_type", "language",
    "customer",
)  # fmt: skip


class Surveys:
    """Sends invitations and brings the answers."""

    def __init__(self, seed: int, agenda: Agenda, outbox: deque[Told]) -> None:
        self._random = Random(f"{seed}:surveys")
        self._agenda = agenda
        self._outbox = outbox
        self._made = 0

    def invite(self, about: Entity, now_ms: int) -> None:
        """Perhaps ask the customer how the ticket or call went. `now_ms` is when it was over."""
        if self._random.random() >= INVITED_SHARE:
            return
        self._made += 1
        prefix = about.subject.rpartition(":")[0]
        entity = Entity("surveys", "survey", f"{prefix}:S{self._made:06d}", self._outbox)
        kind = _KINDS.draw(self._random)
        low, high = _SCALES[kind]
        entity.snapshot |= {"kind": kind, "scale_min": low, "scale_max": high}
        if kind == "ces":
            entity.snapshot["polarity"] = "ease"
        entity.snapshot["ticket" if about.family == "tickets" else "call"] = about.subject
        entity.snapshot |= {name: known for name in _KEPT if (known := about.snapshot.get(name)) is not None}
        self._agenda.after(self._random.uniform(60, 900), lambda at: self._send(entity, at))

    def _send(self, entity: Entity, now_ms: int) -> None:
        entity.tell("survey.sent", now_ms)
        if self._random.random() < ANSWERED_SHARE:
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
        score = _SCORES[entity.snapshot["kind"]].draw(self._random)
        return {"score": score, "comment": self._random.random() < 0.2}
