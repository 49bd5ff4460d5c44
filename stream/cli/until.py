"""The option `--until`: where time moves when history has been read."""

from __future__ import annotations

from datetime import datetime

import click

from stream.events.envelope import to_ms


def _instant(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it like 1999-02-01T00:00:00+02:00") from None
    if instant.tzinfo is None:
        raise click.BadParameter(f"{value} has no offset; write it like 1999-02-01T00:00:00+02:00")
    return to_ms(instant)


until_option = click.option(
    "--until", "until_ms", callback=_instant, metavar="TIME",
    help="With `clock: events`: time moves there when the log has been read to its end.",
)  # fmt: skip
