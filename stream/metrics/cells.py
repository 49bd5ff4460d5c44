"""Packed cells: `{measure code: amount}` as bytes. Cells of short panes are small and written often: plain
MessagePack maps,
packed at once. Those of 15 min and 1 day panes are large, kept long, and mostly sketch buckets that hold 1:
these are packed
into about half the bytes, as `[codes of amount 1, other codes, their amounts]`, codes sorted and as
differences.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Final

from msgspec import msgpack

from stream.lifecycle.delta import Cell
from stream.metrics.sizes import LONG

DENSE_FROM: Final = LONG
"""The first pane size (15 min) that is packed densely."""

_encode = msgpack.Encoder().encode
_decode_map = msgpack.Decoder(dict[int, int]).decode
_decode_lists = msgpack.Decoder(tuple[list[int], list[int], list[int]]).decode


def pack_cell(size: int, cell: Cell) -> bytes:
    """The bytes of a cell of a pane of that size; equal cells of one size are equal bytes only when densely
    packed."""
    if size < DENSE_FROM:
        return _encode(cell)
    ones = sorted(code for code, amount in cell.items() if amount == 1)
    others = sorted(code for code, amount in cell.items() if amount != 1)
    return _encode((_differences(ones), _differences(others), [cell[code] for code in others]))


def unpack_cell(packed: bytes) -> Cell:
    """The cell, however it was packed."""
    if packed[0] & 0xF0 != 0x90:  # not a short MessagePack array
        return _decode_map(packed)
    ones, others, amounts = _decode_lists(packed)
    cell = dict.fromkeys(accumulate(ones), 1)
    cell.update(zip(accumulate(others), amounts, strict=True))
    return cell


def _differences(codes: list[int]) -> list[Any]:
    return [code - before for before, code in zip([0, *codes], codes, strict=False)]
