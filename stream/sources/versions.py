"""The topic of the configuration's versions: followed, read to its end, and written to.

It has one partition, so that everybody reads the same history.
"""

from __future__ import annotations

import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.config.history import encode_version, read_history
from stream.config.published import History, Version
from stream.sources.broker import BrokerError, stop_consumer, unreachable
from stream.sources.security import client_options

SILENCE_MS = 15_000
"""So long the broker may send nothing while records are known to be there."""


class VersionsTopic:
    """Follows the topic, as a context. Every method raises BrokerError."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self.history: History = ()
        """What was published, as of the last `read`."""
        self._kafka = kafka
        self._place = TopicPartition(kafka.topics.config, 0)
        self._position = 0
        self._consumer: Any = None

    async def __aenter__(self) -> VersionsTopic:
        consumer: Any = AIOKafkaConsumer(
            **client_options(self._kafka), group_id=None, enable_auto_commit=False,
            isolation_level="read_committed", auto_offset_reset="none",
        )  # fmt: skip
        self._consumer = consumer
        try:
            await consumer.start()
            self._position = (await consumer.beginning_offsets([self._place]))[self._place]
        except KafkaError as error:
            await stop_consumer(consumer)
            raise unreachable(self._kafka.bootstrap, error) from None
        if self._position > 0:
            await stop_consumer(consumer)
            raise BrokerError(
                f"{self._place.topic} begins at offset {self._position}: the first versions of calendars and "
                "policies are gone, and numbers cannot be made without them. Keep it for ever "
                "(retention.ms=-1)"
            )
        consumer.assign([self._place])
        consumer.seek(self._place, self._position)
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def read(self) -> int:
        """Reads to the end; everything that was in the log at the instant returned (wall, ms) is known."""
        known_ms = time.time_ns() // 1_000_000
        place, consumer = self._place, self._consumer
        try:
            until = (await consumer.end_offsets([place]))[place]
            while self._position < until:
                records = (await consumer.getmany(place, timeout_ms=SILENCE_MS)).get(place, [])
                after = await consumer.position(place)
                if after <= self._position:
                    raise BrokerError(f"{place.topic}: nothing came after offset {self._position} of {until}")
                told = [(record.timestamp, record.value) for record in records]
                self.history = read_history(told, self.history)
                self._position = after
        except KafkaError as error:
            raise unreachable(self._kafka.bootstrap, error) from None
        return known_ms


async def read_versions(kafka: KafkaConfig) -> History:
    """What was published until now; empty when nothing was. Raises BrokerError."""
    async with VersionsTopic(kafka) as topic:
        await topic.read()
        return topic.history


async def publish_version(kafka: KafkaConfig, version: Version) -> History:
    """Publishes a version; the history after it, in which another one stands in its place when that was
    published at the same time and came first. Raises BrokerError."""
    producer = AIOKafkaProducer(**client_options(kafka), acks="all")
    try:
        await producer.start()
        await producer.send_and_wait(kafka.topics.config, encode_version(version), partition=0)
    except KafkaError as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await producer.stop()
    return await read_versions(kafka)
