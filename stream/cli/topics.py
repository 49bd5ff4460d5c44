"""`floorcast topics create`: make the topics that floorcast reads and writes."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import config_options, resolve
from stream.cli.progress import reporter
from stream.cli.running import run
from stream.config import Config
from stream.sources.copy import copy_topic
from stream.sources.topics import PARTITIONS, create_topics


@click.group("topics")
def command() -> None:
    """The topics in Kafka."""


@command.command("create")
@click.option(
    "--partitions", type=click.IntRange(1, 10_000), default=PARTITIONS, show_default=True,
    help="Of each topic. More workers than this have nothing to do. More later: `floorcast topics copy`.",
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


@command.command("copy")
@click.argument("source")
@click.argument("target")
@click.option("--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@config_options
def copy(source: str, target: str, follow: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Copy the topic SOURCE into TARGET, which has more partitions, in order of time and by key.

    Run again, it goes on where it ended. docs/production.md says how shards move to the copy.
    """
    run(_copy(resolve(config_path, data_dir), source, target, follow))


async def _copy(config: Config, source: str, target: str, follow: bool) -> None:
    with reporter() as steps:
        step = steps.step(f"{source} to {target}")
        copied = await copy_topic(config.kafka, source, target, follow=follow, said=step)
    click.echo(f"{copied} records copied from {source} to {target}")
