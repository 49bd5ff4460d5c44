"""Which panes hold a contribution follows from two clocks alone; and a window is the sum of its tiles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.lifecycle.delta import PANE_MS, Cell
from stream.metrics.panes import Group, Pane, Panes
from stream.metrics.sizes import SIZES, Sizes
from stream.query.tiling import Clocks, Tiler
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, MINUTE_MS

KEEP_MS = (2 * MINUTE_MS, 30 * MINUTE_MS, 2 * DAY_MS, 3 * DAY_MS)
"""The shortest that a configuration allows: every size expires within a test."""
DAYS = 6
SIZES_OF = Sizes("Europe/Berlin")
COUNT, LEVEL = 1, 100
GROUP: Group = b"whole"


@dataclass(frozen=True)
class Change:
    """What happened in one 10 s pane: a count, and steps of a level with their part of the pane's
    integral."""

    start: int
    count: int
    step: int

    def cell(self) -> Cell:
        """As the fold gives it, for steps in the middle of the pane."""
        return {COUNT: self.count, LEVEL: self.step, LEVEL + 1: self.step * PANE_MS // 2}


def pane_starts() -> st.SearchStrategy[int]:
    """10 s panes of some days, in clusters: near each other, and at both sides of the edges of longer
    panes."""
    near = st.sampled_from([0, 1, 5, 6, 89, 90, 91, 359, 360]) | st.integers(0, 720)
    return st.builds(
        lambda day, hour, n: BASE_MS + day * DAY_MS + hour * HOUR_MS + n * PANE_MS,
        st.integers(0, DAYS - 1), st.sampled_from([0, 12, 22, 23]), near,
    )  # fmt: skip


def changes() -> st.SearchStrategy[list[Change]]:
    """Contributions, some of which take others back."""
    steps = st.integers(-2, 2)
    return st.lists(st.builds(Change, pane_starts(), st.integers(-1, 3), steps), min_size=1, max_size=12)


@st.composite
def clocks(draw: st.DrawFn) -> Clocks:
    """A shard's clocks; while it catches up its retention clock is ahead."""
    clock = draw(pane_starts()) + draw(st.sampled_from([0, 1, 5_000]))
    ahead = draw(st.sampled_from([0, 0, 2 * MINUTE_MS, 20 * MINUTE_MS, 5 * HOUR_MS, DAY_MS, 3 * DAY_MS]))
    return Clocks(clock, clock + ahead)


def holds(pane: Pane, start: int, at: Clocks) -> bool:
    """The rule: a pane that is kept holds all of its time when it is closed or the finest, else what its
    finer panes keep no more."""
    size = pane[0]
    if not kept(pane, at) or SIZES_OF.start(size, start) != pane[1]:
        return False
    finer_gone = size > 0 and not kept((size - 1, SIZES_OF.start(size - 1, start)), at)
    return size == 0 or SIZES_OF.end(*pane) <= at.clock or finer_gone


def kept(pane: Pane, at: Clocks) -> bool:
    """Whether its retention, measured from its end, is not over."""
    return SIZES_OF.end(*pane) + KEEP_MS[pane[0]] > at.retention_clock


def expected(made: list[Change], at: Clocks) -> dict[Pane, Cell]:
    """Every pane by the rule; a step counts on to the end of the pane in which it is."""
    found: dict[Pane, Counter[int]] = {}
    for change in made:
        for size in range(SIZES):
            pane = (size, SIZES_OF.start(size, change.start))
            if holds(pane, change.start, at):
                later = SIZES_OF.end(*pane) - (change.start + PANE_MS)
                held = found.setdefault(pane, Counter())
                for code, amount in change.cell().items():
                    held[code] += amount
                held[LEVEL + 1] += change.step * later
    without_zeros = {pane: {code: n for code, n in cell.items() if n} for pane, cell in found.items()}
    return {pane: cell for pane, cell in without_zeros.items() if cell}


class Store:
    """A writer of panes with its store; it may be replaced by one that knows only what is stored."""

    def __init__(self) -> None:
        self.cells: dict[Pane, Cell] = {}
        self.panes = Panes(SIZES_OF, KEEP_MS, (LEVEL,), cells_max=1)

    def restart(self) -> None:
        """A new owner."""
        before, self.panes = self.panes, Panes(SIZES_OF, KEEP_MS, (LEVEL,), cells_max=1)
        self.panes.restore(list(self.cells), before.clock, before.retention_clock)

    def commit(self, made: list[Change], at: Clocks) -> None:
        """One batch: contributions, then the clocks move."""
        grouped: dict[int, dict[Group, Cell]] = {}
        for change in made:
            cell = grouped.setdefault(change.start, {}).setdefault(GROUP, {})
            for code, amount in change.cell().items():
                cell[code] = cell.get(code, 0) + amount
        for pane, asked in self.panes.missing(grouped, at.clock, at.retention_clock).items():
            self.panes.load(pane, {GROUP: dict(self.cells[pane])} if pane in self.cells else {}, asked)
        self.panes.apply(grouped)
        self.panes.advance(at.clock, at.retention_clock)
        written, removed = self.panes.take_changes()
        for pane, _, cell in written:
            self.cells[pane] = dict(cell)
            if not cell:
                del self.cells[pane]
        for pane in removed:
            self.cells.pop(pane, None)
        self.panes.evict()


@given(made=changes(), moves=st.lists(clocks(), min_size=1, max_size=6), data=st.data())
def test_what_a_pane_holds_is_a_function_of_the_clocks(
    made: list[Change], moves: list[Clocks], data: st.DataObject
) -> None:
    """Whenever contributions come, early or late, and however often the owner changes, the panes are the
    rule's."""
    store = Store()
    last = Clocks(0, 0)
    left = list(made)
    for move in moves:
        last = Clocks(max(last.clock, move.clock), max(last.retention_clock, move.retention_clock))
        count = data.draw(st.integers(0, len(left)))
        batch, left = left[:count], left[count:]
        store.commit(batch, last)
        if data.draw(st.booleans()):
            store.restart()
    store.commit(left, last)
    assert store.cells == expected(made, last)


@given(made=changes(), at=clocks(), edges=st.tuples(pane_starts(), pane_starts()))
def test_the_tiles_of_a_window_add_up_to_what_happened_in_it(
    made: list[Change], at: Clocks, edges: tuple[int, int]
) -> None:
    """Over the window that the tiling says it covers, which holds the one asked for; what no pane keeps
    is left out."""
    made = [change for change in made if change.start <= at.clock]
    from_ms, to_ms = min(edges), max(edges) + PANE_MS
    tiler = Tiler(SIZES_OF, KEEP_MS)
    tiling = tiler.tile(from_ms, to_ms, at)
    while (tiling.from_ms, tiling.to_ms) != (from_ms, to_ms):
        assert tiling.from_ms <= from_ms
        assert tiling.to_ms >= to_ms
        from_ms, to_ms = tiling.from_ms, tiling.to_ms
        tiling = tiler.tile(from_ms, to_ms, at)
    stored = expected(made, at)
    total = Counter[int]()
    for pane in tiling.panes:
        cell = stored.get(pane, {})
        total.update(cell)
        # As a query does, steps are carried on from the pane's end to the window's.
        total[LEVEL + 1] += cell.get(LEVEL, 0) * (to_ms - SIZES_OF.end(*pane))
    inside = [change for change in made if from_ms <= change.start < to_ms and anywhere(change.start, at)]
    assert total[COUNT] == sum(change.count for change in inside)
    assert total[LEVEL] == sum(change.step for change in inside)
    assert total[LEVEL + 1] == sum(change.step * (to_ms - change.start - PANE_MS // 2) for change in inside)


def anywhere(start: int, at: Clocks) -> bool:
    """Whether any pane still tells what happened there."""
    return any(holds((size, SIZES_OF.start(size, start)), start, at) for size in range(SIZES))


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
    "America/Nuuk",
             "Africa/Cairo", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "Pacific/Apia"],
)  # fmt: skip
def test_local_days_follow_each_other_without_gap(zone: str) -> None:
    """Through two years of changes of clock, wherever they fall: 23 to 25 hours, made of whole panes of
    15 min."""
    sizes = Sizes(zone)
    at = BASE_MS
    begin, end = sizes.day(at)
    while begin < BASE_MS + 730 * DAY_MS:
        assert sizes.day(end) == (end, sizes.day(end)[1])
        assert sizes.day(end - 1) == (begin, end)
        assert 23 * HOUR_MS <= end - begin <= 25 * HOUR_MS
        assert begin % (15 * MINUTE_MS) == 0
        begin, end = sizes.day(end)
