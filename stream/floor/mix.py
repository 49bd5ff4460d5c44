"""The benchmark's input: given shares of ticket, call and survey events, none of them without effect."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from random import Random

from stream.floor.stories import STORIES, Story
from stream.floor.telling import Entity, Told

START_MS = 1_767_600_000_000
"""Where the mix begins when not told otherwise: 2026-01-05 08:00 UTC, a Monday."""

_LIVE_MAX = {"tickets": 20_000, "calls": 1_000, "surveys": 2_000}
_EVENTS_OF_ONE = {"tickets": 10, "calls": 5, "surveys": 2}


def mix(
    n: int, seed: int = 1, ticket_share: float = 0.60, call_share: float = 0.35, survey_share: float = 0.05,
    start_ms: int = START_MS, rate: float = 1_000.0,
) -> Iterator[Told]:  # fmt: skip
    """`n` events as (topic family, CloudEvent) in order of time, `rate` per second of event time.

    The shares add up to 1 and are kept to the event. Every event makes a contribution: tickets created,
    public messages that open or close an unanswered state, another agent or team, resolved, reopened; calls
    offered, queued, answered, abandoned, ended, wrapped up; surveys sent and answered. JSON of ~350 bytes.
    """
    shares = {"tickets": ticket_share, "calls": call_share, "surveys": survey_share}
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise ValueError(f"the shares must be 0 or more and add up to 1: {shares}")
    outbox: deque[Told] = deque()
    crowds = {family: _Crowd(family, n * share, seed, outbox) for family, share in shares.items()}
    owed = dict.fromkeys(shares, 0.0)
    for i in range(n):
        for family, share in shares.items():
            owed[family] += share
        family = max(owed, key=owed.__getitem__)
        owed[family] -= 1
        crowds[family].step(start_ms + int(i * 1000 / rate))
        yield outbox.popleft()


class _Crowd:
    """The live entities of one family: each step lets one of them, or a new one, go on by one event."""

    def __init__(self, family: str, events: float, seed: int, outbox: deque[Told]) -> None:
        """`events`: how many are to come; the crowd is kept so small that it is complete early on."""
        self._family = family
        self._random = Random(f"{seed}:{family}")
        self._outbox = outbox
        self._live: list[Story] = []
        self._live_max = max(1, min(_LIVE_MAX[family], int(events / _EVENTS_OF_ONE[family] / 4)))
        self._made = 0

    def step(self, now_ms: int) -> None:
        """Puts exactly one event into the outbox."""
        room = len(self._live) < self._live_max
        if not self._live or (room and self._random.random() < 0.5):
            self._live.append(self._new_story())
            at = len(self._live) - 1
        else:
            at = int(self._random.random() * len(self._live))
        try:
            self._live[at].send(now_ms)
        except StopIteration:
            self._live[at] = self._live[-1]
            self._live.pop()

    def _new_story(self) -> Story:
        self._made += 1
        part = self._family[:-1]
        entity = Entity(self._family, part, f"mix:{part[0].upper()}{self._made:07d}", self._outbox)
        story = STORIES[self._family](entity, self._random)
        next(story)  # up to where it waits for its first instant
        return story
