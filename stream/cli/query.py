"""`floorcast query`: the values of a metric."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from stream.cli.answer import as_csv, as_table
from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, split_list, wall_ms, where_option
from stream.cli.running import run
from stream.config import Config
from stream.metrics.catalog import catalog_of
from stream.printable import json_line, printable_lines
from stream.query.look import in_force
from stream.query.plain import Told, answer, as_plain
from stream.query.request import Request
from stream.query.windows import Calendar


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
@where_option
@click.option(
    "--stat", "stats", default="", callback=split_list, metavar="S,...", help="Such as mean,p90,count."
)
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="The N largest groups; the rest is one row.",
)
@click.option("--step", metavar="D", help="Cut the window: 15m, 1h; 1d is a calendar day.")
@click.option(
    "--compare",
    "compared",
    type=click.Choice(["previous", "week"]),
    help="Beside the same span just before, or the same hours of the same weekday a week before.",
)
@click.option("--json", "as_json", is_flag=True, help="The answer for machines.")
@click.option(
    "--csv", "for_sheet", is_flag=True, help="The answer for a spreadsheet: a line of names, a line a row."
)
@config_options
def command(
    metric: str, window: str | None, from_: str | None, to: str | None, at: str | None, by: tuple[str, ...],
    where: tuple[str, ...], stats: tuple[str, ...], step: str | None, top: int | None,
    compared: str | None, as_json: bool, for_sheet: bool,
    config_path: Path | None, data_dir: Path | None,
) -> None:  # fmt: skip
    """Show METRIC (`floorcast metrics` lists them): now, over a window, by dimensions, in steps.

    `at` is the end of a row's window, or the instant of a level. Freshness is how long ago the oldest shard
    had read its log to the end.
    """
    config = resolve(config_path, data_dir)
    if as_json and for_sheet:
        raise click.UsageError("--json and --csv are two forms of one answer: ask for one")
    request = Request(window, from_, to, at, by, where, stats, step, compared, top or 0)
    told = run(_query(config, metric, request))
    calendar = Calendar(config.timezone)
    if for_sheet:
        sheet = as_csv(told, calendar)
        # color: else click takes out of the values what looks like a colour.
        click.echo(printable_lines(sheet) if sys.stdout.isatty() else sheet, nl=False, color=True)
    elif as_json:
        click.echo(json_line(as_plain(told, calendar)))
    else:
        Console(highlight=False).print(as_table(told, calendar, config.timezone))


async def _query(config: Config, metric_id: str, request: Request) -> Told:
    async with reading(config) as store:
        config = await in_force(store, config)
        return await answer(config, store, catalog_of(config), metric_id, request, wall_ms())
