"""`floorcast check`: is the configuration good, what is in effect, and what do its policies come to?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click

from stream.cli.options import WRONG_INPUT, config_options, read_config, with_pair
from stream.cli.reading import wall_ms
from stream.cli.running import run
from stream.config import Config, ConfigError, describe, format_duration, resolve
from stream.events.instants import FOREVER
from stream.printable import printable
from stream.shard.family import COUNTED
from stream.sla.explain import Explained, Explainer, Sample
from stream.sla.traps import traps

_STARTS = {
    "next_reply": "asked again",
    "periodic_update": "last told",
    "pausable_update": "last told",
    "group_ownership": "given to the team",
}
"""What starts a clock, where that is not the ticket's creation."""


@click.command("check")
@click.option("--live", is_flag=True, help="Also look at what the topics in Kafka keep.")
@config_options
def command(live: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Check the configuration and print the one in effect, with what its policies come to for sample tickets.

    Policies that may not do what is meant are warned of on standard error. Exit status 2 with all errors when
    the configuration is wrong. With --live: how far back each topic reaches, against what a rebuild needs.
    """
    try:
        config = read_config(config_path)
    except ConfigError as error:
        click.echo(error, err=True)
        raise SystemExit(WRONG_INPUT) from None
    explainer = Explainer(config, resolve(config), time.time_ns() // 1_000_000)
    click.echo(f"OK\n{describe(config)}", nl=False)
    for line in explanation(explainer):
        click.echo(f"# {printable(line)}")
    for where, what in traps(explainer):
        click.echo(printable(f"warning: {where}: {what}"), err=True)
    if live:
        run(_look_at_topics(config if data_dir is None else with_pair(config, data_dir)))


async def _look_at_topics(config: Config) -> None:
    # Kafka's client is slow to import, and the check of a file needs none.
    from stream.sources.reach import read_reach

    topics = [getattr(config.kafka.topics, family) for family in COUNTED]
    for reach in await read_reach(config, topics):
        warned = reach.missing(wall_ms()) or reach.too_short()
        click.echo(f"{'warning:' if warned else '#'} {reach.said(wall_ms())}", err=warned)


def explanation(explainer: Explainer) -> Iterator[str]:
    """What the policies come to, as lines for people. Nothing without policies."""
    for explained in explainer.explain():
        yield _headline(explained, explainer.config)
        for sample in explained.samples:
            target = format_duration(sample.target_ms, days=False)
            yield f"  {sample.clock} {target}: {_story(sample, explained)}"


def _headline(explained: Explained, config: Config) -> str:
    policy = explained.policy
    whose = ", ".join(f"{field} {' or '.join(values)}" for field, values in policy.when.items())
    since_ms = policy.effective_ms(config.timezone)
    until_then = ""
    if since_ms > 0:
        at = datetime.fromtimestamp(since_ms // 1000, explained.zone)
        until_then = f", from {at:%Y-%m-%d %H:%M} on"
    calendar = f"calendar {explained.calendar.name}, times in {explained.zone.key}"
    return f"policies[{explained.place}] {policy.name} ({whose or 'every ticket'}), {calendar}{until_then}:"


def _story(sample: Sample, explained: Explained) -> str:
    """`created on Friday 4 December at 16:30, due on Monday 7 December at 09:30`: a day is named once."""
    moments = [(_STARTS.get(sample.clock, "created"), sample.start_ms, "")]
    moments += [("warned", at_ms, f" ({said})") for said, at_ms in sample.warned]
    moments += [("due", sample.due_ms, "")]
    told: list[str] = []
    named: date | None = None
    for what, at_ms, note in moments:
        if at_ms == FOREVER:
            told.append(f"never {what}{note}")
            continue
        at = datetime.fromtimestamp(at_ms // 1000, explained.zone)
        day = "" if at.date() == named else f" on {at:%A} {at.day} {at:%B}"
        clock = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
        told.append(f"{what}{day} at {clock}{note}")
        named = at.date()
    return ", ".join(told)
