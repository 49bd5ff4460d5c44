"""`floorcast surveys low`: answers that call for somebody to follow them up."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, safe, wall_ms, where_option
from stream.cli.running import run
from stream.config import Config
from stream.printable import json_line
from stream.query.look import Look, now_of
from stream.query.low import LowScore, low_scores
from stream.query.model import QueryError
from stream.query.request import conditions
from stream.query.windows import Calendar
from stream.shard.family import family
from stream.store import RedisStore


@click.group("surveys")
def command() -> None:
    """Single answers to surveys."""


@command.command("low")
@click.option(
    "--window", default="7d", show_default=True, metavar="W", help="As for query: today, 7d, 24h, ..."
)
@where_option
@click.option("--json", "as_json", is_flag=True, help="The list for machines.")
@config_options
def low(
    window: str, where: tuple[str, ...], as_json: bool, config_path: Path | None, data_dir: Path | None
) -> None:
    """List low scores that have a comment, the latest first.

    Low is: csat below satisfied, nps 0-6, fcr not confirmed, and the worse half of the scale for other kinds.
    """
    config = resolve(config_path, data_dir)
    calendar = Calendar(config.timezone)
    found = run(_low(config, window, where))
    if as_json:
        plain = [{"at": calendar.text(score.at_ms), **msgspec.to_builtins(score)} for score in found]
        click.echo(json_line(plain))
    else:
        nothing = f"no low scores with a comment: {window}"
        Console(highlight=False).print(_table(found, calendar) if found else nothing)


async def _low(config: Config, window: str, where: tuple[str, ...]) -> list[LowScore]:
    async with reading(config) as store:
        return await find_low(config, store, window, where, wall_ms())


async def find_low(
    config: Config, store: RedisStore, window: str, where: tuple[str, ...], now_wall_ms: int
) -> list[LowScore]:
    """The low scores of a window, the latest first."""
    store = store.pinned()
    look = Look(store, config)
    span = Calendar(config.timezone).window(window, await now_of(look, config, now_wall_ms))
    rules = family("surveys", config)
    wanted = conditions(where)
    for name in wanted:
        if name not in rules.fold.segments.dimensions:
            known = ", ".join(rules.fold.segments.dimensions)
            raise QueryError(
                f"surveys are not kept by {name!r}; there are {known}. To add one, list it in floorcast.yaml "
                "under groupings.surveys"
            )
    found: list[LowScore] = []
    for partition in await look.fences("surveys"):
        found += low_scores(rules, await store.read_states("surveys", partition), span, wanted)
    return sorted(found, key=lambda score: (-score.at_ms, score.survey))


def _table(found: list[LowScore], calendar: Calendar) -> Table:
    table = Table()
    for name in ("answered", "survey", "kind", "score", "about", "segments"):
        table.add_column(name, overflow="fold")
    for score in found:
        said = ("yes" if score.score else "no") if isinstance(score.score, bool) else str(score.score)
        of = "" if isinstance(score.score, bool) else f" of {score.scale[0]}-{score.scale[1]}"
        table.add_row(
            calendar.short(score.at_ms), safe(score.survey), score.kind, said + of,
            safe(", ".join(f"{name} {value}" for name, value in score.about.items())),
            safe(", ".join(f"{name}={value}" for name, value in score.segments.items() if name != "kind")),
        )  # fmt: skip
    return table
