"""`floorcast config`: calendars, policies and queues' targets change while a system runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from stream.cli.options import config_options, resolve
from stream.cli.reading import reading, safe
from stream.cli.running import run
from stream.config import Config
from stream.config.history import source_hash
from stream.config.published import History
from stream.query.windows import Calendar


@click.group("config")
def command() -> None:
    """What was published of calendars, policies and targets."""


@command.command("publish")
@config_options
def publish_command(config_path: Path | None, data_dir: Path | None) -> None:
    """Bring the calendars, policies and queues' targets of this configuration into force.

    Running workers take them over within seconds, and running clocks are recomputed at that instant; what is
    closed stays as it was. A worker that starts with a new configuration publishes it by itself; to return to
    an earlier one, publish that.
    """
    from stream.sources.broker import BrokerError
    from stream.worker.claim import WrongImage

    config = resolve(config_path, data_dir)
    if config.clock == "events":
        raise click.ClickException("with `clock: events` nothing changes while it runs: count anew instead")
    try:
        history = run(_publish(config))
    except (BrokerError, WrongImage) as error:
        raise click.ClickException(str(error)) from None
    if history is None:
        click.echo("nothing to publish: these calendars, policies and targets are in force")
    elif history[-1].source == source_hash(config):
        click.echo(f"version {len(history)} is in force from {_begin(history, len(history), config)} on")
    else:
        click.echo("another version was published at the same moment: look at `floorcast config history`")
        sys.exit(1)


async def _publish(config: Config) -> History | None:
    from stream.sources.versions import read_versions
    from stream.worker.versions import publish

    history = await read_versions(config.kafka)
    if history and history[-1].source == source_hash(config):
        return None
    async with reading(config) as store:
        return await publish(config, store, history)


@command.command("history")
@config_options
def history_command(config_path: Path | None, data_dir: Path | None) -> None:
    """Show what was published, and which of it this configuration says."""
    from stream.sources.broker import BrokerError
    from stream.sources.versions import read_versions

    config = resolve(config_path, data_dir)
    try:
        history = run(read_versions(config.kafka))
    except BrokerError as error:
        raise click.ClickException(str(error)) from None
    if not history:
        click.echo("nothing was published yet: the first worker that starts does it")
        return
    Console(highlight=False).print(_table(history, config))
    if all(version.source != source_hash(config) for version in history):
        click.echo("this configuration says something else: `floorcast config publish` brings it into force")


def _table(history: History, config: Config) -> Table:
    table = Table()
    for name in ("version", "in force from", "calendars", "policies", "queues' targets", "this file"):
        table.add_column(name, overflow="fold")
    for number, version in enumerate(history, start=1):
        policies = dict.fromkeys(policy.name for policy in version.sla.policies)
        waits = sum(queue.max_wait_ms is not None for queue in version.sla.queues)
        table.add_row(
            str(number), _begin(history, number, config), safe(_listed(list(version.sla.calendars))),
            safe(_listed(list(policies))), str(waits), "yes" if version.source == source_hash(config) else "",
        )  # fmt: skip
    return table


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _begin(history: History, number: int, config: Config) -> str:
    return "always" if number == 1 else Calendar(config.timezone).text(history[number - 1].from_ms)
