"""A whole history, in order -> state and contributions. What the fast path adds up event by event, this gives
at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from stream.lifecycle.call import RECORD, Call, CallFold
from stream.lifecycle.delta import Delta
from stream.lifecycle.record import apply_record
from stream.lifecycle.rows import Row
from stream.lifecycle.snapshot import Snapshot, Snapshots
from stream.lifecycle.survey import SurveyFold
from stream.lifecycle.ticket import CREATED, NEVER, TicketFold
from stream.metrics.segments import Segments


class Fold(Protocol):
    """The rules of one kind of entity."""

    family: str
    segments: Segments
    snapshots: Snapshots
    keep_finished_ms: int
    extra_of: Callable[[Any], Any]

    def new(self) -> Any:
        """The state of an entity of which nothing is known."""

    def apply(
        self, out: Delta, state: Any, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event in order: changes the state, adds what it contributes (and takes back) to `out`."""

    def needs_replay(self, state: Any, rank: int) -> bool:
        """Whether an event in order still changes what was counted before, so that the history is folded
        again."""

    def silent_from(self, silent_ms: int, at: int, rank: int) -> int:
        """From where silence is measured after an event, and `silent_ms` before it (`NEVER`: a new life)."""


def replay(
    fold: Fold, rows: Sequence[Row], start: Any = None, ledger: Delta | None = None
) -> tuple[Any, Delta]:
    """The state after `rows` (in order) and all that they contribute.

    `start` and `ledger` are those of a checkpoint: the state before the first row, and what came of the
    events sealed in it.
    A finished entity that was silent for longer than `keep_finished_ms` is a new one from its next event on
    (events.md 3); what
    the old one contributed stands.
    """
    total = Delta()
    state, counted = start, ledger
    pieces = list(lives(fold, rows, start))
    for number, piece in enumerate(pieces):
        begun = state if number == 0 and start is not None else fold.new()
        state, counted = _replay_life(fold, piece, begun, counted if number == 0 else None)
        if not getattr(state, "removed", False):
            total.merge(counted, 1)
    if not pieces and ledger is not None and not getattr(start, "removed", False):
        total.merge(ledger, 1)
    return (state if state is not None else fold.new()), total


def lives(fold: Fold, rows: Sequence[Row], start: Any = None) -> list[Sequence[Row]]:
    """The rows of each life of the entity. Without a long silence, or when it was not finished then, there is
    one."""
    found: list[Sequence[Row]] = []
    begin = 0
    last = start.last_ms if start is not None else NEVER
    for place, row in enumerate(rows):
        if last != NEVER and row[0] - last > fold.keep_finished_ms:
            first = not found and start is not None
            state, _ = _replay_life(fold, rows[begin:place], start if first else fold.new(), None, keep=True)
            if state.finished():
                found.append(rows[begin:place])
                begin, last = place, NEVER
        last = fold.silent_from(last, row[0], row[3])
    if rows[begin:] or found:
        found.append(rows[begin:])
    return found


def _replay_life(
    fold: Fold, rows: Sequence[Row], state: Any, ledger: Delta | None, keep: bool = False
) -> tuple[Any, Delta]:
    out = Delta()
    if ledger is not None:
        out.merge(ledger, 1)
    if keep and state.exists:
        state = copy_state(state)
    if isinstance(fold, CallFold):
        return _replay_call(fold, rows, state, out)
    if isinstance(fold, TicketFold) and not state.exists:
        state.created_ms = next((row[0] for row in rows if row[3] == CREATED), NEVER)
    for row in rows:
        fold.apply(out, state, row[0], row[3], row[7], row[8])
    return state, out


def _replay_call(fold: CallFold, rows: Sequence[Row], call: Call, out: Delta) -> tuple[Call, Delta]:
    records = [row for row in rows if row[3] == RECORD]
    counted = Delta() if records else out
    for row in rows:
        if row[3] != RECORD:
            fold.apply(counted, call, row[0], row[3], row[7], row[8])
    if records:
        at, _, _, _, _, _, _, snapshot, times = max(records, key=lambda row: (row[2], row[0], row[4]))
        apply_record(fold, out, call, at, snapshot, times)
        call.last_ms = max(call.last_ms, rows[-1][0])
        call.first_ms = min(call.first_ms, rows[0][0])
    return call, out


def copy_state(state: Any) -> Any:
    """A copy that may be folded on without touching the original (values are immutable, lists are copied)."""
    copied = state.__class__.__new__(state.__class__)
    for name in state.__slots__:
        value = getattr(state, name)
        setattr(copied, name, list(value) if isinstance(value, list) else value)
    return copied


__all__ = ["Fold", "SurveyFold", "copy_state", "lives", "replay"]
