"""One partition's way into Kafka: events are collected into a batch, and batches leave in their order."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder


class Lane:
    """What is on its way to one partition."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.opened_at: float | None = None
        """When the batch got its first event (monotonic seconds); None while it has none."""
        self._producer = producer
        self._filling: BatchBuilder = producer.create_batch()
        # In aiokafka, batches that wait for one partition may overtake each other; a lock's waiters may not.
        self._in_order = asyncio.Lock()

    def append(self, key: bytes, value: bytes, timestamp_ms: int) -> bool:
        """Put an event into the batch; False when it is full and must be taken first."""
        if self._filling.append(timestamp=timestamp_ms, key=key, value=value) is None:
            return False
        if self.opened_at is None:
            self.opened_at = time.monotonic()
        return True

    def take(self) -> BatchBuilder:
        """The batch as it is; the next event begins a new one."""
        batch = self._filling
        batch.close()
        self._filling = self._producer.create_batch()
        self.opened_at = None
        return batch

    async def deliver(self, batch: BatchBuilder) -> int:
        """Send it and wait for the acknowledgement; the number of events. Raises KafkaError."""
        events: int = batch.record_count()
        async with self._in_order:
            acknowledged: Any = await self._producer.send_batch(batch, self.topic, partition=self.partition)
        await acknowledged
        return events


@lru_cache(maxsize=1 << 17)  # aiokafka's murmur2 is plain Python: 5 us, and an entity has many events
def partition_hash(key: bytes) -> int:
    """Kafka's default hash of a key, as Java's clients have it: modulo the partitions it is the partition."""
    return int(murmur2(key)) & 0x7FFFFFFF
