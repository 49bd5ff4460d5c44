"""A whole history, in order -> state and contributions. What the fast path adds up event by event, this gives
at once."""

from __future__ import annotations

from collections.abc import Sequence

from stream.lifecycle.call import RECORD, CallFold
from stream.lifecycle.call_facts import Call
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life, names_of
from stream.lifecycle.record import replay_recorded
from stream.lifecycle.rows import Row
from stream.sla.clocks import Clocks


def replay(
    fold: Fold, rows: Sequence[Row], start: Life | None = None, ledger: Delta | None = None
) -> tuple[Life, Delta]:
    """The state after `rows` (in order) and all that they contribute.

    `start` and `ledger` are those of a checkpoint: the state before the first row, and what came of the
    events sealed in it.
    A finished entity that was silent for longer than `keep_finished_ms` is a new one from its next event on
    (events.md 3); what
    the old one contributed stands.
    """
    total = Delta()
    state = start if start is not None else fold.new()
    pieces = lives(fold, rows, start)
    for number, piece in enumerate(pieces):
        if number > 0:
            state = fold.new()
        counted = replay_life(fold, piece, state, ledger if number == 0 else None)
        if number < len(pieces) - 1:
            fold.forget(counted, state)
        _count(fold, total, state, counted)
    if not pieces and ledger is not None:
        _count(fold, total, state, ledger)
    return state, total


def _count(fold: Fold, total: Delta, state: Life, counted: Delta) -> None:
    """What a life contributes: hardly anything when it was removed."""
    if not state.removed:
        total.merge(counted, 1)
    else:
        total.merge_marks(counted, 1)
        fold.keep(total, state)


def lives(fold: Fold, rows: Sequence[Row], start: Life | None = None) -> list[Sequence[Row]]:
    """The rows of each life of the entity. Without a long silence, or when it was not finished then, there is
    one."""
    known_ms = start.last_ms if start is not None else rows[0][0] if rows else NEVER
    if not rows or rows[-1][0] - known_ms <= fold.keep_finished_ms:
        return [rows] if rows else []
    found: list[Sequence[Row]] = []
    begin = 0
    state = fold.new() if start is None else _copy(fold, start)
    uncounted = Delta()
    for place, row in enumerate(rows):
        if is_over(fold, state, row[0]):
            found.append(rows[begin:place])
            begin, state = place, fold.new()
        fold.apply(uncounted, state, row[0], row[3], row[7], row[8])
    return [*found, rows[begin:]]


def is_over(fold: Fold, state: Life, at: int) -> bool:
    """Whether the entity was finished and silent for so long that what happens now is a new one's."""
    return state.exists and at - state.last_ms > fold.keep_finished_ms and state.finished()


def replay_life(fold: Fold, rows: Sequence[Row], state: Life, ledger: Delta | None) -> Delta:
    """Folds rows of one life on from `state`, which is changed; what it contributed, `ledger` included."""
    out = Delta()
    if ledger is not None:
        out.merge(ledger, 1)
    fold.foresee(state, rows)
    if isinstance(fold, CallFold) and any(row[3] == RECORD for row in rows):
        assert isinstance(state, Call)
        _replay_recorded(fold, rows, state, out)
    else:
        for row in rows:
            fold.apply(out, state, row[0], row[3], row[7], row[8])
    return out


def _replay_recorded(fold: CallFold, rows: Sequence[Row], call: Call, out: Delta) -> None:
    records = [row for row in rows if row[3] == RECORD]
    record = max(records, key=lambda row: (row[2], row[0], row[4]))
    replay_recorded(fold, out, call, [row for row in rows if row[3] != RECORD], record)
    call.first_ms, call.last_ms = min(call.first_ms, rows[0][0]), rows[-1][0]
    fold.foretell_loss(call)


def _copy(fold: Fold, state: Life) -> Life:
    """A copy that may be folded on without touching the original: parts are immutable, but for clocks."""
    copied = fold.new()
    for name in names_of(state):
        value = getattr(state, name)
        setattr(copied, name, value.clone() if isinstance(value, Clocks) else value)
    return copied
