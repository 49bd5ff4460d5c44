"""A whole history, in order -> state and contributions. What the fast path adds up event by event, this gives
at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from stream.lifecycle.call import RECORD, Call, CallFold
from stream.lifecycle.delta import Delta
from stream.lifecycle.record import replay_recorded
from stream.lifecycle.rows import Row
from stream.lifecycle.snapshot import Snapshot, Snapshots
from stream.lifecycle.ticket import NEVER
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

    def forget(self, out: Delta, state: Any) -> None:
        """A new life begins: nothing more is heard of this one, so what waited for its ending is counted."""

    def needs_replay(self, state: Any, rank: int) -> bool:
        """Whether an event in order still changes what was counted before, so that the history is folded
        again."""


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
        if number < len(pieces) - 1:
            fold.forget(counted, state)
        if not getattr(state, "removed", False):
            total.merge(counted, 1)
    if not pieces and ledger is not None and not getattr(start, "removed", False):
        total.merge(ledger, 1)
    return (state if state is not None else fold.new()), total


def lives(fold: Fold, rows: Sequence[Row], start: Any = None) -> list[Sequence[Row]]:
    """The rows of each life of the entity. Without a long silence, or when it was not finished then, there is
    one."""
    known_ms = start.last_ms if start is not None else rows[0][0] if rows else NEVER
    if not rows or rows[-1][0] - known_ms <= fold.keep_finished_ms:
        return [rows] if rows else []
    found: list[Sequence[Row]] = []
    begin = 0
    state = fold.new() if start is None else copy_state(start)
    uncounted = Delta()
    for place, row in enumerate(rows):
        if is_over(fold, state, row[0]):
            found.append(rows[begin:place])
            begin, state = place, fold.new()
        fold.apply(uncounted, state, row[0], row[3], row[7], row[8])
    return [*found, rows[begin:]]


def is_over(fold: Fold, state: Any, at: int) -> bool:
    """Whether the entity was finished and silent for so long that what happens now is a new one's."""
    return bool(state.exists and at - state.last_ms > fold.keep_finished_ms and state.finished())


def _replay_life(fold: Fold, rows: Sequence[Row], state: Any, ledger: Delta | None) -> tuple[Any, Delta]:
    out = Delta()
    if ledger is not None:
        out.merge(ledger, 1)
    if isinstance(fold, CallFold):
        return _replay_call(fold, rows, state, out)
    for row in rows:
        fold.apply(out, state, row[0], row[3], row[7], row[8])
    return state, out


def _replay_call(fold: CallFold, rows: Sequence[Row], call: Call, out: Delta) -> tuple[Call, Delta]:
    records = [row for row in rows if row[3] == RECORD]
    if not records:
        for row in rows:
            fold.apply(out, call, row[0], row[3], row[7], row[8])
        return call, out
    record = max(records, key=lambda row: (row[2], row[0], row[4]))
    replay_recorded(fold, out, call, [row for row in rows if row[3] != RECORD], record)
    call.first_ms, call.last_ms = min(call.first_ms, rows[0][0]), rows[-1][0]
    return call, out


def copy_state(state: Any) -> Any:
    """A copy that may be folded on without touching the original (values are immutable, lists are copied)."""
    copied = state.__class__.__new__(state.__class__)
    for name in state.__slots__:
        value = getattr(state, name)
        setattr(copied, name, list(value) if isinstance(value, list) else value)
    return copied
