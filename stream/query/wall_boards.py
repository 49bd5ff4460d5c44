"""Which boards there are: those that come with floorcast and those of the configuration; and whether what
stands on a board can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath

import yaml

from stream.config import BoardConfig, ColumnConfig, Config, NumberTile, SlaTile, TableTile, TileConfig, parse
from stream.config.problems import Path, nearest
from stream.events.envelope import SEGMENT_FIELDS
from stream.metrics.catalog import Catalog, Metric, UnknownMetric, catalog_of
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.grouping import select
from stream.query.model import QueryError
from stream.query.stats import chosen_stats, wants_sketches
from stream.query.windows import Calendar
from stream.shard.family import COUNTED

Clash = tuple[tuple[Path, ...], str]
_READY_MADE = FilePath(__file__).with_name("boards.yaml")
_MIDDAY_MS = 1_767_268_800_000
"""Some instant, to see whether a window can be one."""


@dataclass(frozen=True, slots=True)
class Board:
    """A board by name. `about`: what it is for. `private`: about single people, so not for everybody."""

    name: str
    title: str
    about: str | None
    private: bool
    config: BoardConfig


def boards_of(config: Config) -> tuple[Board, ...]:
    """All boards: the ready-made ones, each replaced by one of the configuration of the same name, and the
    further ones of the configuration."""
    return tuple(
        Board(name, board.title or name, board.about, board.private, board)
        for name, board in {**_ready_made(), **config.boards}.items()
    )


def find_board(config: Config, name: str) -> Board:
    """The board of a name. Raises QueryError."""
    boards = {board.name: board for board in boards_of(config)}
    if name not in boards:
        raise QueryError(f"there is no board {name!r}; the nearest is {nearest(name, boards)}")
    return boards[name]


@cache
def _ready_made() -> dict[str, BoardConfig]:
    return parse({"boards": yaml.safe_load(_READY_MADE.read_text(encoding="utf-8"))}).boards


def dimensions_of(config: Config) -> frozenset[str]:
    """Everything by which anything may be kept apart."""
    kept = {name for each in COUNTED for fields in getattr(config.groupings, each) for name in fields}
    return frozenset({*SEGMENT_FIELDS, *kept})


def conditions_of(board: Board, filters: Sequence[tuple[str, str]], config: Config) -> dict[str, str]:
    """The board's condition and that of a view of it. Raises QueryError: unknown, given twice, or at odds."""
    where = dict(board.config.where)
    known = dimensions_of(config)
    asked: dict[str, str] = {}
    for name, value in filters:
        if name not in known:
            raise QueryError(
                f"unknown dimension {name!r}; the nearest known one is {nearest(name, sorted(known))}"
            )
        if asked.setdefault(name, value) != value or where.get(name, value) != value:
            raise QueryError(f"{name} can be one value only: {where.get(name) or asked[name]}, or {value}")
    return {**where, **asked}


def takes_window(metric: Metric) -> bool:
    """Whether it can be asked over a window."""
    return not isinstance(metric.formula, Oldest | Ages)


def needs_window(metric: Metric) -> bool:
    """Whether it says nothing without one."""
    return takes_window(metric) and not isinstance(metric.formula, Level)


def board_clashes(config: Config) -> Iterator[Clash]:
    """What on the boards of the configuration cannot be read: the paths at fault, and what instead."""
    catalog = catalog_of(config)
    for name, board in config.boards.items():
        here: Path = ("boards", name)
        yield from _window_clash((*here, "window"), board.window, config)
        yield from _where_clashes(here, board.where, config)
        for place, tile in enumerate(board.tiles):
            yield from _tile_clashes((*here, "tiles", place), tile, board, config, catalog)


def _tile_clashes(
    here: Path, tile: TileConfig, board: BoardConfig, config: Config, catalog: Catalog
) -> Iterator[Clash]:
    match tile:
        case NumberTile():
            yield from _number_clashes(here, tile, None, board, config, catalog)
        case TableTile() if tile.by:
            for place, column in enumerate(tile.columns):
                there = (*here, "columns", place)
                yield from _number_clashes(there, column, tile.by, board, config, catalog)
        case SlaTile():
            yield from _where_clashes(here, tile.where, config)


def _number_clashes(
    here: Path, number: NumberTile | ColumnConfig, by: str | None, board: BoardConfig, config: Config,
    catalog: Catalog,
) -> Iterator[Clash]:  # fmt: skip
    if not number.metric:
        yield ((*here, "metric"), here), "needs `metric`: the id of one (`floorcast metrics` lists them)"
        return
    try:
        metric = catalog.get(number.metric)
    except UnknownMetric as error:
        yield ((*here, "metric"), here), str(error)
        return
    if number.window is not None:
        yield from _window_clash((*here, "window"), number.window, config)
        if not takes_window(metric):
            yield ((*here, "window"), here), f"{metric.id} is of now and has no window: remove it"
    windowed = number.window is not None or needs_window(metric)
    try:
        stats = chosen_stats(metric, (number.stat,) if number.stat else (), windowed)
    except QueryError as error:
        yield ((*here, "stat"), here), str(error)
        return
    for label in metric.always_by:
        if label not in (by, *number.where):
            values = ", ".join(metric.labels[label])
            yield (
                ((*here, "where"), here),
                f"{metric.id} is never mixed over {label}: ask for one, {{{label}: ...}} ({values})",
            )
    try:
        check_dimensions(metric, by, {**board.where, **number.where}, stats, config)
    except QueryError as error:
        fault = "where" if number.where else "metric"
        yield ((*here, fault), here), str(error)


def check_dimensions(
    metric: Metric, by: str | None, where: dict[str, str], stats: tuple[str, ...], config: Config
) -> None:
    """Whether a metric is kept by these. Raises QueryError, which says by what it is."""
    for name, value in where.items():
        if name in metric.labels and value not in metric.labels[name]:
            offered = list(metric.labels[name])
            raise QueryError(f"{name} is one of {', '.join(offered)}, not {value!r}; the nearest is "
                             f"{nearest(value, offered)}")  # fmt: skip
    names = [name for name in (*((by,) if by else ()), *where) if name not in metric.labels]
    known = dimensions_of(config)
    for name in names:
        if name not in known:
            also = sorted({*known, *metric.labels})
            raise QueryError(f"unknown dimension {name!r}; the nearest known one is {nearest(name, also)} "
                             f"(known: {', '.join(also)})")  # fmt: skip
    for each in (metric.family, *metric.also):
        plain = getattr(config.groupings.without_sketches, each, ())
        groupings = getattr(config.groupings, each)
        sketches = wants_sketches(metric, stats)
        select(groupings, each, names, {}, None, plain, sketches)


def _window_clash(path: Path, window: str, config: Config) -> Iterator[Clash]:
    try:
        Calendar(config.timezone).window(window, _MIDDAY_MS)
    except QueryError as error:
        yield (path, path[:-1]), str(error)


def _where_clashes(here: Path, where: dict[str, str], config: Config) -> Iterator[Clash]:
    known = dimensions_of(config)
    for name in where:
        if name not in known:
            near = nearest(name, sorted(known))
            what = f"unknown dimension; the nearest known one is {near} (known: {', '.join(sorted(known))})"
            yield ((*here, "where", name), here), what
