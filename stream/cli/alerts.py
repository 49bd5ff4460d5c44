"""`floorcast alerts`: tells people of clocks that run out; `floorcast alerts test` tries the destinations."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from stream.alerts.channels import channels
from stream.alerts.channels.http import new_client
from stream.alerts.dispatch import Dispatcher
from stream.alerts.trial import try_out
from stream.cli.logs import set_up
from stream.cli.options import InputError, config_option, config_options, resolve
from stream.cli.reading import wall_ms
from stream.cli.running import run
from stream.config import Config
from stream.sources.alerting import AlertTopics
from stream.store import RedisStore, StoreError
from stream.store.reports import keep_reporting

PATIENCE_S = 2.0
WITH_CLOCKS = ("tickets", "calls")
"""Families whose shards find breaches."""


@click.group("alerts", invoke_without_command=True)
@config_options
@click.pass_context
def command(context: click.Context, config_path: Path | None, data_dir: Path | None) -> None:
    """Deliver alerts to the destinations of the configuration, until it is interrupted.

    Several may run: they share the partitions. What was sent is known from the topic kafka.topics.alerts.
    """
    if context.invoked_subcommand is not None:
        return
    config = resolve(config_path, data_dir)
    set_up(config)
    _has_destinations(config)
    if config.clock == "events":
        raise InputError("clock: events is for history, of which nobody is alerted: set clock to wall")
    try:
        run(_dispatch(config, session_timeout_ms=10_000 if data_dir is None else 6_000))
    except SystemExit:
        sys.exit(0)  # interrupted is how it ends


@command.command("test")
@click.option("--to", "names", multiple=True, metavar="NAME", help="Only this destination; may be repeated.")
@config_option
def test(names: tuple[str, ...], config_path: Path | None) -> None:
    """Send one alert of each kind to every destination, marked as a test; exit status 1 if one fails."""
    config = resolve(config_path)
    _has_destinations(config)
    for name in names:
        if name not in config.alerts.destinations:
            raise InputError(f"no destination is called {name}: {', '.join(config.alerts.destinations)}")
    sys.exit(0 if asyncio.run(_try_out(config, names)) else 1)


def _has_destinations(config: Config) -> None:
    if not config.alerts.destinations:
        raise InputError("alerts.destinations is empty: name where alerts go (docs/alerts.md)")


async def _dispatch(config: Config, session_timeout_ms: int) -> None:
    store = RedisStore(config.redis, PATIENCE_S)

    async def fresh() -> int | None:
        try:
            fences = [fence for family in WITH_CLOCKS for fence in (await store.fences(family)).values()]
        except StoreError:
            return None
        return min((fence.fresh for fence in fences), default=None)

    async with new_client() as client:
        dispatcher = Dispatcher(
            config, channels(config.alerts.destinations, client),
            lambda: AlertTopics(config.kafka, session_timeout_ms), fresh, wall_ms,
        )  # fmt: skip
        kinds = {name: destination.kind for name, destination in config.alerts.destinations.items()}
        reporting = asyncio.create_task(
            keep_reporting(store.write_report, lambda: dispatcher.counters.report(kinds, wall_ms()))
        )
        try:
            await dispatcher.run()
        finally:
            reporting.cancel()
            await store.close()


async def _try_out(config: Config, names: tuple[str, ...]) -> bool:
    good = True
    async with new_client() as client:
        for name, channel in channels(config.alerts.destinations, client).items():
            if names and name not in names:
                continue
            async for kind, failure in try_out(channel, config, wall_ms()):
                click.echo(f"{name}: {kind}: {failure or 'sent'}")
                good = good and failure is None
    return good
