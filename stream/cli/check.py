"""`floorcast check`: is the configuration good, and what is in effect?"""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import config_option, read_config
from stream.config import ConfigError, describe


@click.command("check")
@config_option
def command(config_path: Path | None) -> None:
    """Check the configuration and print the one in effect; exit status 2 with all errors when it is wrong."""
    try:
        config = read_config(config_path)
    except ConfigError as error:
        click.echo(error, err=True)
        raise SystemExit(2) from None
    click.echo(f"OK\n{describe(config)}", nl=False)
