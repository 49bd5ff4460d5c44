"""`floorcast sla`: whose clock runs out next."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, safe, wall_ms, where_option
from stream.cli.running import run
from stream.config import Config
from stream.config.durations import format_duration
from stream.events.clocks import CLOCKS
from stream.printable import json_line
from stream.query.look import Look, in_force, now_of
from stream.query.plain import running_plain
from stream.query.request import conditions
from stream.query.sla_board import STATES, Running, read_running
from stream.query.windows import Calendar


@click.command("sla")
@click.option("--team", help="Only tickets of this team.")
@click.option("--clock", type=click.Choice(CLOCKS), help="Only this clock.")
@click.option("--state", type=click.Choice(STATES), help="Only clocks in this state.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 1000), help="So many at most.")
@where_option
@click.option("--json", "as_json", is_flag=True, help="The list for machines.")
@config_options
def command(
    team: str | None, clock: str | None, state: str | None, most: int, where: tuple[str, ...], as_json: bool,
    config_path: Path | None, data_dir: Path | None,
) -> None:  # fmt: skip
    """List the clocks that run, the soonest due first, with owner and next step.

    Clocks past due come first; paused ones are left out, as nothing is due while they pause.
    """
    config = resolve(config_path, data_dir)
    wanted = {**conditions(where), **({"team": team} if team else {})}
    found = run(_read(config, clock, state, wanted, most))
    calendar = Calendar(config.timezone)
    if as_json:
        click.echo(json_line([running_plain(one, calendar) for one in found]))
    else:
        nothing = "no clock runs that was asked for"
        Console(highlight=False).print(_table(found, calendar) if found else nothing)


async def _read(
    config: Config, clock: str | None, state: str | None, where: dict[str, str | None], most: int
) -> list[Running]:
    async with reading(config) as store:
        config = await in_force(store, config)
        now_ms = await now_of(Look(store, config), config, wall_ms())
        return await read_running(config, store, now_ms, clock, state, where, most)


def _table(found: list[Running], calendar: Calendar) -> Table:
    table = Table()
    for name in ("due", "left", "state", "clock", "entity", "owner", "next step"):
        table.add_column(name, overflow="fold")
    for one in found:
        view = one.view
        owner = " / ".join(filter(None, (one.segments.get("team"), one.segments.get("agent")))) or "nobody"
        state = f"{view.state} ({view.level})" if view.state == "at_risk" else view.state
        table.add_row(
            calendar.short(view.due_ms or 0), _left(one.left_ms), state, view.clock, safe(one.subject),
            safe(owner), one.next_step,
        )  # fmt: skip
    return table


def _left(left_ms: int) -> str:
    """Whole seconds, with a sign where it is past."""
    seconds_ms = abs(left_ms) // 1000 * 1000
    return ("-" if left_ms < 0 else "") + format_duration(seconds_ms)
