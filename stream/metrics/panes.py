"""The panes of one shard in memory: contributions go in, changed cells come out.

Which panes hold a contribution follows from two clocks alone, so the stored image is the same however it came
about:

- A pane is *kept* until the retention of its size has passed since its end, measured back from the retention
  clock.
- A pane is *closed* when the shard's clock has reached its end.
- The finest size holds everything. A coarser pane holds what its closed pane must (all of it), and while it
  is open only
  those parts whose finer pane is kept no more (as when history is read that finer panes are too short-lived
  for).

So live commits write 10 s cells only; a pane is rolled up once, when it closes; readers take open time from
finer panes
(query/tiling.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any, Final

from stream.lifecycle.delta import PANE_MS, Cell, Delta, add_into
from stream.metrics.measures import SKETCHES, SLA_AT_RISK
from stream.metrics.segments import Segments
from stream.metrics.sizes import DAY, SIZES, Sizes
from stream.metrics.sketch import ANY, WIDTH

Group = bytes
Pane = tuple[int, int]
"""(size, start in ms)."""
Grouped = dict[int, dict[Group, Cell]]
"""Contributions by 10 s pane and group."""

CELLS_MAX: Final = 50_000
"""Cells kept in memory besides those of the batch at hand, unless told otherwise."""


class Panes:
    """Cells are absolute: this is the only writer, so what it has in memory is what the store must hold."""

    def __init__(
        self, sizes: Sizes, keep_ms: tuple[int, ...], levels: tuple[int, ...], cells_max: int = CELLS_MAX
    ) -> None:
        self.sizes = sizes
        self.keep_ms = keep_ms
        self.levels = levels
        self._cells_max = cells_max
        self.clock = 0
        self.retention_clock = 0
        self.index: set[Pane] = set()  # panes that the store has, or will have with this batch
        self.cells: dict[Pane, dict[Group, Cell]] = {}
        self.whole: set[Pane] = set()  # panes of which every cell is in `cells`
        self.dirty: dict[Pane, set[Group]] = {}
        self.removed: set[Pane] = set()
        self.dropped = 0  # contributions too old for any pane
        self._open: list[dict[int, set[int]]] = [
            {} for _ in range(SIZES)
        ]  # [size][start] -> starts of finer panes to roll up
        self._expiry: list[tuple[int, Pane]] = []  # heap of (when retention ends, pane)

    def restore(self, index: Iterable[Pane], clock: int, retention_clock: int) -> None:
        """Takes over from the store: which panes it has, and the clocks they were written at."""
        self.clock, self.retention_clock = clock, retention_clock
        for pane in index:
            self._enter(pane)

    def missing(self, grouped: Grouped, clock: int, retention_clock: int) -> dict[Pane, list[Group] | None]:
        """The stored cells needed to apply a batch and move the clocks: of each pane some groups, or all
        (`None`)."""
        needed: dict[Pane, list[Group] | None] = {}
        entering: set[Pane] = set()
        for start, groups in grouped.items():
            for pane in self._landing(start):
                if pane not in self.index:
                    entering.add(pane)
                elif pane not in self.whole:
                    known = self.cells.get(pane, {})
                    absent = [group for group in groups if group not in known]
                    if absent:
                        # Several 10 s panes of a batch may land in one longer pane.
                        needed[pane] = list(dict.fromkeys([*(needed.get(pane) or ()), *absent]))
        for parent, children in self._moves(clock, retention_clock, entering):
            for pane in (parent, *((parent[0] - 1, child) for child in children)):
                if pane in self.index and pane not in self.whole:
                    needed[pane] = None
        return needed

    def load(self, pane: Pane, cells: dict[Group, Cell], asked: list[Group] | None) -> None:
        """Takes in stored cells; what was asked for and is not there is empty."""
        known = self.cells.setdefault(pane, {})
        for group, cell in cells.items():
            known.setdefault(group, cell)
        if asked is None:
            self.whole.add(pane)
        else:
            for group in asked:
                known.setdefault(group, {})

    def apply(self, grouped: Grouped) -> None:
        """Adds contributions to every pane that holds them at the clocks as they stand. Takes them over."""
        for start, groups in grouped.items():
            landing = self._landing(start)
            if not landing:
                self.dropped += 1
            for pane in landing:
                self._add(pane, groups, start + PANE_MS, len(landing) == 1)

    def advance(self, clock: int, retention_clock: int) -> None:
        """Moves the clocks: rolls up panes that close, and drops those whose retention is over."""
        for parent, children in self._moves(clock, retention_clock):
            size, start = parent
            closes = self.sizes.end(size, start) <= clock
            for child in sorted(children):
                finer = (size - 1, child)
                if closes or self._expired(finer, retention_clock):
                    if finer in self.index:
                        # Also into a pane whose own retention is over: it hands on to the next size, then
                        # goes.
                        self._add(parent, self.cells.get(finer, {}), self.sizes.end(size - 1, child), False)
                    self._rolled(parent, child)
        self.clock, self.retention_clock = clock, retention_clock
        while self._expiry and self._expiry[0][0] <= retention_clock:
            self._remove(heapq.heappop(self._expiry)[1])

    def take_changes(self) -> tuple[list[tuple[Pane, Group, Cell]], set[Pane]]:
        """Changed cells (an empty one is to be deleted), and panes to be removed whole; forgets both."""
        changes: list[tuple[Pane, Group, Cell]] = []
        for pane, groups in self.dirty.items():
            cells = self.cells[pane]
            for group in groups:
                changes.append((pane, group, cells[group]))
        removed = self.removed
        self.dirty, self.removed = {}, set()
        return changes, removed

    def evict(self) -> None:
        """Forgets cells beyond the bound, those longest untouched first; to be called when all is written."""
        total = sum(len(cells) for cells in self.cells.values())
        for pane in list(self.cells):
            if total <= self._cells_max:
                return
            total -= len(self.cells.pop(pane))
            self.whole.discard(pane)

    def _landing(self, start: int) -> list[Pane]:
        """The panes that hold what happens in a 10 s pane."""
        landing: list[Pane] = []
        finer_kept = False
        for size in range(SIZES):
            pane = (size, self.sizes.start(size, start))
            end = self.sizes.end(*pane)
            kept = end + self.keep_ms[size] > self.retention_clock
            if kept and (size == 0 or end <= self.clock or not finer_kept):
                landing.append(pane)
            finer_kept = kept
        return landing

    def _add(self, pane: Pane, groups: dict[Group, Cell], end: int, own: bool) -> None:
        """Adds the cells of a shorter pane, which are taken over when nobody else has them (`own`)."""
        if pane not in self.index:
            self._enter(pane)
            self.whole.add(pane)
        # Put behind the others: `evict` takes the longest untouched first.
        cells = self.cells[pane] = self.cells.pop(pane, {})
        dirty = self.dirty.setdefault(pane, set())
        later = self.sizes.end(*pane) - end
        for group, cell in groups.items():
            target = cells.get(group)
            if target is None:
                target = cells[group] = cell if own and all(cell.values()) else without_zeros(cell)
            else:
                take_in(target, cell)
            if later:
                for code in self.levels:
                    change = cell.get(code, 0)
                    if change:
                        # In a longer pane a change counts on to its end.
                        take_in(target, {code + 1: change * later})
            dirty.add(group)

    def _enter(self, pane: Pane) -> None:
        self.index.add(pane)
        heapq.heappush(self._expiry, (self.sizes.end(*pane) + self.keep_ms[pane[0]], pane))
        size, start = pane
        parent = self._open_parent(pane)
        if parent is not None:
            self._open[size + 1].setdefault(parent, set()).add(start)

    def _open_parent(self, pane: Pane) -> int | None:
        """The start of the next longer pane, if that is open: then it takes this one in later."""
        size, start = pane
        if size == DAY:
            return None
        parent = self.sizes.start(size + 1, start)
        return parent if self.sizes.end(size + 1, parent) > self.clock else None

    def _moves(
        self, clock: int, retention_clock: int, entering: Iterable[Pane] = ()
    ) -> list[tuple[Pane, set[int]]]:
        """Panes into which finer ones must be rolled when the clocks move there: finest first, each with its
        finer panes. `entering` are panes that there will be by then."""
        moves: list[tuple[Pane, set[int]]] = []
        becoming: list[dict[int, set[int]]] = [{} for _ in range(SIZES)]
        for pane in entering:
            parent = self._open_parent(pane)
            if parent is not None:
                becoming[pane[0] + 1].setdefault(parent, set()).add(pane[1])
        for size in range(1, SIZES):
            parents: dict[int, set[int]] = dict(self._open[size])
            for start, children in becoming[size].items():
                parents[start] = parents.get(start, set()) | children
            for start, children in parents.items():
                closes = self.sizes.end(size, start) <= clock
                if closes or any(self._expired((size - 1, child), retention_clock) for child in children):
                    moves.append(((size, start), set(children)))
                    if size < DAY:
                        becoming[size + 1].setdefault(self.sizes.start(size + 1, start), set()).add(start)
        return moves

    def _expired(self, pane: Pane, retention_clock: int) -> bool:
        return self.sizes.end(*pane) + self.keep_ms[pane[0]] <= retention_clock

    def _rolled(self, parent: Pane, child: int) -> None:
        size, start = parent
        children = self._open[size].get(start)
        if children is not None:
            children.discard(child)
            if not children:
                del self._open[size][start]

    def _remove(self, pane: Pane) -> None:
        self.index.discard(pane)
        self.cells.pop(pane, None)
        self.whole.discard(pane)
        self.dirty.pop(pane, None)
        self.removed.add(pane)


def group_into(grouped: Grouped, delta: Delta) -> None:
    """Adds contributions, summed by group instead of by segment; `sum_coarser` adds those groups that are
    made of others."""
    for start, segments in delta.panes.items():
        groups = grouped.get(start)
        if groups is None:
            groups = grouped[start] = {}
        for segment, cell in segments.items():
            for group in segment.groups:
                target = groups.get(group)
                if target is None:
                    groups[group] = cell.copy()
                else:
                    add_into(target, cell)
            if segment.plain_groups:
                plain = without_sketches(cell)
                for group in segment.plain_groups:
                    add_into(groups.setdefault(group, {}), plain)


def sum_coarser(grouped: Grouped, segments: Segments) -> None:
    """Adds to the groups that are made of others what these hold: to be called once, when all contributions
    are in. A batch's contributions are many and its groups few, so that this is cheaper than counting each
    everywhere."""
    for groups in grouped.values():
        for group, cell in list(groups.items()):
            for coarser in segments.coarser(group):
                target = groups.get(coarser)
                if target is None:
                    groups[coarser] = cell.copy()
                else:
                    add_into(target, cell)


def without_sketches(cell: Cell) -> Cell:
    """The same counts and sums; of the buckets of a sketch only how many values there are in them all."""
    plain: Cell = {}
    for code, amount in cell.items():
        in_sketch = SKETCHES <= code < SLA_AT_RISK
        kept = code - (code - SKETCHES) % WIDTH + ANY if in_sketch else code
        plain[kept] = plain.get(kept, 0) + amount
    return plain


def without_zeros(cell: Cell) -> Cell:
    """A copy as it is stored: what was taken back altogether leaves nothing behind."""
    if all(cell.values()):
        return cell.copy()
    return {code: amount for code, amount in cell.items() if amount}


def take_in(target: dict[Any, int], cell: dict[Any, int]) -> None:
    """Adds a cell's amounts to a stored one: what becomes zero goes."""
    for code, amount in cell.items():
        total = target.get(code, 0) + amount
        if total:
            target[code] = total
        else:
            target.pop(code, None)
