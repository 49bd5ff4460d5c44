"""History into Kafka: an adapter's events, all checked first, then published in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from stream.config import KafkaConfig
from stream.events.refusal import Refused
from stream.sources.adapter import Adapter, events_of
from stream.sources.pace import Pace
from stream.sources.prepare import Prepared, prepare, quoted
from stream.sources.publish import Publisher
from stream.sources.sort import Sorter
from stream.sources.topics import topic_names

Progress = Callable[[int], None]
"""Hears how many events are done, every so often."""
REPORT_EVERY = 1000


class Imported(NamedTuple):
    """What an import has put into the log."""

    events: int
    first_ms: int | None
    last_ms: int | None


class BadEvent(Exception):
    """An event that is not imported, and so nothing is; the text names it and where it came from."""


def collect(
    adapter: Adapter, paths: Iterable[Path], sorter: Sorter, bytes_max: int, now_ms: int, progress: Progress
) -> None:
    """Read and check everything into the sorter. Raises BadEvent, AdapterError."""
    for path in paths:
        for number, event in enumerate(events_of(adapter, path), 1):
            try:
                prepared = prepare(event, bytes_max)
            except Refused as refused:
                raise BadEvent(f"{path}: {_name(number, event)}: {refused}") from None
            _refuse_future(path, number, event, prepared, now_ms)
            sorter.add(prepared)
            if sorter.events % REPORT_EVERY == 0:
                progress(sorter.events)
    progress(sorter.events)


async def publish_sorted(
    publisher: Publisher, kafka: KafkaConfig, sorter: Sorter, pace: Pace, progress: Progress
) -> Imported:
    """Publish all in order, each record with its event's own timestamp. Raises BrokerError."""
    first_ms = last_ms = None
    done = 0
    topics = topic_names(kafka)
    for event in sorter:
        await pace.wait_for(event.recorded_ms)
        await publisher.publish(topics[event.family], event.key, event.value, event.recorded_ms)
        first_ms = event.recorded_ms if first_ms is None else first_ms
        last_ms = event.recorded_ms
        done += 1
        if done % REPORT_EVERY == 0:
            progress(done)
    await publisher.flush()
    progress(done)
    return Imported(done, first_ms, last_ms)


def _refuse_future(path: Path, number: int, event: Any, prepared: Prepared, now_ms: int) -> None:
    for name, at_ms in (("time", prepared.time_ms), ("recordedtime", prepared.recorded_ms)):
        if at_ms > now_ms:
            raise BadEvent(
                f"{path}: {_name(number, event)}: {name} {event.get(name)} is later than now; "
                "correct the clock or the zone in the adapter"
            )


def _name(number: int, event: Any) -> str:
    return f"event {number} (id {quoted(event.get('id'))}, subject {quoted(event.get('subject'))})"
