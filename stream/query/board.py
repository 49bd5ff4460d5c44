"""The terminal board: the numbers of now, by queue and team, and their freshness. Drawing is cli/top.py's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stream.config import Config
from stream.metrics.catalog import Catalog, Metric
from stream.query.board_layout import TABLES, TILES, Layout, Value
from stream.query.freshness import STALE_MS, reached
from stream.query.look import Look, age_ms, now_of
from stream.query.model import QueryError, Question, StoreReader
from stream.query.numbers import NOTHING, number
from stream.query.query import Queries
from stream.query.stats import wants_sketches
from stream.query.windows import Calendar
from stream.shard.family import COUNTED

ROWS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """A title with values in words; `stale` when a shard that it is made of has not caught up lately."""

    title: str
    values: tuple[tuple[str, str], ...]
    stale: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A table in words; `note` says what is missing."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    stale: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """How far a family's shards have read. `fresh_ms`: since the oldest had caught up, or `None`.

    `behind` are the partitions that have not caught up lately, `reached` how far the last of them is.
    """

    family: str
    shards: int
    fresh_ms: int | None
    behind: tuple[int, ...] = ()
    reached: str = ""

    @property
    def stale(self) -> bool:
        """Whether its numbers may no longer be what is."""
        return self.fresh_ms is None or self.fresh_ms > STALE_MS


@dataclass(frozen=True, slots=True)
class Board:
    """All that is shown at one moment."""

    now: str
    sources: list[Source]
    tiles: list[Tile] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)


async def read_board(catalog: Catalog, config: Config, reader: StoreReader, wall_ms: int) -> Board:
    """The board at this moment."""
    look = Look(reader, config)
    now_ms = await now_of(look, config, wall_ms)
    calendar = Calendar(config.timezone)
    maker = _Maker(catalog, Queries(catalog, config, look), calendar, now_ms)
    sources = {name: await _source(look, name, wall_ms, calendar) for name in COUNTED}
    stale = {name for name, source in sources.items() if source.stale}
    tiles = [await maker.tile(title, values, stale) for title, values in TILES.items()]
    grids = [await maker.grid(layout, stale) for layout in TABLES]
    return Board(f"{calendar.short(now_ms)} {config.timezone}", list(sources.values()), tiles, grids)


async def _source(look: Look, family: str, wall_ms: int, calendar: Calendar) -> Source:
    read = await reached(look, family, wall_ms)
    fresh_ms = age_ms(read.fresh_at_ms or 0, wall_ms)
    when = calendar.short(read.reached_ms) if read.reached_ms else ""
    return Source(family, read.shards, fresh_ms, read.behind, when)


class _Maker:
    """Asks for the values of one board."""

    def __init__(self, catalog: Catalog, queries: Queries, calendar: Calendar, now_ms: int) -> None:
        self._catalog = catalog
        self._queries = queries
        self._calendar = calendar
        self._now_ms = now_ms

    async def tile(self, title: str, values: Sequence[Value], stale: set[str]) -> Tile:
        shown = []
        for value in values:
            metric = self._catalog.get(value.metric)
            rows = await self._ask(metric, value, ())
            shown.append((value.name, number(metric, rows.get(None, {}), value.stat)))
        return Tile(title, tuple(shown), metric.family in stale)

    async def grid(self, layout: Layout, stale: set[str]) -> Grid:
        names = (layout.dimension, *(value.name for value in layout.columns))
        columns: list[tuple[str, dict[str | None, str]]] = []
        weights: dict[str | None, float] = {}
        for value in layout.columns:
            metric = self._catalog.get(value.metric)
            try:
                rows = await self._ask(metric, value, (layout.dimension,))
            except QueryError as error:
                return Grid(layout.title, names, [], False, str(error))
            # Rows of zeros are left out of answers.
            absent = "0" if metric.kind in ("count", "level") else NOTHING
            columns.append((absent, {group: number(metric, rows[group], value.stat) for group in rows}))
            for group, values in rows.items():
                weight = (values["value"] or 0) if metric.kind in ("count", "level") else 0
                weights[group] = weights.get(group, 0) + weight
        ranked = sorted(weights, key=lambda group: (-weights[group], group or ""))
        lines = [
            ("(none)" if group is None else group, *(known.get(group, absent) for absent, known in columns))
            for group in ranked[:ROWS_MAX]
        ]
        left = len(ranked) - len(lines)
        return Grid(layout.title, names, lines, metric.family in stale, f"and {left} more" if left else "")

    async def _ask(self, metric: Metric, value: Value, by: tuple[str, ...]) -> dict[str | None, Any]:
        now_ms = self._now_ms
        from_ms, to_ms = self._calendar.window(value.window, now_ms) if value.window else (None, None)
        sketches = wants_sketches(metric, (value.stat,))
        question = Question(metric.id, now_ms, from_ms, to_ms, by, sketches=sketches)
        answer = await self._queries.ask(question)
        return {row.by[by[0]] if by else None: row.values for row in answer.rows}
