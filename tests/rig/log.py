"""Reading back what stands in a log."""

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

READ_TIMEOUT_S = 60.0


async def read_log(bootstrap: str, topics: Iterable[str], count: int) -> list[ConsumerRecord[bytes, bytes]]:
    """At least `count` records of some topics, in the order of each partition; fails when they do not come.

    Bounded by a count because the embedded broker does not tell the end of its log.
    """
    return await read_until(bootstrap, topics, lambda records: len(records) >= count)


async def read_until(
    bootstrap: str, topics: Iterable[str], enough: Callable[[list[ConsumerRecord[bytes, bytes]]], bool]
) -> list[ConsumerRecord[bytes, bytes]]:
    """The same until they are enough."""
    records: list[ConsumerRecord[bytes, bytes]] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        parts = [TopicPartition(t, p) for t in topics for p in sorted(cluster.partitions_for_topic(t) or ())]
        consumer.assign(parts)
        async with asyncio.timeout(READ_TIMEOUT_S):
            while not enough(records):
                for found in (await consumer.getmany(timeout_ms=500)).values():
                    records.extend(found)
        for found in (await consumer.getmany(timeout_ms=300)).values():  # what should not be there
            records.extend(found)
    finally:
        await consumer.stop()
    return records
