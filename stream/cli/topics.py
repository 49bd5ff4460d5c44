"""`floorcast topics create`: make the topics that floorcast reads and writes."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import config_options, resolve
from stream.cli.running import run
from stream.sources.topics import PARTITIONS, create_topics


@click.group("topics")
def command() -> None:
    """The topics in Kafka."""


@command.command("create")
@click.option(
    "--partitions", type=click.IntRange(1, 10_000), default=PARTITIONS, show_default=True,
    help="Of each topic. More workers than this have nothing to do; it cannot be changed later.",
)  # fmt: skip
@click.option(
    "--replicas", type=click.IntRange(1, 100), help="Of each partition. Default: one a broker, at most 3."
)
@config_options
def create(partitions: int, replicas: int | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    config = resolve(config_path, data_dir)
    for report in run(create_topics(config, partitions, replicas)):
        note = f" ({report.note})" if report.note else ""
        click.echo(f"{report.name}: {report.outcome}, {report.partitions} partitions{note}")
