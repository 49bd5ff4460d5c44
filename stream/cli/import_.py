"""`floorcast import`: history into Kafka, by way of an adapter."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from stream.cli.options import InputError, config_options, resolve
from stream.cli.progress import Reporter, reporter
from stream.cli.running import run, say_if_not_idempotent
from stream.config import Config
from stream.printable import printable
from stream.sources.adapter import AdapterError, load_adapter
from stream.sources.importer import BadEvent, Imported, collect, publish_sorted
from stream.sources.pace import Pace, parse_speed
from stream.sources.publish import Publisher
from stream.sources.sort import Sorter


def speed_of(context: click.Context, parameter: click.Parameter, value: str) -> float | None:
    """click's callback for `--speed`."""
    try:
        return parse_speed(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--adapter", "adapter_name", required=True, metavar="MODULE_OR_FILE.py:FUNCTION",
    help="The function that takes a path and yields CloudEvents as dicts.",
)  # fmt: skip
@click.option(
    "--speed", default="max", show_default=True, callback=speed_of, help="max, or 1x, 60x, ... of real time."
)
@config_options
def command(
    paths: tuple[Path, ...],
    adapter_name: str,
    speed: float | None,
    config_path: Path | None,
    data_dir: Path | None,
) -> None:
    """Publish what an adapter makes of PATHS, in order of time, under the events' own timestamps.

    Everything is checked before the first event is published: if one is wrong, none is (exit status 2).
    """
    config = resolve(config_path, data_dir)
    with Sorter() as sorter, reporter() as report:
        try:
            adapter = load_adapter(adapter_name)
            read = report.step("reading")
            collect(adapter, paths, sorter, config.max_event_bytes, time.time_ns() // 1_000_000, read)
        except (AdapterError, BadEvent) as error:
            raise InputError(printable(str(error))) from None
        began_s = time.monotonic()
        imported = run(_publish(config, sorter, Pace(speed), report))
        took_s = time.monotonic() - began_s
    click.echo(_summary(imported, took_s))


async def _publish(config: Config, sorter: Sorter, pace: Pace, report: Reporter) -> Imported:
    async with Publisher(config.kafka) as publisher:
        say_if_not_idempotent(publisher)
        step = report.step("publishing", total=sorter.events)
        return await publish_sorted(publisher, config.kafka, sorter, pace, step)


def _summary(imported: Imported, took_s: float) -> str:
    if imported.first_ms is None or imported.last_ms is None:
        return "0 events: the adapter yielded none"
    rate = imported.events / max(took_s, 0.001)
    span = f"{_utc(imported.first_ms)} to {_utc(imported.last_ms)}"
    return f"{imported.events} events published in {took_s:.1f} s ({rate:,.0f}/s), from {span}"


def _utc(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
