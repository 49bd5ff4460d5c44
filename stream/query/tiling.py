"""Which panes make up a window: the coarsest closed ones that fit, finer ones at the edges and where time is
still open.

The counterpart of metrics/panes.py, which says what each pane holds. Where an edge falls inside the finest
pane still kept,
the window widens to that pane.
"""

from __future__ import annotations

from dataclasses import dataclass

from stream.metrics.panes import Pane
from stream.metrics.sizes import DAY, LENGTHS_MS, Sizes


@dataclass(frozen=True, slots=True)
class Clocks:
    """What a shard's panes depend on: up to where they are closed, and from where retention is measured back
    (ms)."""

    clock: int
    retention_clock: int


@dataclass(frozen=True, slots=True)
class Tiling:
    """Panes whose sum is the window, and the window that they really cover."""

    panes: list[Pane]
    from_ms: int
    to_ms: int


class Tiler:
    """Tiles windows for shards of one deployment."""

    def __init__(self, sizes: Sizes, keep_ms: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._keep_ms = keep_ms

    def alike(self, clocks: Clocks) -> tuple[int, ...]:
        """The same for clocks by which every window is tiled the same: panes begin and end every 10 s."""
        gone = (clocks.retention_clock - keep_ms for keep_ms in self._keep_ms)
        return tuple(at_ms // LENGTHS_MS[0] for at_ms in (clocks.clock, *gone))

    def tile(self, from_ms: int, to_ms: int, clocks: Clocks) -> Tiling:
        """The panes of one shard for [from, to). Times before anything kept are left out."""
        panes: list[Pane] = []
        start = self._sizes.start(DAY, from_ms)
        while start < to_ms:
            self._visit(DAY, start, from_ms, to_ms, clocks, panes)
            start = self._sizes.end(DAY, start)
        lower = min([from_ms, *(self._sizes.start(*pane) for pane in panes)])
        upper = max([to_ms, *(self._reach(pane, clocks) for pane in panes)])
        return Tiling(panes, lower, upper)

    def _reach(self, pane: Pane, clocks: Clocks) -> int:
        """Until when a pane tells what happened: a long one that is open only as far as finer ones are
        gone."""
        size, start = pane
        end = self._sizes.end(size, start)
        if size == 0 or end <= clocks.clock:
            return end
        gone = clocks.retention_clock - self._keep_ms[size - 1]
        return min(end, gone - gone % LENGTHS_MS[size - 1])

    def _visit(
        self, size: int, start: int, from_ms: int, to_ms: int, clocks: Clocks, panes: list[Pane]
    ) -> bool:
        """Adds what is needed of one pane that overlaps the window; whether all of it that was asked for is
        kept."""
        end = self._sizes.end(size, start)
        closed = end <= clocks.clock
        if end + self._keep_ms[size] <= clocks.retention_clock:
            return False  # nor is anything finer: that is kept no longer
        if size == 0 or (closed and from_ms <= start and end <= to_ms):
            panes.append((size, start))
            return True
        before = len(panes)
        complete = True
        child = self._sizes.start(size - 1, max(start, from_ms))
        child = max(child, start)
        while child < min(end, to_ms):
            complete &= self._visit(size - 1, child, from_ms, to_ms, clocks, panes)
            child += LENGTHS_MS[size - 1]
        if complete:
            return True
        if closed:
            del panes[before:]  # finer panes are gone for a part of it: the whole pane stands for it
        panes.append((size, start))
        return True
