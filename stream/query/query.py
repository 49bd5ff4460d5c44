"""Answers a question: chooses the grouping and the panes, merges cells over shards, and computes the
catalog's formula."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import astuple, replace
from functools import partial

from stream.config import Config
from stream.lifecycle.delta import Cell
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import (
    Ages,
    Duration,
    Formula,
    Level,
    LevelShare,
    Oldest,
    RatioWithLevel,
    Share,
    Values,
    total,
)
from stream.metrics.measures import ELSEWHERE, shift
from stream.metrics.panes import Pane
from stream.metrics.segments import Grouping, in_order
from stream.metrics.sizes import Sizes
from stream.query.grouping import OTHERS, By, Selection, select
from stream.query.levels import integrals, levels_before
from stream.query.model import Answer, QueryError, Question, Reader, Row
from stream.query.panes import PaneRows, Remembered
from stream.query.tiling import Clocks, Tiler, Tiling
from stream.query.top import top_groups
from stream.query.windows import pane_end
from stream.shard.changes import Fence, Since
from stream.shard.family import Family, family

AHEAD_MS = 60_000
"""Panes may hold events beyond a shard's clock: as far as the tolerance for the future, and this much
more."""


class Shared:
    """What questions about one moment have in common, whatever they ask for: merged rows of windows and of
    now, and how windows are tiled."""

    def __init__(self) -> None:
        self.windows: dict[Hashable, tuple[dict[By, Cell], tuple[int, int]]] = {}
        self.live: dict[Hashable, dict[By, Cell]] = {}
        self.tilings: dict[tuple[int, int, tuple[int, ...]], Tiling] = {}

    def forget_rows(self) -> None:
        """When the questions that follow are of other groups."""
        self.windows.clear()
        self.live.clear()


class Queries:
    """Answers questions about one deployment. `groupings` instead of the configured ones: scenarios ask for
    their own. `shared`: for many questions about one moment and the same groups."""

    def __init__(
        self,
        catalog: Catalog,
        config: Config,
        reader: Reader,
        groupings: dict[str, tuple[Grouping, ...]] | None = None,
        remembered: Remembered | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._catalog = catalog
        self._config = config
        self._reader = reader
        self._groupings = groupings
        self._remembered = remembered
        self._shared = shared
        self._sizes = Sizes(config.timezone)
        self._tiler = Tiler(self._sizes, config.retention_ms)
        self._families: dict[str, Family] = {}

    async def ask(self, question: Question) -> Answer:
        """The answer, or `QueryError`/`UnknownMetric` that says what can be asked."""
        metric = self._catalog.get(question.metric)
        by, where, labels = self._split(metric, question)
        own = question.own
        if question.top and by:
            own = await self._own(metric, question, by)
        also = tuple(name for name in metric.also if any(reads_of(formula, name) for _, formula in labels))
        read = await self._read(metric, metric.family, by, where, own, also, question.sketches)
        rows: dict[By, dict[tuple[str, ...], Values]] = {}
        used = (question.from_ms, question.to_ms or question.now_ms)
        for label_values, formula in labels:
            found, used = await read.values(formula, question)
            for row, values in found.items():
                rows.setdefault(row, {})[label_values] = values
        names = tuple(question.by) + tuple(
            label for label in metric.always_by if label not in (*question.by, *question.where)
        )
        return Answer(
            list(self._rows(names, by, rows, bool(names))),
            *used,
            min([read.fresh_at(), *[await self._fresh_at(name) for name in metric.fed_by]]),
        )

    async def _own(self, metric: Metric, question: Question, by: tuple[str, ...]) -> frozenset[By]:
        """The groups that have rows of their own."""
        if isinstance(metric.formula, Share) and len(by) > 1:
            raise QueryError(
                f"{metric.id} has top groups by one dimension: ask --by {metric.formula.dimension}"
            )
        ranked = await self.ask(replace(question, top=0))
        return top_groups(ranked.rows, by, question.top)

    async def _fresh_at(self, name: str) -> int:
        """Since when the oldest shard of a family is fresh."""
        return min((fence.fresh for fence in (await self._reader.fences(name)).values()), default=0)

    async def _read(
        self, metric: Metric, name: str, by: tuple[str, ...], where: dict[str, str | None],
        own: frozenset[By] | None = None, also: tuple[str, ...] = (), sketches: bool = False,
    ) -> _Read:  # fmt: skip
        """Reads of one family, with those of the others that the question needs beside it."""
        groupings = self._groupings[name] if self._groupings else getattr(self._config.groupings, name)
        plain = getattr(self._config.groupings.without_sketches, name, ())
        fences = await self._reader.fences(name)
        invalid = frozenset[int]().union(*(fence.invalid() for fence in fences.values()))
        selection = select(groupings, name, by, where, own, plain, sketches, invalid)
        rules = self._family(name, tuple(groupings))
        panes = PaneRows(self._reader, self._sizes, name, rules.levels, selection, self._remembered)
        return _Read(
            self._reader, self._tiler, metric, name, selection, panes,
            fences, self._config.future_ms + AHEAD_MS, rules,
            [await self._read(metric, other, by, where, own) for other in also],
            partial(self._read, metric, name, also=also), self._shared or Shared(),
        )  # fmt: skip

    def _family(self, name: str, groupings: tuple[Grouping, ...]) -> Family:
        if name not in self._families:
            self._families[name] = family(name, self._config, groupings)
        return self._families[name]

    def _rows(
        self,
        names: tuple[str, ...],
        by: tuple[str, ...],
        rows: dict[By, dict[tuple[str, ...], Values]],
        split: bool,
    ) -> Iterable[Row]:
        labels = [name for name in names if name not in by]
        for row, per_label in sorted(
            rows.items(),
            key=lambda item: (item[0] == OTHERS, in_order(item[0])),
        ):
            for label_values, values in per_label.items():
                if split and not any(values.values()):
                    continue  # rows in which everything is zero are left out
                group = dict.fromkeys(by, "other") if row == OTHERS else dict(zip(by, row, strict=True))
                named = {**group, **dict(zip(labels, label_values, strict=True))}
                yield Row({name: named[name] for name in names}, values, row == OTHERS)

    def _split(
        self, metric: Metric, question: Question
    ) -> tuple[tuple[str, ...], dict[str, str | None], list[tuple[tuple[str, ...], Formula]]]:
        """Segments asked by and where, and of the labels asked the formula of each combination of values."""
        by = tuple(name for name in question.by if name not in metric.labels)
        where = {name: value for name, value in question.where.items() if name not in metric.labels}
        split = [name for name in question.by if name in metric.labels]
        split += [name for name in metric.always_by if name not in (*question.by, *question.where)]
        fixed = {name: value for name, value in question.where.items() if name in metric.labels}
        if not split and not fixed:
            return by, where, [((), metric.formula)]
        if len({*split, *fixed}) > 1 and not metric.crossed:
            raise QueryError(f"{metric.id} can be asked by one of {', '.join(metric.labels)} at a time")
        asked: list[tuple[tuple[str, ...], Formula]] = [((), metric.formula)]
        for label in dict.fromkeys((*split, *fixed)):
            known = metric.labels[label]
            wanted = [str(fixed[label])] if label in fixed else list(known)
            unknown = [value for value in wanted if value not in known]
            if unknown:
                raise QueryError(f"{label} is one of {', '.join(known)}, not {unknown[0]!r}")
            asked = [
                ((*values, value) if label in split else values, _common(formula, known[value], metric))
                for values, formula in asked
                for value in wanted
            ]
        return by, where, asked


def _common(formula: Formula, other: Formula, metric: Metric) -> Formula:
    """What is asked by two labels: the levels that both have. Of one label alone its own formula."""
    if metric.crossed and isinstance(formula, Level) and isinstance(other, Level):
        return Level(tuple(code for code in formula.codes if code in other.codes))
    return other


def reads_of(formula: Formula, family: str) -> bool:
    """Whether a formula has codes of another family."""
    numbers = (value for part in astuple(formula) for value in (part if isinstance(part, tuple) else (part,)))
    return any(isinstance(n, int) and abs(n) // ELSEWHERE * ELSEWHERE == shift(family) for n in numbers)


class _Read:
    """The reads of one question."""

    def __init__(
        self,
        reader: Reader,
        tiler: Tiler,
        metric: Metric,
        name: str,
        selection: Selection,
        panes: PaneRows,
        fences: dict[int, Fence],
        ahead_ms: int,
        family: Family,
        others: list[_Read],
        again: Callable[[tuple[str, ...], dict[str, str | None]], Awaitable[_Read]],
        shared: Shared,
    ) -> None:
        """`others` read the other families of the metric; `again` makes the same by other dimensions."""
        self._reader = reader
        self._tiler = tiler
        self._metric = metric
        self._family = name
        self._others = others
        self._again = again
        self._selection = selection
        self._panes = panes
        self._fences = fences
        self._ahead_ms = ahead_ms
        self._dimensions = family.fold.segments.dimensions
        self._levels = family.levels
        self._shared = shared
        self._key = (name, *selection.key())
        self._read_members: list[Since] | None = None

    async def values(
        self, formula: Formula, question: Question
    ) -> tuple[dict[By, Values], tuple[int | None, int]]:
        """The values of every row, and the window used."""
        if isinstance(formula, Oldest):
            return await self._oldest(formula, question.now_ms), (None, question.now_ms)
        if isinstance(formula, Ages):
            return await self._ages(formula, question.now_ms), (None, question.now_ms)
        if isinstance(formula, Level):
            return await self._level(formula, question)
        if isinstance(formula, LevelShare):
            return await self._level_share(formula, question)
        if question.from_ms is None or question.to_ms is None:
            raise QueryError(f"{self._metric.id} needs a window: ask with --window or --from and --to")
        cells, used = await self._cells(question.from_ms, question.to_ms)
        if isinstance(formula, RatioWithLevel):
            at_end = await self._at_end(used[1])
            rows = {*cells, *at_end, *self._whole()}
            return {row: formula.values(cells.get(row, {}), at_end.get(row, {})) for row in rows}, used
        for row in self._whole():
            cells.setdefault(row, {})
        if isinstance(formula, Share):
            return await self._shares(formula, cells, used)
        values = formula.sums if question.sums and isinstance(formula, Duration) else formula.values
        return {row: values(cell) for row, cell in cells.items()}, used

    async def _shares(
        self, formula: Share, cells: dict[By, Cell], used: tuple[int, int]
    ) -> tuple[dict[By, Values], tuple[int | None, int]]:
        """Each row's part of what the rows of all values of the dimension have together."""
        by, where = self._selection.by, self._selection.where
        kept = [place for place, name in enumerate(by) if name != formula.dimension]
        over = await self._again(
            tuple(by[place] for place in kept),
            {name: value for name, value in where.items() if name != formula.dimension},
        )
        wholes, _ = await over._cells(*used)
        return {
            row: formula.values(cell, wholes.get(tuple(row[place] for place in kept), {}))
            for row, cell in cells.items()
            if not by or total(cell, formula.codes)  # who has nothing is no row
        }, used

    def fresh_at(self) -> int:
        """Since when the oldest shard involved is fresh."""
        fresh = [fence.fresh for fence in self._fences.values()]
        return min([*fresh, *(other.fresh_at() for other in self._others)], default=0)

    async def _cells(self, from_ms: int, to_ms: int) -> tuple[dict[By, Cell], tuple[int, int]]:
        """Merged cells by row, of all families that the metric reads: over one window."""
        shared, used = await self._window(from_ms, to_ms)
        cells = {row: dict(cell) for row, cell in shared.items()} if self._others else dict(shared)
        for other in self._others:
            more, wider = await other._window(*used)
            if wider != used:
                return await self._cells(*wider)
            _join(cells, more, other._family)
        return cells, used

    async def _window(self, from_ms: int, to_ms: int) -> tuple[dict[By, Cell], tuple[int, int]]:
        """Merged cells by row, once for all values of a label."""
        key = (*self._key, from_ms, to_ms)
        known = self._shared.windows.get(key)
        if known is None:
            panes, used = self._tile(from_ms, to_ms)
            known = self._shared.windows[key] = await self._panes.read(panes, used[1]), used
        return known

    def _tile(self, from_ms: int, to_ms: int) -> tuple[dict[int, list[Pane]], tuple[int, int]]:
        """The panes of every shard, and the window that they cover."""
        tilings = {
            partition: self._tiling(from_ms, to_ms, fence) for partition, fence in self._fences.items()
        }
        lower = min((tiling.from_ms for tiling in tilings.values()), default=from_ms)
        upper = max([to_ms, *(tiling.to_ms for tiling in tilings.values())])
        if (lower, upper) != (from_ms, to_ms):
            # One shard had to widen: all do, so that the answer is of one window.
            return self._tile(lower, upper)
        return {partition: tiling.panes for partition, tiling in tilings.items()}, (from_ms, to_ms)

    def _tiling(self, from_ms: int, to_ms: int, fence: Fence) -> Tiling:
        """The panes of one shard, worked out once for all whose clocks stand in the same 10 s."""
        clocks = Clocks(fence.clock, fence.retention_clock)
        # Beyond its clock a shard has nothing: where it lags, time would be looked up in 10 s panes.
        to_ms = min(to_ms, pane_end(fence.clock + self._ahead_ms))
        key = from_ms, to_ms, self._tiler.alike(clocks)
        if key not in self._shared.tilings:
            self._shared.tilings[key] = self._tiler.tile(from_ms, to_ms, clocks)
        return self._shared.tilings[key]

    async def _level(
        self, formula: Level, question: Question
    ) -> tuple[dict[By, Values], tuple[int | None, int]]:
        """The value at the window's end, and the mean: the time integral over the window's length."""
        codes = formula.codes
        rows: dict[By, Values] = {}
        to_ms = self._end(question)
        at_end = await self._at_end(to_ms)
        if question.from_ms is None:
            rows = {row: {"value": total(at_end.get(row, {}), codes)} for row in {*at_end, *self._whole()}}
            return rows, (None, to_ms)
        spent, (from_ms, to_ms) = await self._spent(question.from_ms, to_ms, at_end)
        for row, spent_ms in spent.items():
            mean = total(spent_ms, codes) / (to_ms - from_ms) if to_ms > from_ms else None
            rows[row] = {"value": total(at_end.get(row, {}), codes), "mean": mean}
        return rows, (from_ms, to_ms)

    async def _level_share(
        self, formula: LevelShare, question: Question
    ) -> tuple[dict[By, Values], tuple[int | None, int]]:
        if question.from_ms is None:
            raise QueryError(f"{self._metric.id} needs a window: ask with --window or --from and --to")
        to_ms = self._end(question)
        spent, used = await self._spent(question.from_ms, to_ms, await self._at_end(to_ms))
        return {row: formula.values(spent_ms) for row, spent_ms in spent.items()}, used

    def _whole(self) -> list[By]:
        """The one row of a question that splits nothing: it is there even when nothing is."""
        return [] if self._selection.by else [()]

    def _end(self, question: Question) -> int:
        """Where levels are read: where it falls inside a pane that is kept no finer, it is that pane's
        end."""
        to_ms = question.to_ms if question.to_ms is not None else pane_end(question.now_ms)
        begin_ms = question.from_ms if question.from_ms is not None else to_ms - 1
        return self._tile(begin_ms, to_ms)[1][1]

    async def _at_end(self, to_ms: int) -> dict[By, Cell]:
        """Levels at an instant: live - changes from then on."""
        last = max([to_ms, *(fence.clock + self._ahead_ms for fence in self._fences.values())])
        after, _ = await self._window(to_ms, last)
        live = await self._live()
        found = levels_before(self._levels, live, after)
        for other in self._others:
            _join(found, await other._at_end(to_ms), other._family)
        return found

    async def _spent(
        self, from_ms: int, to_ms: int, at_end: dict[By, Cell]
    ) -> tuple[dict[By, dict[int, int]], tuple[int, int]]:
        """The time integral of every level over a window."""
        within, (from_ms, to_ms) = await self._window(from_ms, to_ms)
        rows = {*at_end, *within, *self._whole()}
        length_ms = to_ms - from_ms
        spent = {
            row: integrals(self._levels, at_end.get(row, {}), within.get(row, {}), length_ms) for row in rows
        }
        for other in self._others:
            more, wider = await other._spent(from_ms, to_ms, await other._at_end(to_ms))
            if wider != (from_ms, to_ms):
                return await self._spent(*wider, at_end)
            _join(spent, more, other._family)
        return spent, (from_ms, to_ms)

    async def _live(self) -> dict[By, Cell]:
        if self._key in self._shared.live:
            return self._shared.live[self._key]
        stored = await self._reader.read_levels(self._family, list(self._fences), self._selection.groups())
        live: dict[By, Cell] = {}
        for groups in stored.values():
            self._panes.add(live, groups)
        self._shared.live[self._key] = live
        return live

    async def _members(self, level: int, oldest: bool) -> list[Since]:
        if self._read_members is None:  # once for all values of a label
            partitions = list(self._fences)
            self._read_members = await self._reader.read_members(self._family, partitions, level, oldest)
        return self._read_members

    async def _oldest(self, formula: Oldest, now_ms: int) -> dict[By, Values]:
        since: dict[By, int] = {}
        for member in await self._members(formula.level, self._selection.whole()):
            row = self._selection.row_of(self._dimensions, member.values)
            if row is not None:
                since[row] = min(since.get(row, member.since_ms), member.since_ms)
        rows: dict[By, Values] = {row: {"value": max(0, now_ms - at) / 1000} for row, at in since.items()}
        for row in self._whole():
            rows.setdefault(row, formula.nothing())
        return rows

    async def _ages(self, formula: Ages, now_ms: int) -> dict[By, Values]:
        since: dict[By, list[int]] = {row: [] for row in self._whole()}
        for member in await self._members(formula.level, oldest=False):
            row = self._selection.row_of(self._dimensions, member.values)
            if row is not None:
                since.setdefault(row, []).append(member.since_ms)
        return {row: formula.values(now_ms, members) for row, members in since.items()}


def _join(cells: dict[By, Cell], more: dict[By, Cell], family: str) -> None:
    """Lays the cells of another family beside those of a metric's own."""
    by = shift(family)
    for row, cell in more.items():
        cells.setdefault(row, {}).update({code + by: amount for code, amount in cell.items()})
