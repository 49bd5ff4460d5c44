"""`floorcast serve`: API, live stream and wallboards."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from pathlib import Path

import click

from stream.cli.logs import set_up
from stream.cli.options import InputError, config_options, resolve
from stream.cli.reading import reading, wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.serve.access import may_listen
from stream.serve.server import address_of, listen, serve


@click.command("serve")
@config_options
def command(config_path: Path | None, data_dir: Path | None) -> None:
    """Serve wallboards, live streams and the API at serve.host and serve.port until it is interrupted.

    On a loopback address everybody on this machine may read; elsewhere it needs tokens (docs/api.md).
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what is wrong there, answers and ours say
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = resolve(config_path, data_dir)
    set_up(config)
    if reason := may_listen(config.serve):
        raise InputError(reason)
    if sys.platform != "win32":  # where there is none
        import uvloop

        uvloop.install()
    run(_serve(config))


async def _serve(config: Config) -> None:
    try:
        sock = listen(config.serve)
    except OSError as error:
        where = f"{config.serve.host}:{config.serve.port}"
        raise click.ClickException(
            f"cannot listen on {where}: {error.strerror or error}; set serve.host and serve.port"
        ) from None
    async with reading(config) as store:
        click.echo(f"wallboards at {address_of(config.serve, sock)}/")
        with suppress(asyncio.CancelledError):
            await serve(config, store, sock, wall_ms)
