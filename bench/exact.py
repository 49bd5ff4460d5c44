"""Is what stands in Redis what was published? A figure of a run that is not exact does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench.events import Event, Log, now_ms
from bench.servers import SHARDS
from stream.config import Config
from stream.metrics.catalog import load_catalog
from stream.query.look import Look
from stream.query.model import Question
from stream.query.query import Queries
from stream.shard.changes import Record
from stream.shard.family import INPUTS, family
from stream.shard.image import Image, run_batch
from stream.shard.shard import Shard
from stream.store import RedisStore

MARGIN_MS = 900_000
"""A window's edges are rounded to panes: so far around the log is asked for."""

NUMBERS = [
    ("ticket_volume", "value", ("ticket.created",), ()),
    ("tickets_resolved", "value", ("ticket.resolved",), ("ticket.reopened",)),
    ("tickets_reopened", "value", ("ticket.reopened",), ()),
    ("calls_offered", "value", ("call.offered",), ()),
    ("calls_answered", "value", ("call.answered",), ()),
    ("survey_response_rate", "numerator", ("survey.responded",), ()),
    ("survey_response_rate", "denominator", ("survey.sent",), ()),
]
"""(metric, stat, the events that it counts, those that take one back)."""


class NotExact(Exception):
    """The store holds other numbers than the log says."""


async def check_numbers(config: Config, store: RedisStore, log: Log) -> None:
    """Raises NotExact unless every record was folded once and the metrics count what was published."""
    journal: Counter[str] = Counter()
    for name, partition in SHARDS:
        journal.update((await store.restore(name, partition)).journal)
    published = {"records": len(log.events), **{f"applied_{kind}": n for kind, n in log.types.items()}}
    if journal != published:
        raise NotExact(f"published in order: {published}; the journals say {dict(journal)}")
    queries = Queries(load_catalog(), config, Look(store, config))
    begin_ms, end_ms = log.begin_ms - MARGIN_MS, max(log.end_ms, now_ms()) + MARGIN_MS
    for metric, stat, counted, taken_back in NUMBERS:
        answer = await queries.ask(Question(metric, now_ms(), begin_ms, end_ms))
        found = answer.rows[0].values[stat] if answer.rows else 0
        expected = sum(log.types[kind] for kind in counted) - sum(log.types[kind] for kind in taken_back)
        if found != expected:
            raise NotExact(f"{metric} ({stat}) is {found}, and {expected} by the events that were published")


def check_effect(events: Iterable[Event]) -> None:
    """Raises NotExact when one of these events, from the start of a log, changes no cell of its own pane.

    Each event is a batch of its own, against the pure core.
    """
    config = Config()
    shards = {name: Shard(family(name, config), name, 0, config) for name in INPUTS}
    images = {name: Image() for name in shards}
    offsets: Counter[str] = Counter()
    for event in events:
        shard = shards[event.family]
        record = Record(offsets[event.family], event.at_ms, event.value)
        offsets[event.family] += 1
        changes = run_batch(shard, images[event.family], [record], None)
        # A longer pane changes when it closes, too; the finest only by a contribution.
        if not any(size == 0 for (size, _), _, _ in changes.cells):
            raise NotExact(f"an event contributes nothing: {event.value.decode()}")
