"""`floorcast produce`: JSON lines of events into Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, cast

import click

from stream.cli.options import InputError, config_options, resolve
from stream.cli.running import run, say_if_not_idempotent
from stream.config import Config
from stream.printable import printable
from stream.sources.produce import BadLine, produce
from stream.sources.publish import Publisher


@click.command("produce")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@config_options
def command(files: tuple[str, ...], config_path: Path | None, data_dir: Path | None) -> None:
    """Publish the events of FILES, one CloudEvent as JSON a line; - is the standard input.

    Each line is checked and goes to the topic of its type. The first wrong line ends it (exit status 2).
    """
    run(_produce(resolve(config_path, data_dir), files))


async def _produce(config: Config, files: tuple[str, ...]) -> None:
    async with Publisher(config.kafka) as publisher:
        say_if_not_idempotent(publisher)
        try:
            for name in files:
                with click.open_file(name, "rb") as file:
                    await produce(publisher, config.kafka, cast(BinaryIO, file), name, config.max_event_bytes)
        except BadLine as error:
            before = f"{publisher.acknowledged} events before it were published"
            raise InputError(f"{printable(str(error))}\n{before}") from None
    click.echo(f"{publisher.acknowledged} events published")
