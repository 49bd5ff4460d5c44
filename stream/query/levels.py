"""The arithmetic of levels: their values at an instant, and their time integrals over a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from stream.lifecycle.delta import Cell

_Row = TypeVar("_Row")


def levels_before(
    levels: Sequence[int], live: Mapping[_Row, Cell], after: Mapping[_Row, Cell]
) -> dict[_Row, Cell]:
    """Each row's levels at an instant, from what they are now and from what has changed since."""
    found: dict[_Row, Cell] = {}
    for row in {*live, *after}:
        now, since = live.get(row, {}), after.get(row, {})
        found[row] = {level: now.get(level, 0) - since.get(level, 0) for level in levels}
    return found


def integrals(levels: Sequence[int], at_end: Cell, within: Cell, length_ms: int) -> dict[int, int]:
    """Level -> its time integral (ms) over a window, of which `within` has the changes and their parts of
    it."""
    return {
        level: (at_end.get(level, 0) - within.get(level, 0)) * length_ms + within.get(level + 1, 0)
        for level in levels
    }
