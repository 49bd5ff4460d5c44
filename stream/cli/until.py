"""Instants and durations on the command line, and the option `--until`: where time moves when history has
been read."""

from __future__ import annotations

import time
from datetime import datetime

import click

from stream.config import parse_duration
from stream.events.instants import to_ms


def instant(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Milliseconds of a time that says its offset; click shows what is wrong with any other."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it like 2026-01-05T08:00:00Z") from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{value} has no offset; write it like 2026-01-05T08:00:00Z")
    return to_ms(found)


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Milliseconds of a duration such as `90s` or `8d`."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Milliseconds of a time that says its offset, or of so long ago (`2h`)."""
    try:
        return None if value is None else time.time_ns() // 1_000_000 - parse_duration(value)
    except ValueError:
        return instant(context, parameter, value)


until_option = click.option(
    "--until", "until_ms", callback=instant, metavar="TIME",
    help="With `clock: events`: time moves there when the log has been read to its end.",
)  # fmt: skip
