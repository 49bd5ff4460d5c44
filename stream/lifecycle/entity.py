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
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.heartbeats import Beats, beats_from, beats_of, plain_beats, with_beat, with_beats
from stream.lifecycle.replay import is_over, lives, replay, replay_life
from stream.lifecycle.rows import Row, array, id_bytes, pack, pack_behind, pack_id, unpack
from stream.lifecycle.snapshot import Snapshot
from stream.lifecycle.survey import Survey

FORMAT: Final = 6
"""Of the packed entity. A worker refuses a shard written in another (store/layout.py)."""

ADDED: Final = 0
DUPLICATE: Final = 1
REPLAYED: Final = 2
QUARANTINED: Final = 3


class Entity:
    """`rows` are the packed events, `state` is what they lead to. `last_...` tell the last row in order.

    `marks` has one of 61 bits for each row's id: it tells most new ids from those without a search.
    """

    __slots__ = (
        "beats", "checkpoint", "count", "first_ms", "last_ident", "last_ms", "last_rank", "last_sequence",
        "last_snapshot", "last_source", "marks", "rows", "source", "state",
    )  # fmt: skip

    def __init__(self, state: Life) -> None:
        self.rows = bytearray()
        self.marks = 0
        self.count = 0
        self.first_ms = NEVER  # of the unsealed rows and heartbeats
        self.last_ms = NEVER
        self.last_source = ""
        self.last_sequence = 0
        self.last_rank = 0
        self.last_ident = ""
        self.last_snapshot: Snapshot | None = None
        self.source = ""
        self.beats: Beats = {}  # heartbeats, which are no rows
        self.checkpoint: Checkpoint | None = None
        self.state = state

    def last_is_before(self, row: Row) -> bool:
        """Whether a row comes behind all that are kept, in the order of the contract."""
        at = row[0]
        if at != self.last_ms:
            return at > self.last_ms
        last = (self.last_ms, self.last_source, self.last_sequence, self.last_rank, self.last_ident)
        return self.count == 0 or row[:5] > last


def pack_entity(entity: Entity) -> bytes:
    """The entity as the store keeps it: [format, source, checkpoint, heartbeats, rows]."""
    if entity.checkpoint is None and not entity.beats:
        head = _head(entity.source)
    else:
        head = _pack_head(entity.source, entity.checkpoint, plain_beats(entity.beats))
    return head + array(entity.count, entity.rows)


def _pack_head(source: str, checkpoint: Checkpoint | None, beats: list[int]) -> bytes:
    parts: list[Any] = [FORMAT, source, checkpoint, beats]
    return b"\x95" + b"".join([msgpack.encode(part) for part in parts])


@lru_cache(1_000)
def _head(source: str) -> bytes:
    """Sources are few, and most entities have neither checkpoint nor heartbeats."""
    return _pack_head(source, None, [])


def unpack_entity(fold: Fold, packed: bytes) -> Entity:
    """The entity of a stored history, folded."""
    version, *parts = msgpack.decode(packed)
    if version != FORMAT:
        raise ValueError(f"an entity of format {version}; this version reads {FORMAT}")
    source, checkpoint, beats, _ = parts
    entity = Entity(fold.new())
    entity.source = source
    entity.checkpoint = None if checkpoint is None else (checkpoint[0], checkpoint[1], checkpoint[2])
    if beats:
        entity.beats = beats_from(beats, fold.heartbeat_ms)
    head = _pack_head(source, entity.checkpoint, beats)
    entity.count = int.from_bytes(packed[len(head) + 1 : len(head) + 5], "big")
    entity.rows = bytearray(packed[len(head) + 5 :])
    rows = _rows(fold, entity)
    entity.state, _ = _replay(fold, entity, rows)
    if rows:
        for row in rows:
            entity.marks |= _mark(row[4])
        _note_last(entity, rows[-1])
    _note_first(entity, rows[0][0] if rows else NEVER)
    return entity


def entity_rows(fold: Fold, entity: Entity) -> list[Row]:
    """The unsealed events, in order."""
    return _rows(fold, entity)


def entity_history(fold: Fold, entity: Entity) -> list[Row]:
    """These with the kept heartbeats among them, which have neither source nor id."""
    return _history(fold, entity, _rows(fold, entity))


def add(fold: Fold, entity: Entity, row: Row, out: Delta) -> int:
    """Adds an event and what it changes: `ADDED`, `DUPLICATE`, `REPLAYED` (through the whole history) or
    `QUARANTINED`."""
    if row[3] == fold.heartbeat:
        return _add_beat(fold, entity, row[0], out)
    packed_id = pack_id(row[4])
    may_be_known = entity.marks & _mark(row[4]) and id_bytes(row[4]) in entity.rows
    if may_be_known and _is_known(fold, entity, row, out):
        return DUPLICATE
    if entity.count >= fold.events_max:
        return QUARANTINED
    state = entity.state
    # A life may have been heard of later than its last row: by a heartbeat.
    if not entity.last_is_before(row) or row[0] < state.last_ms or fold.needs_replay(state, row[3]):
        rows = _rows(fold, entity)
        _replace(fold, entity, rows, [*rows, row], out)
        return REPLAYED
    _apply(fold, entity, row[0], row[3], row[7], row[8], out)
    _append(entity, row, packed_id)
    return ADDED


def _apply(
    fold: Fold, entity: Entity, at: int, rank: int, snapshot: Snapshot | None, extra: Any, out: Delta
) -> None:
    """What comes behind everything: of a life that is over for long, a new one begins."""
    state = entity.state
    if is_over(fold, state, at):
        fold.forget(out, state)
        state = entity.state = fold.new()
    fold.apply(out, state, at, rank, snapshot, extra)


def _add_beat(fold: Fold, entity: Entity, at: int, out: Delta) -> int:
    """Adds a heartbeat: `ADDED`, also when it tells nothing new, or `REPLAYED`."""
    beats = with_beat(entity.beats, at, fold.heartbeat_ms)
    if beats is None:
        return ADDED
    result = ADDED
    if at >= entity.state.last_ms:
        _apply(fold, entity, at, fold.heartbeat, None, None, out)
        entity.beats = beats
    else:
        rows = _rows(fold, entity)
        out.merge(_replay(fold, entity, rows)[1], -1)
        entity.beats = beats
        entity.state, counted = _replay(fold, entity, rows)
        out.merge(counted, 1)
        result = REPLAYED
    if entity.first_ms == NEVER or at < entity.first_ms:
        entity.first_ms = at
    return result


def _is_known(fold: Fold, entity: Entity, row: Row, out: Delta) -> bool:
    """Whether an event of this identity is kept; of two contents the higher version counts from now on."""
    rows = _rows(fold, entity)
    for place, old in enumerate(rows):
        if old[4] == row[4] and old[1] == row[1]:
            if _version(row) > _version(old):
                _replace(fold, entity, rows, [*rows[:place], *rows[place + 1 :], row], out)
            return True
    return False


def prune(fold: Fold, entity: Entity, sealed_before_ms: int) -> None:
    """Forgets or seals what no event can touch any more: none accepted from now on is older than
    `sealed_before_ms`.

    Past lives go altogether. Of long lives, events older than that go into the checkpoint.
    """
    if entity.first_ms >= sealed_before_ms or (entity.count == 0 and not entity.beats):
        return
    rows = _history(fold, entity, _rows(fold, entity))
    start, ledger = _start(fold, entity)
    pieces = lives(fold, rows, start)
    changed = False
    while len(pieces) > 1 and (not pieces[0] or pieces[0][-1][0] + fold.keep_finished_ms < sealed_before_ms):
        pieces.pop(0)
        entity.checkpoint, start, ledger, changed = None, None, None, True
    kept = [row for piece in pieces for row in piece]
    if fold.sealed and len(pieces) == 1 and kept[0][0] < sealed_before_ms:
        old = [row for row in kept if row[0] < sealed_before_ms]
        begun = start if start is not None else fold.new()
        if fold.may_seal(begun, old, sealed_before_ms):
            kept = kept[len(old) :]
            counted = replay_life(fold, old, begun, ledger)
            # What nothing can take back any more need not be known: over a long life it is much.
            entity.checkpoint, changed = seal(begun, counted if fold.removals else Delta()), True
    if changed:
        if entity.beats:
            entity.beats = beats_of([row[0] for row in kept if row[3] == fold.heartbeat], fold.heartbeat_ms)
            kept = [row for row in kept if row[3] != fold.heartbeat]
        _keep(entity, kept)


def contributions(fold: Fold, entity: Entity) -> Delta:
    """All that the entity's kept history contributes (without its overlay of lost endings)."""
    return _replay(fold, entity, _rows(fold, entity))[1]


def refuses(fold: Fold, entity: Entity, row: Row) -> bool:
    """Whether a kept survey answer is outside its scale, by what was known of the question up to it."""
    rows = _rows(fold, entity)
    state, _ = _replay(fold, entity, [old for old in rows if old[:5] <= row[:5]])
    return isinstance(state, Survey) and state.refused


def _version(row: Row) -> tuple[int, int, bytes]:
    # The packed row decides between contents of equal checksum, so that the choice never hangs on arrival.
    return row[5], row[6], pack(row, None, "")


def _rows(fold: Fold, entity: Entity) -> list[Row]:
    return unpack(array(entity.count, entity.rows), entity.source, len(fold.snapshots.names))


def _start(fold: Fold, entity: Entity) -> tuple[Life | None, Delta | None]:
    if entity.checkpoint is None:
        return None, None
    return unseal(entity.checkpoint, fold.new(), fold.segments)


def _history(fold: Fold, entity: Entity, rows: list[Row]) -> list[Row]:
    """The rows with the heartbeats among them."""
    return with_beats(rows, entity.beats, fold.heartbeat) if entity.beats else rows


def _replay(fold: Fold, entity: Entity, rows: list[Row]) -> tuple[Life, Delta]:
    start, ledger = _start(fold, entity)
    return replay(fold, _history(fold, entity, rows), start, ledger)


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
    entity.marks = 0
    entity.count = 0
    entity.source = ""
    entity.last_ms = entity.first_ms = NEVER
    entity.last_snapshot = None
    for row in rows:
        _append(entity, row, pack_id(row[4]))
    _note_first(entity, entity.first_ms)


def _append(entity: Entity, row: Row, packed_id: str | bytes) -> None:
    if entity.count == 0:
        entity.source = row[1]
        entity.first_ms = row[0] if entity.first_ms == NEVER else min(entity.first_ms, row[0])
        entity.rows += pack_behind(row, 0, None, row[1], packed_id)
    else:
        entity.rows += pack_behind(row, entity.last_ms, entity.last_snapshot, entity.source, packed_id)
    entity.marks |= _mark(row[4])
    entity.count += 1
    _note_last(entity, row)


def _mark(ident: str) -> int:
    # Differs from process to process, so it is only kept in memory.
    return 1 << hash(ident) % 61


def _note_first(entity: Entity, first_ms: int) -> None:
    """When the kept history begins: with its first row, or a heartbeat before it."""
    entity.first_ms = first_ms
    if entity.beats:
        beat_ms = min([first for first, _ in entity.beats.values()])
        entity.first_ms = beat_ms if first_ms == NEVER else min(beat_ms, first_ms)


def _note_last(entity: Entity, row: Row) -> None:
    entity.last_ms, entity.last_sequence = row[0], row[2]
    entity.last_source = entity.source if row[1] == entity.source else row[1]
    entity.last_rank, entity.last_ident, entity.last_snapshot = row[3], row[4], row[7]
