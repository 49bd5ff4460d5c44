"""Reads one partition of the log from its start, apart from any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.shard.changes import LogRecord
from stream.sources.broker import BrokerError, stop_consumer, unreachable
from stream.sources.security import client_options

SILENCE_MS = 15_000
"""So long a broker may send nothing while records are known to be there."""
AT_ONCE = 5_000


class HeadGone(BrokerError):
    """The log of a partition has lost its beginning."""


async def read_log(
    kafka: KafkaConfig, topic: str, partition: int, until: int
) -> AsyncIterator[Sequence[LogRecord]]:
    """The records below offset `until`, in order, in portions. Raises BrokerError, HeadGone."""
    place = TopicPartition(topic, partition)
    consumer: Any = AIOKafkaConsumer(
        **client_options(kafka), group_id=None, enable_auto_commit=False, isolation_level="read_committed",
        auto_offset_reset="none", max_partition_fetch_bytes=4 * 1024 * 1024,
    )  # fmt: skip
    try:
        await consumer.start()
        start = (await consumer.beginning_offsets([place]))[place]
        if start > 0:
            raise HeadGone(f"the log begins at offset {start}: what was before cannot be recomputed any more")
        consumer.assign([place])
        consumer.seek(place, 0)
        position = 0
        while position < until:
            records = (await consumer.getmany(place, timeout_ms=SILENCE_MS, max_records=AT_ONCE)).get(place)
            after = await consumer.position(place)
            if not records and after <= position:
                raise BrokerError(f"{topic}/{partition}: nothing came after offset {position} of {until}")
            position = after
            yield [record for record in records or () if record.offset < until]
    except KafkaError as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await stop_consumer(consumer)
