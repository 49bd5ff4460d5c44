"""A `call.record`: a complete record whose times replace what events said, acting last and whole (events.md
3)."""

from __future__ import annotations

from typing import Any

from stream.lifecycle.call import ABANDON, ANSWER, NONE, Call, CallFold
from stream.lifecycle.delta import Delta
from stream.lifecycle.snapshot import Snapshot
from stream.lifecycle.ticket import NEVER
from stream.metrics import measures as m
from stream.metrics.segments import Segment


def apply_record(
    fold: CallFold, out: Delta, call: Call, at: int, snapshot: Snapshot | None, times: Any
) -> None:
    """Counts a call from its facts with the record laid over them. `call` was folded from all other events,
    uncounted."""
    call.recorded = True
    call.exists = True
    call.first_ms = at if call.first_ms == NEVER else min(call.first_ms, at)
    call.last_ms = max(call.last_ms, at)
    if snapshot is not None:
        fold.take(call, snapshot)
    given: dict[int, int] = {place: NEVER if time is None else time for place, time in (times or {}).items()}
    waits = call.spans if call.waiting_in is None else [*call.spans, (call.stood_ms, call.waiting_in, NEVER)]
    _replace_times(call, given)
    call.first_ms = min([call.first_ms, *(time for time in given.values() if time != NEVER)])
    if given.keys() & {1, 2, 3, 4}:
        waits = _waits(call, waits)
    fold.count(out, call, 1)
    _stand(out, call, [span for span in waits if fold.inbound(span[1])])


def _replace_times(call: Call, given: dict[int, int]) -> None:
    where = call.segment
    if 0 in given:
        call.offered_ms, call.offered_in = given[0], where
    if 1 in given:
        call.queued_ms, call.queued_in = given[1], where
    if 2 in given:
        call.answered_ms, call.answered_in = given[2], where
    if 3 in given:
        _replace_abandon(call, given[3])
    if 4 in given:
        call.ended_ms, call.ended_in = given[4], where
    if 5 in given:
        call.wrapup_ended_ms, call.wrapup_in = given[5], where
    queued = call.queued_ms
    # A record knows the order of a call's life even where its clocks disagree.
    if 2 in given or 1 in given:
        call.answered_queued = queued != NEVER and (2 in given or queued <= call.answered_ms)
    if 3 in given or 1 in given:
        call.left_queued = queued != NEVER and (3 in given or queued <= call.left_ms)
    ended_in_queue = call.ended_ms != NEVER and call.queued_ms != NEVER and call.outcome == NONE
    if ended_in_queue:
        call.left, call.left_ms, call.left_in, call.stage = ABANDON, call.ended_ms, call.ended_in, "queue"
        call.left_queued = queued <= call.ended_ms


def _replace_abandon(call: Call, at: int) -> None:
    if at == NEVER:
        if call.left == ABANDON:
            call.left = NONE
        return
    if call.left != ABANDON:
        call.stage = "queue" if call.queued_ms != NEVER else "ivr"
    call.left, call.left_ms, call.left_in = ABANDON, at, call.segment


def _waits(call: Call, known: list[tuple[int, Segment, int]]) -> list[tuple[int, Segment, int]]:
    """The spans of waiting by the record's times: the first wait anew, with the moves that events told; later
    waits as told."""
    start = call.queued_ms
    if start == NEVER:
        return []
    outcome = call.outcome
    out_at = call.answered_ms if outcome == ANSWER else call.left_ms
    ends = [end for end in (out_at if outcome != NONE else NEVER, call.ended_ms) if end != NEVER]
    end = min(ends) if ends else NEVER
    pieces = [(start, call.queued_in)]
    pieces += [(moved, where) for moved, where, _ in known if moved > start and (end == NEVER or moved < end)]
    spans = [
        (since, where, until)
        for (since, where), until in zip(pieces, [*(since for since, _ in pieces[1:]), end], strict=True)
        if until == NEVER or until > since
    ]
    if outcome == ANSWER:
        spans += [
            span
            for span in known
            if span[0] >= out_at and (call.ended_ms == NEVER or span[0] < call.ended_ms)
        ]
    return spans


def _stand(out: Delta, call: Call, waits: list[tuple[int, Segment, int]]) -> None:
    call.waiting_in, call.waiting_ms = None, NEVER
    for since, where, until in waits:
        out.level(since, where, m.CALLS_WAITING, 1)
        if until != NEVER:
            out.level(until, where, m.CALLS_WAITING, -1)
        else:
            call.waiting_in, call.waiting_ms = where, call.queued_ms if call.outcome == NONE else since
