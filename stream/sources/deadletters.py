"""The topic of dead letters, read back: what was refused, and what of it was sent again since.

A letter has the original's key, value and headers, and behind these `TOLD` (shard/deadletter.py). That one
was sent again, a later record says, without a value: `floorcast_replayed`, and the original's place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.shard.deadletter import TOLD
from stream.sources.broker import (
    BrokerError,
    all_at_end,
    connected,
    not_there,
    partition_counts,
    stop_consumer,
    unreachable,
)
from stream.sources.security import client_options

LETTERS_MAX: Final = 100_000
"""Letters that are known at once: of more, those read first are left out, and counted."""
REPLAYED: Final = "floorcast_replayed"
SILENCE_S: Final = 15.0
"""So long the broker may send nothing while records are known to be there."""
AT_ONCE: Final = 2_000


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Letter(NamedTuple):
    """A dead letter without its value. `refused_ms`: when it was written."""

    original: Place
    own: Place
    refused_ms: int
    reason: str
    path: str
    detail: str
    key: bytes | None
    value_bytes: int
    replayed_ms: int | None = None
    """When it was last sent again."""


class Original(NamedTuple):
    """The record that was refused, as it was."""

    letter: Letter
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Letters(NamedTuple):
    """What the topic holds, each letter once, in the order in which they were written (nearly: by partition).

    `left_out`: letters more than LETTERS_MAX; `foreign`: records that are no letters of ours.
    """

    letters: list[Letter]
    left_out: int
    foreign: int


async def read_letters(kafka: KafkaConfig) -> Letters:
    """Reads the whole topic. Raises BrokerError."""
    found: dict[Place, Letter] = {}
    left_out = foreign = 0
    async for record in _records(kafka):
        told = _told(record)
        original = _place(told)
        if original is None:
            foreign += 1
        elif REPLAYED in told:
            if original in found:
                found[original] = found[original]._replace(replayed_ms=record.timestamp)
        else:
            # One that came twice (a worker was killed between sending and noting it) is one letter.
            found.setdefault(original, _letter(record, told, original))
            if len(found) > LETTERS_MAX:
                found.pop(next(iter(found)))
                left_out += 1
    letters = sorted(found.values(), key=lambda letter: letter.refused_ms)
    return Letters(letters, left_out, foreign)


async def originals(kafka: KafkaConfig, letters: Collection[Letter]) -> AsyncIterator[Original]:
    """The records of some letters, one after the other. Raises BrokerError."""
    if not letters:
        return
    wanted = {(letter.own.partition, letter.own.offset): letter for letter in letters}
    first: dict[int, int] = {}
    for partition, offset in wanted:
        first[partition] = min(offset, first.get(partition, offset))
    async with aclosing(_records(kafka, first)) as records:
        async for record in records:
            letter = wanted.pop((record.partition, record.offset), None)
            if letter is not None:
                yield Original(letter, record.value, list(record.headers[: -len(TOLD)]))
            if not wanted:
                return


async def note_replayed(kafka: KafkaConfig, letters: Iterable[Letter]) -> None:
    """Writes into the topic that these were sent again. Raises BrokerError."""
    producer = AIOKafkaProducer(**client_options(kafka), acks="all")
    try:
        await producer.start()
        waiting = [
            await producer.send(
                kafka.topics.deadletters,
                key=str(letter.original).encode(),
                headers=_note(letter.original),
                partition=letter.own.partition,  # so that it is always read behind its letter
            )
            for letter in letters
        ]
        await asyncio.gather(*waiting)
    except KafkaError as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await producer.stop()


async def _records(kafka: KafkaConfig, first: Mapping[int, int] | None = None) -> AsyncGenerator[Any, None]:
    """The records of the topic up to its end, those of one partition in their order; with `first` only of
    these partitions, from these offsets on."""
    topic, options = kafka.topics.deadletters, client_options(kafka)
    async with connected(options) as client:
        count = (await partition_counts(client)).get(topic)
    if not count:
        raise not_there(topic, kafka.bootstrap)
    begin = {
        TopicPartition(topic, p): offset for p, offset in (first or dict.fromkeys(range(count), 0)).items()
    }
    consumer: Any = AIOKafkaConsumer(
        **options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign(list(begin))
        for place, offset in begin.items():
            consumer.seek(place, offset)  # where that is deleted by now, it begins behind it
        heard_s = time.monotonic()
        while not await all_at_end(consumer, begin):
            batches = await consumer.getmany(timeout_ms=100, max_records=AT_ONCE)
            if batches:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENCE_S:
                raise BrokerError(f"Kafka at {kafka.bootstrap} sends nothing of {topic}: try again")
            for records in batches.values():
                for record in records:
                    yield record
    except KafkaError as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await stop_consumer(consumer)


def _told(record: Any) -> dict[str, str]:
    """What was put behind the original's headers."""
    return {name: (raw or b"").decode(errors="replace") for name, raw in record.headers[-len(TOLD) :]}


def _place(told: Mapping[str, str]) -> Place | None:
    """Of the original; None when a record is none of ours."""
    try:
        partition, offset = int(told["floorcast_partition"]), int(told["floorcast_offset"])
        return Place(told["floorcast_topic"], partition, offset)
    except (KeyError, ValueError):
        return None


def _letter(record: Any, told: Mapping[str, str], original: Place) -> Letter:
    reason, path, detail = (told.get(f"floorcast_{name}", "") for name in ("reason", "path", "detail"))
    own = Place(record.topic, record.partition, record.offset)
    size = len(record.value or b"")
    return Letter(original, own, record.timestamp, reason, path, detail, record.key, size)


def _note(original: Place) -> list[tuple[str, bytes]]:
    told = zip(("topic", "partition", "offset"), original, strict=True)
    return [(REPLAYED, b"1"), *((f"floorcast_{name}", str(value).encode()) for name, value in told)]
