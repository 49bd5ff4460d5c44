"""Makes the tiles of one view of a board."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Protocol

from msgspec.structs import replace

from stream.config import (
    BoardConfig,
    ColumnConfig,
    Config,
    DeadlettersTile,
    NumberTile,
    SlaTile,
    SourcesTile,
    TableTile,
    TileConfig,
)
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import LevelShare, Oldest, Values
from stream.query import wall_document as shown
from stream.query.freshness import Reached
from stream.query.model import QueryError, Row, StoreReader
from stream.query.query import Queries
from stream.query.request import Request, plan
from stream.query.sla_board import Source as ClockSource
from stream.query.top import weight
from stream.query.wall_boards import check_dimensions, needs_window, takes_window
from stream.query.wall_judge import judge, wanted
from stream.query.wall_lists import Notes, read_letters, read_sla
from stream.query.wall_memory import Memory
from stream.query.wall_trend import Trends
from stream.query.windows import Calendar

LABEL_VALUES_MAX: Final = 8
"""A table by a label with so few values shows them all, so that its rows stay where they are."""
_COUNTS: Final = ("count", "numerator", "denominator")


class WallReader(StoreReader, ClockSource, Protocol):
    """What boards need of the store."""

    async def journals(self, family: str) -> dict[int, dict[str, int]]:
        """Counters of each partition."""


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at. `window` stands for those of the tiles; `where` is the board's condition and the
    viewer's."""

    board: BoardConfig
    window: str | None
    where: dict[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand at one moment: what one board has asked is not asked again for another."""

    queries: Queries
    sources: list[Reached]
    now_ms: int
    wall_ms: int
    notes: Notes
    rows: dict[Hashable, list[Row]] = field(default_factory=dict)
    """What has been answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A number that is asked for, with all that the configuration leaves open."""

    metric: Metric
    stat: str
    label: str
    window: str | None
    where: dict[str, str]
    only: str | None
    """What it is of, when the viewer asks for something else."""

    def check(self, by: str | None, config: Config) -> None:
        """Raises QueryError when it cannot be read as the viewer asks for it."""
        if self.only:
            raise QueryError(f"this is of {self.only} only")
        check_dimensions(self.metric, by, self.where, (self.stat,), config)

    def request(self, by: tuple[str, ...] = (), compare: str | None = None) -> Request:
        """The request for it."""
        where = [f"{name}={value}" for name, value in self.where.items()]
        return Request(window=self.window, by=by, where=where, stats=(self.stat,), compare=compare)


class Maker:
    """Makes the tiles of a view at one moment."""

    def __init__(
        self, catalog: Catalog, config: Config, reader: WallReader, memory: Memory, at: Moment, view: View
    ) -> None:
        self._catalog = catalog
        self._config = config
        self._reader = reader
        self._memory = memory
        self._sources = {source.family: source for source in at.sources}
        self._at = at
        self._view = view
        self._calendar = Calendar(config.timezone)
        self._trends = Trends(at.queries, self._calendar, memory, at.now_ms, at.wall_ms)

    async def tiles(self) -> dict[str, shown.AnyTile]:
        """Every tile of the board by its id: its place, and what it shows."""
        made: dict[str, shown.AnyTile] = {}
        for place, tile in enumerate(self._view.board.tiles):
            what = tile.metric if isinstance(tile, NumberTile) else tile.kind
            made[f"{place:02}-{what}"] = await self._tile(place, tile)
        return made

    async def _tile(self, place: int, tile: TileConfig) -> shown.AnyTile:
        match tile:
            case NumberTile():
                return await self._number(tile)
            case TableTile():
                return await self._table(tile)
            case SlaTile():
                return await self._sla(tile)
            case SourcesTile():
                return shown.SourcesTile(label=tile.label or "Sources", freshness="fresh")
            case DeadlettersTile():
                rows = await read_letters(self._reader, self._memory, self._at.wall_ms)
                return shown.DeadlettersTile(
                    label=tile.label or "Dead letters", freshness="fresh" if rows else "none", rows=rows
                )

    async def _number(self, tile: NumberTile) -> shown.NumberTile:
        asked = self._asked(tile)
        metric, target = asked.metric, wanted(asked.metric, asked.stat)
        freshness, since_ms = self._freshness([metric])
        made = shown.NumberTile(
            label=asked.label, freshness=freshness, since_ms=since_ms, metric=metric.id, stat=asked.stat,
            unit=metric.unit, window=asked.window, where=asked.where, help=metric.help, owner=metric.owner,
            next_action=metric.next_action, target=target,
        )  # fmt: skip
        try:
            values = await self._values(asked)
            if freshness == "none":
                return made
            value = values.get(asked.stat)
            made = replace(
                made, value=value, state=judge(value, target), ticks=self._ticks(metric, value),
                count={stat: values[stat] for stat in _COUNTS if stat in values and stat != asked.stat},
                count_unit="seconds" if isinstance(metric.formula, LevelShare) else None,
            )  # fmt: skip
            if not takes_window(metric):
                return made  # it has no past
            change = await self._trends.change(asked, value, target) if tile.compare == "week" else None
            return replace(made, spark=await self._trends.spark(asked), change=change)
        except QueryError as error:
            return replace(made, note=str(error), state="none")

    async def _values(self, asked: Asked) -> Values:
        rows = await self._answer(asked, ())
        if len(rows) > 1:
            raise QueryError(f"{asked.metric.id} is never mixed: ask for one of {list(rows[0].by)}")
        return rows[0].values if rows else asked.metric.formula.nothing()

    async def _answer(self, asked: Asked, by: tuple[str, ...]) -> list[Row]:
        """The rows of now; one view's are also another's, whatever stat of them it shows."""
        asked.check(by[0] if by else None, self._config)
        question = plan(asked.metric, asked.request(by), self._calendar, self._at.now_ms).question
        where = tuple(sorted(asked.where.items()))
        key = ("now", asked.metric.id, question.sketches, asked.window, where, by)

        async def read() -> list[Row]:
            if key not in self._at.rows:
                self._at.rows[key] = (await self._at.queries.ask(question)).rows
            return self._at.rows[key]

        if not takes_window(asked.metric):
            return await read()  # its value is of this very moment
        return await self._memory.get(key, self._at.wall_ms, None, read)

    async def _table(self, tile: TableTile) -> shown.TableTile:
        columns = [self._asked(column) for column in tile.columns]
        metrics = [asked.metric for asked in columns]
        freshness, since_ms = self._freshness(metrics)
        targets = [wanted(asked.metric, asked.stat) for asked in columns]
        made = shown.TableTile(
            label=tile.label or f"By {tile.by}", freshness=freshness, since_ms=since_ms, by=tile.by,
            columns=[
                shown.Column(
                    label=asked.label, metric=asked.metric.id, stat=asked.stat, unit=asked.metric.unit,
                    window=asked.window, target=target,
                )
                for asked, target in zip(columns, targets, strict=True)
            ],
        )  # fmt: skip
        if freshness == "none":
            return made
        try:
            found = [await self._rows(asked, tile.by) for asked in columns]
        except QueryError as error:
            return replace(made, note=str(error))
        names = self._ranked(tile.by, columns, found)
        rows = [
            shown.TableRow(
                name=name,
                cells=[
                    self._cell(asked, values.get(name), target)
                    for asked, values, target in zip(columns, found, targets, strict=True)
                ],
            )
            for name in names[: tile.top]
        ]
        return replace(made, rows=rows, more=max(0, len(names) - tile.top))

    async def _rows(self, asked: Asked, by: str) -> dict[str | None, Values]:
        return {row.by[by]: row.values for row in await self._answer(asked, (by,))}

    def _ranked(
        self, by: str, columns: list[Asked], found: list[dict[str | None, Values]]
    ) -> list[str | None]:
        """The rows' names: of a label in its order, else those with most first, by the columns that
        count, and last who has no value."""
        weights: dict[str | None, float] = {}
        for asked, values in zip(columns, found, strict=True):
            counts = asked.metric.kind in ("count", "level")
            for name, each in values.items():
                weights[name] = weights.get(name, 0) + (weight(each) if counts else 0)
        labels = columns[0].metric.labels.get(by)
        if labels is None:
            return sorted(weights, key=lambda name: (name is None, -weights[name], name))
        few = len(labels) <= LABEL_VALUES_MAX
        return [name for name in labels if few or name in weights]

    def _cell(self, asked: Asked, values: Values | None, target: shown.Target | None) -> shown.Cell:
        # Rows of zeros are left out of answers.
        value = (values if values is not None else asked.metric.formula.nothing()).get(asked.stat)
        return shown.Cell(value=value, state=judge(value, target), ticks=self._ticks(asked.metric, value))

    async def _sla(self, tile: SlaTile) -> shown.SlaTile:
        freshness, since_ms = self._freshness_of(["tickets", "calls"])
        made = shown.SlaTile(label=tile.label or "SLA clocks", freshness=freshness, since_ms=since_ms)
        where = {**tile.where, **self._view.where}
        if only := self._only(tile.where):
            return replace(made, note=f"this is of {only} only")
        at = self._at
        try:
            rows = await read_sla(
                self._config,
                self._reader,
                self._memory,
                tile,
                where,
                at.now_ms,
                at.wall_ms,
                at.notes,
            )
        except QueryError as error:
            return replace(made, note=str(error))
        return replace(made, rows=rows)

    def _asked(self, number: NumberTile | ColumnConfig) -> Asked:
        """A number of the configuration, as this view asks for it."""
        metric, view = self._catalog.get(number.metric), self._view
        window = number.window or (view.board.window if needs_window(metric) else None)
        if window is not None and view.window is not None:
            window = view.window
        return Asked(
            metric, number.stat or metric.formula.default, number.label or _spoken(metric.id), window,
            {**number.where, **view.where}, self._only(number.where),
        )  # fmt: skip

    def _only(self, where: dict[str, str]) -> str | None:
        asked = self._view.where
        return next((value for name, value in where.items() if asked.get(name, value) != value), None)

    def _ticks(self, metric: Metric, value: float | int | None) -> shown.Ticks | None:
        if value is None or not isinstance(metric.formula, Oldest):
            return None
        return shown.Ticks(since_ms=self._at.now_ms - round(value * 1000))

    def _freshness(self, metrics: list[Metric]) -> tuple[shown.Freshness, int | None]:
        return self._freshness_of(
            [name for metric in metrics for name in (metric.family, *metric.also, *metric.fed_by)]
        )

    def _freshness_of(self, families: list[str]) -> tuple[shown.Freshness, int | None]:
        sources = [self._sources[name] for name in dict.fromkeys(families)]
        if all(source.state == "none" for source in sources):
            return "none", None
        stale = [source for source in sources if source.state == "stale"]
        if not stale:
            return "fresh", None
        return "stale", min(source.fresh_at_ms or 0 for source in stale) or None


def _spoken(metric_id: str) -> str:
    """`first_response_time` -> `First response time`."""
    return metric_id.replace("_", " ").capitalize()
