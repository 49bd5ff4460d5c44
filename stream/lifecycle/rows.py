"""The kept events of an entity, packed: about 35 bytes each.

A row is what the contract orders and folds by:
`(time_ms, source, sequence, rank, id, recorded_ms, checksum, snapshot, extra)`; the first five are the order.
Packed rows are MessagePack arrays, one after the other. Times are differences to the row before, a snapshot
is its difference
to that of the row before (producers repeat the whole state in every event), and what equals the usual is left
out. Nothing is
lost: `unpack` gives the same rows back.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, msgpack

from stream.lifecycle.snapshot import Snapshot

Row = tuple[int, str, int, int, str, int, int, Snapshot | None, Any]

_encoder = msgpack.Encoder()
_encode = _encoder.encode
_decode = msgpack.Decoder(list[Any]).decode
_HEX = frozenset("0123456789abcdef")
_LEFT_OUT: list[Any] = [None, 0, None, None]
"""Extra, sequence, lateness of the record and source where a packed row ends before them."""


def pack(row: Row, before: Row | None, source: str) -> bytes:
    """One row behind `before`. `source` is the entity's usual source."""
    if before is None:
        return pack_behind(row, 0, None, source, pack_id(row[4]))
    return pack_behind(row, before[0], before[7], source, pack_id(row[4]))


def pack_behind(
    row: Row, before_ms: int, before: Snapshot | None, source: str, packed_id: str | bytes
) -> bytes:
    """One row behind an event of `before_ms` (0: behind none) with the snapshot `before`; its id as `pack_id`
    gives it."""
    at, row_source, sequence, rank, _, recorded, checksum, snapshot, extra = row
    changes = _changes(before, snapshot)
    if row_source == source and recorded == at and not sequence:
        if extra is None:
            return _encode((rank, at - before_ms, checksum, packed_id, changes))
        return _encode((rank, at - before_ms, checksum, packed_id, changes, extra))
    usual = None if row_source == source else row_source
    late = None if recorded == at else recorded - at
    if usual is None and late is None:
        return _encode((rank, at - before_ms, checksum, packed_id, changes, extra, sequence))
    return _encode((rank, at - before_ms, checksum, packed_id, changes, extra, sequence, late, usual))


def id_bytes(ident: str) -> bytes:
    """How an id stands in packed rows: if these bytes are not in them, the id is not."""
    return _encode(pack_id(ident))


def unpack(packed: bytes, source: str, width: int) -> list[Row]:
    """All rows of a packed array of rows; `width` is the number of fields of a snapshot."""
    rows: list[Row] = []
    at = 0
    snapshot: Snapshot | None = None
    for rank, since, checksum, packed_id, changes, *rest in _decode(packed):
        at += since
        snapshot = _changed(snapshot, changes, width)
        extra, sequence, late, usual = rest + _LEFT_OUT[len(rest) :]
        ident = _unpack_id(packed_id) if isinstance(packed_id, bytes) else packed_id
        recorded = at if late is None else at + late
        rows.append(
            (
                at,
                source if usual is None else usual,
                sequence,
                rank,
                ident,
                recorded,
                checksum,
                snapshot,
                extra,
            )
        )
    return rows


def array(count: int, packed: bytes | bytearray) -> bytes:
    """Packed rows with the head that makes them one MessagePack array."""
    return b"\xdd" + count.to_bytes(4, "big") + packed


def _changes(before: Snapshot | None, snapshot: Snapshot | None) -> Any:
    """0: the same as before. None: no snapshot. Else [field, value, ...], where False stands for absent."""
    if snapshot is None:
        return None
    changes: list[Any] = []
    if before is None:
        for place, new in enumerate(snapshot):
            if new is not UNSET:
                changes.append(place)
                changes.append(new)
        return changes
    if snapshot is before:
        return 0
    for place, new in enumerate(snapshot):
        old = before[place]
        if new is not old and new != old:
            changes.append(place)
            changes.append(False if new is UNSET else new)
    return changes or 0


def _changed(before: Snapshot | None, changes: Any, width: int) -> Snapshot | None:
    if changes is None:
        return None
    if changes == 0:
        return before
    values = list(before) if before is not None else [UNSET] * width
    for place, value in zip(changes[::2], changes[1::2], strict=True):
        values[place] = UNSET if value is False else value
    return tuple(values)


def pack_id(ident: str) -> str | bytes:
    """An id as it is packed: a canonical UUID takes 16 bytes instead of 36."""
    if len(ident) == 36 and ident[8] == ident[13] == ident[18] == ident[23] == "-":
        digits = ident.replace("-", "")
        if len(digits) == 32 and _HEX.issuperset(digits):
            return bytes.fromhex(digits)
    return ident


def _unpack_id(packed: bytes) -> str:
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
