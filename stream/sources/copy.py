"""Copies a topic into another one with other partitions, in order of time: the way to more partitions.

A topic that grows sends the same key to another partition from then on, so that the two parts of an entity's
history lie apart, and no shard can count it. In the copy each key lies in one partition, as if it always had.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.events.partition import partition_of
from stream.sources.broker import (
    at_end,
    has_idempotence,
    not_there,
    partition_counts,
    stop_consumer,
    unreachable,
)
from stream.sources.security import client_options
from stream.sources.topics import DEADLETTERS_BYTES_MAX

PORTION: Final = 2_000
"""Records after which what has arrived is noted."""
READ_MAX: Final = 2_000
"""Records of one partition that wait for those of the others."""
POLL_MS: Final = 500

Said = Callable[[int], None]
"""Told how many records are copied."""


async def copy_topic(kafka: KafkaConfig, source: str, target: str, *, follow: bool, said: Said) -> int:
    """Copies what an earlier call has not copied yet, to the end; with `follow` goes on until cancelled. The
    number of records copied.

    Of what was under way when it was killed some is copied twice: the same events, which count once. Raises
    BrokerError.
    """
    consumer: Any = AIOKafkaConsumer(
        **client_options(kafka), group_id=f"{kafka.group}-copy-{target}", enable_auto_commit=False,
        auto_offset_reset="none", isolation_level="read_committed",
    )  # fmt: skip
    try:
        await consumer.start()
        counts = await partition_counts(consumer._client)
        for topic in (source, target):
            if topic not in counts:
                raise not_there(topic, kafka.bootstrap)
        idempotent = await has_idempotence(consumer._client)
        producer = AIOKafkaProducer(
            **client_options(kafka), acks="all", enable_idempotence=idempotent,
            max_request_size=DEADLETTERS_BYTES_MAX,
        )  # fmt: skip
        await producer.start()
        try:
            merging = _Merging(consumer, [TopicPartition(source, n) for n in range(counts[source])])
            return await _Copy(merging, producer, target, counts[target], said).run(follow)
        finally:
            await producer.stop()
    except (KafkaError, OSError) as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await stop_consumer(consumer)


class _Merging:
    """The records of several partitions in order of their timestamps, as far as each partition is."""

    def __init__(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._places = places
        self._waiting: dict[TopicPartition, deque[Any]] = {place: deque() for place in places}
        self._heads: list[tuple[int, int]] = []  # timestamp and partition of the first that waits of each
        self._taken: dict[TopicPartition, int] = {}

    async def begin(self) -> None:
        """Goes to where an earlier copy to this target ended."""
        self._consumer.assign(self._places)
        starts = await self._consumer.beginning_offsets(self._places)
        for place in self._places:
            noted = await self._consumer.committed(place)
            self._consumer.seek(place, max(starts[place], noted or 0))

    async def take(self, most: int) -> list[Any]:
        """The next records; none when all is read to the end."""
        taken: list[Any] = []
        while len(taken) < most:
            if not await self._fill():
                break
            _, partition = heapq.heappop(self._heads)
            place = self._places[partition]
            record = self._waiting[place].popleft()
            taken.append(record)
            self._taken[place] = record.offset + 1
            self._head(place)
        return taken

    async def note(self) -> None:
        """What was taken so far is in the target."""
        if self._taken:
            await self._consumer.commit(self._taken)

    async def _fill(self) -> bool:
        """Has the next record of every partition, but for those that are at their end. False: all are."""
        while empty := [place for place in self._places if await self._is_behind(place)]:
            await self._read(empty)
        if not self._heads:
            await self._read(self._places)
        return bool(self._heads)

    async def _is_behind(self, place: TopicPartition) -> bool:
        return not self._waiting[place] and not await at_end(self._consumer, place)

    async def _read(self, places: Sequence[TopicPartition]) -> None:
        read = await self._consumer.getmany(*places, timeout_ms=POLL_MS, max_records=READ_MAX)
        for place, records in read.items():
            self._waiting[place].extend(records)
            self._head(place)

    def _head(self, place: TopicPartition) -> None:
        if waiting := self._waiting[place]:
            heapq.heappush(self._heads, (waiting[0].timestamp, place.partition))


class _Copy:
    def __init__(
        self, merging: _Merging, producer: AIOKafkaProducer, target: str, partitions: int, said: Said
    ) -> None:
        self._merging = merging
        self._producer = producer
        self._target = target
        self._partitions = partitions
        self._said = said

    async def run(self, follow: bool) -> int:
        await self._merging.begin()
        copied = 0
        while True:
            records = await self._merging.take(PORTION)
            if not records and not follow:
                return copied
            sent = [await self._send(record) for record in records]
            await asyncio.gather(*sent)
            await self._merging.note()
            copied += len(records)
            self._said(copied)

    async def _send(self, record: Any) -> asyncio.Future[Any]:
        key = record.key
        partition = record.partition if key is None else partition_of(key, self._partitions)
        sent: asyncio.Future[Any] = await self._producer.send(
            self._target, value=record.value, key=key, partition=partition % self._partitions,
            timestamp_ms=record.timestamp, headers=list(record.headers),
        )  # fmt: skip
        return sent
