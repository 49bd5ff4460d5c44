"""`floorcast exporter`: the numbers for Prometheus."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import click

from stream.cli.logs import set_up
from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.serve.exporter import Exporter


@click.command("exporter")
@config_options
def command(config_path: Path | None, data_dir: Path | None) -> None:
    """Serve /metrics, /healthz and /readyz at exporter.host and exporter.port until it is interrupted."""
    # Scrapes are answered in threads while everything is read: they should not wait long for their turn.
    sys.setswitchinterval(0.001)
    config = resolve(config_path, data_dir)
    set_up(config)
    run(serve(config))


async def serve(config: Config) -> None:
    """Serves until it is cancelled, which is how it ends."""
    async with reading(config) as store:
        exporter = Exporter(config, store, wall_ms)
        try:
            address = exporter.start()
        except OSError as error:
            where = f"{config.exporter.host}:{config.exporter.port}"
            raise click.ClickException(
                f"cannot listen on {where}: {error.strerror or error}; set exporter.host and exporter.port"
            ) from None
        click.echo(f"metrics at {address}/metrics")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await exporter.stop()
