"""Packed cells (stream/metrics/cells.py)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.metrics.cells import DENSE_FROM, pack_cell, unpack_cell

CELLS = st.dictionaries(st.integers(1, 60_000), st.integers(-(2**53), 2**53).filter(bool), max_size=60)


@given(cell=CELLS, size=st.integers(0, 3))
def test_unpacking_gives_the_cell_back(cell: dict[int, int], size: int) -> None:
    """Whichever way its size is packed."""
    assert unpack_cell(pack_cell(size, cell)) == cell


@given(cell=CELLS)
def test_a_dense_cell_is_the_same_bytes_in_whatever_order_it_came_about(cell: dict[int, int]) -> None:
    """So that stored days can be compared byte by byte."""
    turned = dict(reversed(cell.items()))
    assert pack_cell(DENSE_FROM, cell) == pack_cell(DENSE_FROM, turned)


def test_a_days_sketch_takes_about_two_bytes_a_number() -> None:
    """Sketch buckets that hold 1, near each other: a byte or two each."""
    cell = {128 + 3 * n: 1 for n in range(300)}
    assert len(pack_cell(3, cell)) < 2 * len(cell)
    assert len(pack_cell(0, cell)) > 3 * len(cell)
