"""`floorcast simulate`: a believable floor, live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from stream.cli.import_ import speed_of
from stream.cli.options import config_options, resolve
from stream.cli.running import run, say_if_not_idempotent
from stream.cli.until import duration, instant
from stream.config import Config
from stream.floor import simulate
from stream.sources.live import Told, event_ms, play
from stream.sources.pace import Pace
from stream.sources.publish import Publisher
from stream.sources.topics import topic_names


def _start(context: click.Context, parameter: click.Parameter, value: str | None) -> int:
    given = instant(context, parameter, value)
    return time.time_ns() // 1_000_000 if given is None else given


@click.command("simulate")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed and start: the same events."
)
@click.option(
    "--rate", type=click.FloatRange(0, 100_000, min_open=True), default=10.0, show_default=True,
    help="Mean events per second of event time, over a week of day and night.",
)  # fmt: skip
@click.option(
    "--start", "start_ms", callback=_start, metavar="TIME", help="When the floor opens. Default: now."
)
@click.option(
    "--duration", "duration_ms", callback=duration, metavar="D", help="Of event time. Default: for ever."
)
@click.option(
    "--speed", default="max", show_default=True, callback=speed_of,
    help="How fast a --start in the past catches up with now: max, or 1x, 60x, ...",
)  # fmt: skip
@click.option("--stdout", is_flag=True, help="Print the events as JSON lines instead of publishing them.")
@config_options
def command(
    seed: int, rate: float, start_ms: int, duration_ms: int | None, speed: float | None, stdout: bool,
    config_path: Path | None, data_dir: Path | None,
) -> None:  # fmt: skip
    """Publish the events of a simulated floor as they happen, until it is interrupted.

    Its day is that of the configuration's timezone. With a --start in the past it first publishes what has
    happened since.
    """
    config = resolve(config_path, None if stdout else data_dir)
    events: Iterable[Told] = simulate(seed, start_ms, rate, ZoneInfo(config.timezone))
    if duration_ms is not None:
        end_ms = start_ms + duration_ms
        events = takewhile(lambda told: event_ms(told[1]) < end_ms, events)
    if stdout:
        run(_print(events, Pace(speed)))
    else:
        run(_publish(config, events, Pace(speed)))


async def _print(events: Iterable[Told], pace: Pace) -> None:
    async def send(family: str, event: dict[str, Any]) -> None:
        click.echo(msgspec.json.encode(event))
        await asyncio.sleep(0)  # a signal is heard

    with suppress(asyncio.CancelledError):
        await play(events, send, pace)


async def _publish(config: Config, events: Iterable[Told], pace: Pace) -> None:
    topics = topic_names(config.kafka)
    async with Publisher(config.kafka) as publisher:
        say_if_not_idempotent(publisher)

        async def send(family: str, event: dict[str, Any]) -> None:
            await publisher.publish(topics[family], event["subject"].encode(), msgspec.json.encode(event))

        with suppress(
            asyncio.CancelledError
        ):  # to be interrupted is how it ends: what is under way is flushed
            await play(events, send, pace)
    click.echo(f"{publisher.acknowledged} events published")
