"""Finds an entity in the shard that keeps it, and explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stream.config import Config
from stream.events.partition import partition_of
from stream.metrics.catalog import catalog_of
from stream.metrics.sizes import NAMES
from stream.query.explain import Explanation, explain
from stream.query.look import Look
from stream.query.windows import Calendar
from stream.shard.changes import Needs
from stream.shard.family import family
from stream.store import RedisStore


@dataclass(frozen=True, slots=True)
class Found:
    """An entity, the shard that keeps it, and the one in which its key belongs."""

    name: str
    partition: int
    expected: int
    clock_ms: int
    explanation: Explanation


async def find(config: Config, store: RedisStore, name: str, subject: str) -> Found | None:
    """The entity from where its key belongs, else from wherever it is."""
    store = store.pinned()
    fences = await Look(store, config).fences(name)
    if not fences:
        return None
    expected = partition_of(subject.encode(), len(fences))
    for partition in sorted(fences, key=lambda partition: partition != expected):
        loaded = await store.load(name, partition, Needs(states=[subject]))
        if subject in loaded.states:
            fence = fences[partition]
            told = explain(
                family(name, config),
                config,
                catalog_of(config),
                fence,
                subject,
                loaded.states[subject],
            )
            return Found(name, partition, expected, fence.clock, told)
    return None


def found_plain(found: Found, calendar: Calendar) -> dict[str, Any]:
    """The explanation as JSON has it. `sealed`: events older than the horizon are not listed."""
    told = found.explanation
    return {
        "topic": found.name,
        "id": told.subject,
        "partition": found.partition,
        "expected_partition": found.expected,
        "clock": calendar.text(found.clock_ms),
        "sealed": told.sealed,
        "history": [
            {
                "at": calendar.text(event.at_ms), "type": event.type, "source": event.source,
                "id": event.id, "said": event.said,
            }
            for event in told.history
        ],
        "state": [{"name": name, "value": value} for name, value in told.state],
        "contributions": [
            {
                "at": calendar.text(part.at_ms), "measure": part.measure, "amount": part.amount,
                "segments": part.segments, "metrics": list(part.metrics),
                "panes": [{"size": NAMES[size], "at": calendar.text(start)} for size, start in part.panes],
            }
            for part in told.contributions
        ],
    }  # fmt: skip
