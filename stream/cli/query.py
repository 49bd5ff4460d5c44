"""`floorcast query`: the values of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table

from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, safe, split_list, wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.metrics.catalog import Catalog, Metric, load_catalog
from stream.query.look import Look, age_ms, now_of
from stream.query.model import Reader
from stream.query.numbers import age, number
from stream.query.query import Queries
from stream.query.request import Request, plan
from stream.query.series import Series, ask_series
from stream.query.windows import Calendar


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with all that is needed to show it."""

    metric: Metric
    series: Series
    stats: tuple[str, ...]
    stepped: bool
    fresh_ms: int | None


@click.command("query")
@click.argument("metric")
@click.option(
    "--window",
    metavar="W",
    help="1h, 24h, 15m: up to now; today, yesterday, 7d, 28d, month: from local midnight.",
)
@click.option(
    "--from", "from_", metavar="TIME", help="RFC 3339, or '2026-03-02 09:00' in the deployment's time zone."
)
@click.option("--to", metavar="TIME", help="The window's end, not part of it. Default: now.")
@click.option("--at", metavar="TIME", help="Answer as of this time instead of now.")
@click.option(
    "--by", default="", callback=split_list, metavar="DIM,...", help="A row for each value: team, queue, ..."
)
@click.option(
    "--where",
    multiple=True,
    metavar="DIM=VALUE",
    help="Only this value; nothing after = for those without one.",
)
@click.option(
    "--stat", "stats", default="", callback=split_list, metavar="S,...", help="Such as mean,p90,count."
)
@click.option("--step", metavar="D", help="Cut the window: 15m, 1h; 1d is a calendar day.")
@click.option("--json", "as_json", is_flag=True, help="The answer for machines.")
@config_options
def command(
    metric: str, window: str | None, from_: str | None, to: str | None, at: str | None, by: tuple[str, ...],
    where: tuple[str, ...], stats: tuple[str, ...], step: str | None, as_json: bool,
    config_path: Path | None, data_dir: Path | None,
) -> None:  # fmt: skip
    """Show METRIC (`floorcast metrics` lists them): now, over a window, by dimensions, in steps.

    `at` is the end of a row's window, or the instant of a level. Freshness is how long ago the oldest shard
    had read its log to the end.
    """
    config = resolve(config_path, data_dir)
    request = Request(window, from_, to, at, by, where, stats, step)
    told = run(_query(config, metric, request))
    calendar = Calendar(config.timezone)
    if as_json:
        click.echo(msgspec.json.encode(as_plain(told, calendar)).decode())
    else:
        Console(highlight=False).print(as_table(told, calendar, config.timezone))


async def _query(config: Config, metric_id: str, request: Request) -> Told:
    async with reading(config) as store:
        return await answer(config, store, load_catalog(config.metrics), metric_id, request, wall_ms())


async def answer(
    config: Config, reader: Reader, catalog: Catalog, metric_id: str, request: Request, now_wall_ms: int
) -> Told:
    """The answer to a request, or QueryError, UnknownMetric."""
    metric = catalog.get(metric_id)
    look = Look(reader, config)
    asked = plan(metric, request, Calendar(config.timezone), await now_of(look, config, now_wall_ms))
    series = await ask_series(Queries(catalog, config, look), asked.question, asked.step)
    return Told(metric, series, asked.stats, asked.step is not None, age_ms(series.fresh_at, now_wall_ms))


def as_plain(told: Told, calendar: Calendar) -> dict[str, Any]:
    """The answer as JSON has it."""
    series = told.series
    return {
        "metric": told.metric.id,
        "unit": told.metric.unit,
        "from": None if series.from_ms is None else calendar.text(series.from_ms),
        "to": calendar.text(series.to_ms),
        "fresh_ms": told.fresh_ms,
        "rows": [
            {
                "by": point.row.by,
                "at": calendar.text(point.to_ms),
                "values": {stat: point.row.values.get(stat) for stat in told.stats},
            }
            for point in series.points
        ],
    }


def as_table(told: Told, calendar: Calendar, zone: str) -> RenderableType:
    """The answer for people."""
    series = told.series
    table = Table()
    names = list(series.points[0].row.by) if series.points else []
    for name in (*(("from", "to") if told.stepped else ()), *names):
        table.add_column(name, overflow="fold")
    for stat in told.stats:
        table.add_column(stat, justify="right", overflow="fold")
    for point in series.points:
        edges = (point.from_ms or point.to_ms, point.to_ms) if told.stepped else ()
        groups = ["(none)" if value is None else safe(str(value)) for value in point.row.by.values()]
        values = (number(told.metric, point.row.values, stat) for stat in told.stats)
        table.add_row(*map(calendar.short, edges), *groups, *values)
    return Group(
        f"[bold]{told.metric.id}[/] ({told.metric.unit}), {_span(series, calendar)} {zone}",
        table if series.points else "no data",
        f"fresh: {age(told.fresh_ms)}",
    )


def _span(series: Series, calendar: Calendar) -> str:
    end = calendar.short(series.to_ms)
    return end if series.from_ms is None else f"{calendar.short(series.from_ms)} to {end}"
