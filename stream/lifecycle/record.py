"""A `call.record`: a complete record whose times replace what events said, acting last and whole (events.md
3).

The events become *marks*, the record moves, adds and removes some, and the call is folded from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from stream.lifecycle.call import ABANDONED, ANSWERED, ENDED, OFFERED, QUEUED, WRAPUP_ENDED, CallFold
from stream.lifecycle.call_facts import Call
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER
from stream.lifecycle.rows import Row
from stream.metrics.segments import Segment

RANKS: Final = (OFFERED, QUEUED, ANSWERED, ABANDONED, ENDED, WRAPUP_ENDED)
"""Of which events a record tells the times: in the order of a call's life, and of its `extra`."""


class Mark(NamedTuple):
    """Something that happened in a call, in the segment of then. `place` orders it: times of a record
    never run backwards there."""

    place: int
    rank: int
    at: int
    extra: Any
    segment: Segment


def replay_recorded(fold: CallFold, out: Delta, call: Call, events: Sequence[Row], record: Row) -> None:
    """Folds a call from its events (in order) with the record laid over them.

    What the record tells the time of has the segment as of the record, everything else that of its event.
    """
    marks: list[Mark] = []
    for at, _, _, rank, _, _, _, snapshot, extra in events:
        if snapshot is not None:
            fold.take(call, snapshot)
        marks.append(Mark(at, rank, at, extra, call.segment))
    if record[7] is not None:
        fold.take(call, record[7])
    known = call.segment
    marks = _laid_over(marks, record[8] or {}, known)
    for mark in marks:
        call.segment = mark.segment
        fold.happen(out, call, mark.at, mark.rank, mark.extra, mark.place)
    call.segment = known
    call.exists = call.recorded = True
    call.first_ms = min([record[0], *(mark.place for mark in marks[:1])])


def _laid_over(marks: list[Mark], times: dict[int, int | None], segment: Segment) -> list[Mark]:
    """A time replaces the first mark of its kind, null removes all of them."""
    earlier = NEVER
    for number, rank in enumerate(RANKS):
        of_kind = [mark for mark in marks if mark.rank == rank]
        if number not in times:
            earlier = max([earlier, *(mark.place for mark in of_kind[:1])])
            continue
        time = times[number]
        if time is None:
            marks = [mark for mark in marks if mark.rank != rank]
            continue
        # A record knows the order of a call's life even where its clocks disagree.
        earlier = max(earlier, time)
        extra = of_kind[0].extra if of_kind else None
        others = [mark for mark in marks if not of_kind or mark is not of_kind[0]]  # equal ones stay
        marks = _put(others, Mark(earlier, rank, time, extra, segment))
    return marks


def _put(marks: list[Mark], new: Mark) -> list[Mark]:
    """With a mark in its place; at one instant the rank of the type decides."""
    place = next((i for i, mark in enumerate(marks) if mark[:2] > new[:2]), len(marks))
    return [*marks[:place], new, *marks[place:]]
