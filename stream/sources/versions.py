"""The topic of the configuration's versions: read to its end, and written to.

It has one partition, so that everybody reads the same history.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.config.history import History, Version, encode_version, read_history
from stream.sources.broker import BrokerError, unreachable
from stream.sources.security import client_options

SILENCE_MS = 15_000
"""So long the broker may send nothing while records are known to be there."""


async def read_versions(kafka: KafkaConfig) -> History:
    """What was published until now; empty when nothing was. Raises BrokerError."""
    place = TopicPartition(kafka.topics.config, 0)
    consumer: Any = AIOKafkaConsumer(
        **client_options(kafka), group_id=None, enable_auto_commit=False, isolation_level="read_committed",
        auto_offset_reset="none",
    )  # fmt: skip
    try:
        await consumer.start()
        position = (await consumer.beginning_offsets([place]))[place]
        until = (await consumer.end_offsets([place]))[place]
        if position > 0:
            raise BrokerError(
                f"{place.topic} begins at offset {position}: the first versions of calendars and "
                "policies are gone, and numbers cannot be made without them. Keep it for ever "
                "(retention.ms=-1)"
            )
        consumer.assign([place])
        consumer.seek(place, position)
        values: list[bytes | None] = []
        while position < until:
            records = (await consumer.getmany(place, timeout_ms=SILENCE_MS)).get(place, [])
            after = await consumer.position(place)
            if after <= position:
                raise BrokerError(f"{place.topic}: nothing came after offset {position} of {until}")
            values += [record.value for record in records if record.offset < until]
            position = after
    except KafkaError as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await consumer.stop()
    return read_history(values)


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
