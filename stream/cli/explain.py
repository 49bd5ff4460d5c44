"""`floorcast explain`: why is this number what it is?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from stream.cli.options import InputError, config_options, resolve
from stream.cli.reading import reading
from stream.cli.running import run
from stream.config import Config
from stream.metrics.sizes import NAMES
from stream.printable import printable
from stream.query.explain import Contribution
from stream.query.find import Found, find
from stream.query.look import in_force
from stream.query.windows import Calendar
from stream.shard.family import COUNTED

MEASURE_WIDTH = 50


@click.command("explain")
@click.argument("entity", metavar="TOPIC/ENTITY")
@config_options
def command(entity: str, config_path: Path | None, data_dir: Path | None) -> None:
    """Show an entity's history, its state, and every contribution and its panes, e.g. tickets/zendesk:123."""
    config = resolve(config_path, data_dir)
    name, subject = _split(entity, config)
    for line in lines(run(_find(config, name, subject)), Calendar(config.timezone)):
        click.echo(printable(line))


def _split(entity: str, config: Config) -> tuple[str, str]:
    topic, slash, subject = entity.partition("/")
    names = {getattr(config.kafka.topics, name): name for name in COUNTED} | {name: name for name in COUNTED}
    if not slash or not subject or topic not in names:
        raise InputError(
            f"{entity!r}: write TOPIC/ENTITY, such as tickets/zendesk:123; topics are {', '.join(COUNTED)}"
        )
    return names[topic], subject


async def _find(config: Config, name: str, subject: str) -> Found:
    async with reading(config) as store:
        found = await find(await in_force(store, config), store, name, subject)
    if found is None:
        raise click.ClickException(
            f"nothing is known of {name}/{subject}: no event of it was read, all were dead letters, or it "
            f"has been finished and silent for longer than keep_finished.{name} and the horizon"
        )
    return found


def lines(found: Found, calendar: Calendar) -> Iterator[str]:
    """An explanation, line by line."""
    told = found.explanation
    yield f"{found.name}/{told.subject}"
    yield f"shard {found.name}/{found.partition}, clock {calendar.short(found.clock_ms)}"
    if found.partition != found.expected:
        yield f"its key belongs into partition {found.expected}: its producer partitions otherwise than Kafka"
    yield from ("", "history")
    if told.sealed:
        yield "  (events older than the horizon are sealed; what they contribute is listed)"
    for event in told.history:
        known_by = f"[{event.source} {event.id}]" if event.id else ""
        yield f"  {calendar.short(event.at_ms)}  {event.type:<24} {event.said}  {known_by}".rstrip()
    yield from ("", "state")
    for name, value in told.state:
        yield f"  {name:<17} {value}"
    yield from ("", "contributions")
    yield from _contributions(told.contributions, calendar)


def _contributions(parts: list[Contribution], calendar: Calendar) -> Iterator[str]:
    """Where and when is said once for those that share it."""
    said = ""
    for part in parts:
        segments = ", ".join(f"{field}={value}" for field, value in part.segments.items())
        panes = ", ".join(f"{NAMES[size]} {calendar.short(start)}" for size, start in part.panes)
        where = f"  {calendar.short(part.at_ms)} {segments}; held by {panes or 'no pane any more'}"
        if where != said:
            yield where
            said = where
        readers = ", ".join(part.metrics) or "(no metric of this version)"
        yield f"    {part.measure:<{MEASURE_WIDTH}} {part.amount:>+13,}  {readers}"
    if not parts:
        yield "  none: removed, refused, or not counted in this version"
