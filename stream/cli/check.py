"""`floorcast check`: is the configuration good, and what is in effect?"""

from __future__ import annotations

from pathlib import Path

import click

from stream.config import ConfigError, describe, load


@click.command("check")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration file. Default: FLOORCAST_CONFIG, else floorcast.yaml if there is one.",
)
def command(path: Path | None) -> None:
    """Check the configuration and print the one in effect; exit status 2 with all errors when it is wrong."""
    try:
        config = load(path)
    except ConfigError as error:
        click.echo(error, err=True)
        raise SystemExit(2) from None
    click.echo(f"OK\n{describe(config)}", nl=False)
