"""Which entities have clocks that run, by the time that is left: for the list of what to take next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from stream.config import Config
from stream.events.clocks import CLOCKS
from stream.metrics.measures import CLOCKS_OF, SLA_RUNNING
from stream.query.clocks import ClockView, clock_views
from stream.query.model import QueryError
from stream.shard.changes import Fence, Since
from stream.shard.family import Family, family

STATES: Final = ("running", "at_risk", "breached")
"""What the list can be asked for; a paused clock has no due instant to rank it by."""
READ_MAX: Final = 1_000
"""Entities that one shard is asked for: the soonest."""

NEXT_STEPS: Final = {
    "first_reply": "answer the customer",
    "next_reply": "answer the customer",
    "periodic_update": "tell the customer how it stands",
    "pausable_update": "tell the customer how it stands",
    "requester_wait": "resolve it, or ask the customer what is missing",
    "agent_work": "resolve it, or hand it on",
    "resolution": "resolve it",
    "full_resolution": "resolve it for good",
    "assignment": "give it to an agent",
    "group_ownership": "have an agent of the team take it",
    "queue_wait": "answer the call",
}


class Source(Protocol):
    """What the list needs of the store."""

    async def fences(self, family: str) -> dict[int, Fence]: ...

    async def read_soonest(
        self, family: str, places: Sequence[tuple[int, int]], most: int
    ) -> list[list[Since]]: ...

    async def read_entities(self, family: str, partition: int, subjects: list[str]) -> dict[str, bytes]: ...


@dataclass(frozen=True, slots=True)
class Running:
    """A clock that runs, or has run past its due instant, and whose it is. `left_ms`: wall time to `due_ms`,
    negative when that is past."""

    subject: str
    view: ClockView
    left_ms: int
    segments: dict[str, str]
    next_step: str


async def read_running(
    config: Config, source: Source, now_ms: int, clock: str | None = None, state: str | None = None,
    where: Mapping[str, str | None] | None = None, most: int = 100,
) -> list[Running]:  # fmt: skip
    """The clocks that match, the soonest due first, those past due before all. Raises QueryError."""
    found: list[Running] = []
    for name, clocks in CLOCKS_OF.items():
        wanted = [number for number in clocks if clock is None or CLOCKS[number] == clock]
        if wanted:
            found += await _of(family(name, config), source, now_ms, wanted, state, where or {}, most)
    return sorted(found, key=lambda one: (one.view.due_ms or 0, one.subject, one.view.clock))[:most]


async def _of(
    rules: Family, source: Source, now_ms: int, clocks: list[int], state: str | None,
    where: Mapping[str, str | None], most: int,
) -> list[Running]:  # fmt: skip
    """Of one family; entities are read in order of what is due, as many as it takes."""
    dimensions = rules.fold.segments.dimensions
    for field in where:
        if field not in dimensions:
            raise QueryError(f"{rules.name} are not kept by {field!r}; there are {', '.join(dimensions)}")
    fences = await source.fences(rules.name)
    places = [(partition, SLA_RUNNING + 2 * number) for partition in fences for number in clocks]
    standing = [
        (since, partition)
        for (partition, _), members in zip(
            places, await source.read_soonest(rules.name, places, READ_MAX), strict=True
        )
        for since in members
        if _matches(dict(zip(dimensions, since.values, strict=True)), where)
    ]
    standing.sort(key=lambda one: (one[0].since_ms, one[0].subject))
    found: list[Running] = []
    for place in range(0, len(standing), most):
        for partition, fence in fences.items():
            here = [since for since, at in standing[place : place + most] if at == partition]
            subjects = list(dict.fromkeys(since.subject for since in here))
            packed = await source.read_entities(rules.name, partition, subjects) if subjects else {}
            found += _running(rules, packed, here, max(fence.clock, now_ms), now_ms, state)
        if len(found) >= most:
            break
    return found


def _running(
    rules: Family, packed: Mapping[str, bytes], standing: list[Since], clock_ms: int, now_ms: int,
    state: str | None,
) -> Iterator[Running]:  # fmt: skip
    """The clocks of entities that stand there and are in the state asked for."""
    dimensions = rules.fold.segments.dimensions
    named = {(since.subject, (since.level - SLA_RUNNING) // 2): since.values for since in standing}
    for subject, state_bytes in packed.items():
        for view in clock_views(rules, state_bytes, clock_ms):
            values = named.get((subject, CLOCKS.index(view.clock)))
            if values is None or view.fulfilled_ms is not None or view.due_ms is None:
                continue
            if view.state in STATES and state in (None, view.state):
                segments = {
                    field: value for field, value in zip(dimensions, values, strict=True) if value is not None
                }
                yield Running(subject, view, view.due_ms - now_ms, segments, NEXT_STEPS[view.clock])


def _matches(values: Mapping[str, str | None], where: Mapping[str, str | None]) -> bool:
    return all(values[field] == value for field, value in where.items())
