"""One entity in memory: its packed history and its state, and how an event is added to both.

In order and alone, an event goes the fast path: one `apply`, one packed row more. Anything else (out of
order, a correction of
an event with the same identity, a removal, a record) folds the history before and after, and the difference
counts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from msgspec import msgpack

from stream.lifecycle.checkpoint import Checkpoint, seal, unseal
from stream.lifecycle.delta import Delta
from stream.lifecycle.replay import Fold, is_over, lives, replay
from stream.lifecycle.rows import Row, array, id_bytes, pack, unpack
from stream.lifecycle.ticket import NEVER, TicketFold

FORMAT: Final = 2
"""Of the packed entity. A worker refuses a shard written in another (store/layout.py)."""
EVENTS_MAX: Final = 5_000
"""An entity with more unsealed events is quarantined: more are dead letters."""

ADDED: Final = 0
DUPLICATE: Final = 1
REPLAYED: Final = 2
QUARANTINED: Final = 3


class Entity:
    """`rows` are the packed events, `state` is what they lead to. `last` is the last row in order."""

    __slots__ = ("checkpoint", "count", "first_ms", "last", "rows", "source", "state")

    def __init__(self, state: Any) -> None:
        self.rows = bytearray()
        self.count = 0
        self.first_ms = NEVER  # of the unsealed rows
        self.last: Row | None = None
        self.source = ""
        self.checkpoint: Checkpoint | None = None
        self.state = state


def pack_entity(entity: Entity) -> bytes:
    """The entity as the store keeps it: [format, source, checkpoint, rows]."""
    head = _head(entity.source) if entity.checkpoint is None else _pack_head(entity.source, entity.checkpoint)
    return head + array(entity.count, entity.rows)


def _pack_head(source: str, checkpoint: Checkpoint | None) -> bytes:
    return b"\x94" + msgpack.encode(FORMAT) + msgpack.encode(source) + msgpack.encode(checkpoint)


@lru_cache(1_000)
def _head(source: str) -> bytes:
    """Sources are few, and most entities have no checkpoint."""
    return _pack_head(source, None)


def unpack_entity(fold: Fold, packed: bytes) -> Entity:
    """The entity of a stored history, folded."""
    version, source, checkpoint, _ = msgpack.decode(packed)
    if version != FORMAT:
        raise ValueError(f"an entity of format {version}; this version reads {FORMAT}")
    entity = Entity(fold.new())
    entity.source = source
    entity.checkpoint = None if checkpoint is None else (checkpoint[0], checkpoint[1])
    head = _pack_head(source, checkpoint)
    entity.count = int.from_bytes(packed[len(head) + 1 : len(head) + 5], "big")
    entity.rows = bytearray(packed[len(head) + 5 :])
    rows = _rows(fold, entity)
    entity.state, _ = _replay(fold, entity, rows)
    if rows:
        entity.first_ms, entity.last = rows[0][0], rows[-1]
    return entity


def entity_rows(fold: Fold, entity: Entity) -> list[Row]:
    """The unsealed events, in order."""
    return _rows(fold, entity)


def add(fold: Fold, entity: Entity, row: Row, out: Delta) -> int:
    """Adds an event and what it changes: `ADDED`, `DUPLICATE`, `REPLAYED` (through the whole history) or
    `QUARANTINED`."""
    last = entity.last
    ident = id_bytes(row[4])
    if last is not None and ident in entity.rows:
        rows = _rows(fold, entity)
        known = next((place for place, old in enumerate(rows) if old[4] == row[4] and old[1] == row[1]), None)
        if known is not None:
            if _version(row) > _version(rows[known]):
                _replace(fold, entity, rows, [*rows[:known], *rows[known + 1 :], row], out)
            return DUPLICATE
    if entity.count >= EVENTS_MAX:
        return QUARANTINED
    state = entity.state
    in_order = last is None or row[0] > last[0] or (row[0] == last[0] and row[:5] > last[:5])
    if in_order and not fold.needs_replay(state, row[3]):
        if is_over(fold, state, row[0]):
            fold.forget(out, state)
            state = entity.state = fold.new()
        fold.apply(out, state, row[0], row[3], row[7], row[8])
        _append(entity, row)
        return ADDED
    rows = _rows(fold, entity)
    _replace(fold, entity, rows, [*rows, row], out)
    return REPLAYED


def prune(fold: Fold, entity: Entity, sealed_before_ms: int) -> None:
    """Forgets or seals what no event can touch any more: none accepted from now on is older than
    `sealed_before_ms`.

    Past lives go altogether. Of a ticket, events older than that go into the checkpoint (calls and surveys
    are short).
    """
    if entity.first_ms >= sealed_before_ms or entity.last is None:
        return
    rows = _rows(fold, entity)
    start, ledger = _start(fold, entity)
    pieces = lives(fold, rows, start)
    changed = False
    while len(pieces) > 1 and (not pieces[0] or pieces[0][-1][0] + fold.keep_finished_ms < sealed_before_ms):
        pieces.pop(0)
        entity.checkpoint, start, ledger, changed = None, None, None, True
    kept = [row for piece in pieces for row in piece]
    if isinstance(fold, TicketFold) and len(pieces) == 1 and kept[0][0] < sealed_before_ms:
        old = [row for row in kept if row[0] < sealed_before_ms]
        kept = kept[len(old) :]
        begun = start if start is not None else fold.new()
        state, counted = _replay_one_life(fold, old, begun, ledger)
        entity.checkpoint, changed = seal(state, counted), True
    if changed:
        _keep(entity, kept)


def contributions(fold: Fold, entity: Entity) -> Delta:
    """All that the entity's kept history contributes (without its overlay of lost endings)."""
    return _replay(fold, entity, _rows(fold, entity))[1]


def refuses(fold: Fold, entity: Entity, row: Row) -> bool:
    """Whether a kept survey answer is outside its scale, by what was known of the question up to it."""
    rows = _rows(fold, entity)
    state, _ = _replay(fold, entity, [old for old in rows if old[:5] <= row[:5]])
    return bool(getattr(state, "refused", False))


def _replay_one_life(fold: Fold, rows: list[Row], start: Any, ledger: Delta | None) -> tuple[Any, Delta]:
    out = Delta()
    if ledger is not None:
        out.merge(ledger, 1)
    for row in rows:
        fold.apply(out, start, row[0], row[3], row[7], row[8])
    return start, out


def _version(row: Row) -> tuple[int, int, bytes]:
    # The packed row decides between contents of equal checksum, so that the choice never hangs on arrival.
    return row[5], row[6], pack(row, None, "")


def _rows(fold: Fold, entity: Entity) -> list[Row]:
    return unpack(array(entity.count, entity.rows), entity.source, len(fold.snapshots.names))


def _start(fold: Fold, entity: Entity) -> tuple[Any, Delta | None]:
    if entity.checkpoint is None:
        return None, None
    return unseal(entity.checkpoint, fold.new(), fold.segments)


def _replay(fold: Fold, entity: Entity, rows: list[Row]) -> tuple[Any, Delta]:
    start, ledger = _start(fold, entity)
    return replay(fold, rows, start, ledger)


def _replace(fold: Fold, entity: Entity, old: list[Row], new: list[Row], out: Delta) -> None:
    """Folds the history before and after; the difference counts."""
    out.merge(_replay(fold, entity, old)[1], -1)
    new.sort(key=_order)
    entity.state, counted = _replay(fold, entity, new)
    out.merge(counted, 1)
    _keep(entity, new)


def _order(row: Row) -> tuple[int, str, int, int, str]:
    return row[:5]


def _keep(entity: Entity, rows: list[Row]) -> None:
    entity.rows = bytearray()
    entity.count = 0
    entity.last = None
    entity.first_ms = NEVER
    for row in rows:
        _append(entity, row)


def _append(entity: Entity, row: Row) -> None:
    if entity.count == 0:
        entity.source, entity.first_ms = row[1], row[0]
    entity.rows += pack(row, entity.last, entity.source)
    entity.count += 1
    entity.last = row
