"""`floorcast explain`: why is this number what it is?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from stream.cli.options import InputError, config_options, resolve
from stream.cli.reading import reading, safe
from stream.cli.running import run
from stream.config import Config
from stream.events.partition import partition_of
from stream.metrics.catalog import load_catalog
from stream.metrics.sizes import NAMES
from stream.query.explain import Explanation, explain
from stream.query.look import Look
from stream.query.windows import Calendar
from stream.shard.changes import Needs
from stream.shard.family import COUNTED, family
from stream.store import RedisStore


@dataclass(frozen=True, slots=True)
class Found:
    """An entity, the shard that keeps it, and the one in which its key belongs."""

    name: str
    partition: int
    expected: int
    clock_ms: int
    explanation: Explanation


@click.command("explain")
@click.argument("entity", metavar="TOPIC/ENTITY")
@config_options
def command(entity: str, config_path: Path | None, data_dir: Path | None) -> None:
    """Show an entity's history, its state, and every contribution and its panes, e.g. tickets/zendesk:123."""
    config = resolve(config_path, data_dir)
    name, subject = _split(entity, config)
    show(Console(), run(_find(config, name, subject)), Calendar(config.timezone))


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
        found = await find(config, store, name, subject)
    if found is None:
        raise click.ClickException(
            f"nothing is known of {name}/{subject}: no event of it was read, all were dead letters, or it "
            f"has been finished and silent for longer than keep_finished.{name} and the horizon"
        )
    return found


async def find(config: Config, store: RedisStore, name: str, subject: str) -> Found | None:
    """The entity from where its key belongs, else from wherever it is."""
    fences = await Look(store, config).fences(name)
    if not fences:
        return None
    expected = partition_of(subject.encode(), len(fences))
    for partition in sorted(fences, key=lambda partition: partition != expected):
        loaded = await store.load(name, partition, Needs(states=[subject]))
        if subject in loaded.states:
            fence = fences[partition]
            told = explain(
                family(name, config), config, load_catalog(), fence, subject, loaded.states[subject]
            )
            return Found(name, partition, expected, fence.clock, told)
    return None


def show(console: Console, found: Found, calendar: Calendar) -> None:
    """Prints an explanation."""
    told = found.explanation
    console.print(safe(f"{found.name}/{told.subject}"), style="bold", highlight=False)
    console.print(
        f"shard {found.name}/{found.partition}, clock {calendar.short(found.clock_ms)}", highlight=False
    )
    if found.partition != found.expected:
        console.print(
            f"its key belongs into partition {found.expected}: its producer partitions otherwise than Kafka"
        )
    history = _table("history", "time", "type", "source", "id", "what it said")
    if told.sealed:
        history.caption = (
            "events older than the horizon are sealed in a checkpoint; their contributions are listed"
        )
    for event in told.history:
        history.add_row(
            calendar.short(event.at_ms), *map(safe, (event.type, event.source, event.id, event.said))
        )
    console.print(history)
    state = _table("state", "", "")
    state.show_header = False
    for name, value in told.state:
        state.add_row(name, safe(value))
    console.print(state)
    counted = _table(
        "contributions", "10 s pane", "measure", "amount", "segments", "held by the panes of", "read by"
    )
    for part in told.contributions:
        segments = ", ".join(f"{field}={value}" for field, value in part.segments.items())
        panes = ", ".join(f"{NAMES[size]} {calendar.short(start)[5:]}" for size, start in part.panes)
        counted.add_row(
            calendar.short(part.at_ms), safe(part.measure), f"{part.amount:+,}", safe(segments),
            panes or "none: past retention", ", ".join(part.metrics) or "(none: kept apart)",
        )  # fmt: skip
    if not told.contributions:
        counted.caption = "nothing: removed, refused, or not counted in this version"
    console.print(counted)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if name == "amount" else "left", overflow="fold")
    return table
