"""A KafkaWorker on a handler that keeps what it was given in memory, and records to give it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from stream.config import KafkaConfig
from stream.worker.ports import Partition
from stream.worker.transport import KafkaWorker

PATIENCE_S = 60.0
SESSION_TIMEOUT_MS = 6_000


class Memory:
    """A Handler: offsets in a dict, everything it was given in lists."""

    def __init__(self, offsets: dict[Partition, int] | None = None) -> None:
        self.offsets = dict(offsets or {})
        self.delivered: dict[Partition, list[int]] = {}
        self.values: list[bytes] = []
        self.calls: list[str] = []
        self.owned: frozenset[Partition] = frozenset()

    async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        self.calls.append("assigned")
        self.owned = partitions
        return {p: self.offsets.get(p, 0) for p in partitions}

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        self.calls.append("revoked")
        self.owned = frozenset()

    async def batch(self, partition: Partition, records: list[Any]) -> None:
        assert partition in self.owned
        self.delivered.setdefault(partition, []).extend(r.offset for r in records)
        self.values.extend(r.value for r in records)
        self.offsets[partition] = records[-1].offset + 1

    def committed(self) -> dict[Partition, int]:
        return dict(self.offsets)

    @property
    def count(self) -> int:
        return len(self.values)


def worker(bootstrap: str, name: str, handler: Any, *topics: str, **options: Any) -> KafkaWorker:
    """A worker of group `name` on the topics (default: the one of that name)."""
    kafka = KafkaConfig(bootstrap=bootstrap, group=name)
    options = {"max_poll_records": 500, "session_timeout_ms": SESSION_TIMEOUT_MS} | options
    return KafkaWorker(kafka, topics or (name,), handler, **options)


@asynccontextmanager
async def running(*workers: KafkaWorker) -> AsyncIterator[None]:
    """The workers run meanwhile; a failure of one is raised at the end."""
    runs = [asyncio.create_task(w.run()) for w in workers]
    try:
        yield
    finally:
        for w in workers:
            await w.stop()
        await asyncio.wait(runs)
    for run in runs:
        run.result()


async def until(what: Callable[[], object]) -> None:
    """Returns when it is true; fails after PATIENCE_S."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():
            await asyncio.sleep(0.02)


async def create_topic(bootstrap: str, topic: str, partitions: int = 1) -> None:
    """A topic that was not there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, partitions, 1)])
        assert all(error[1] == 0 for error in answer.topic_errors), answer
    finally:
        await admin.close()


async def produce(
    bootstrap: str, topic: str, partition: int, values: Iterable[bytes], **options: Any
) -> None:
    """Append records to one partition."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, **options) as producer:
        sent = [await producer.send(topic, value, partition=partition) for value in values]
        await asyncio.gather(*sent)


async def fill(bootstrap: str, topic: str, partitions: int, records: int) -> None:
    """A new topic with so many records in every partition, each its own value."""
    await create_topic(bootstrap, topic, partitions)
    for partition in range(partitions):
        await produce(bootstrap, topic, partition, (f"{partition}:{n}".encode() for n in range(records)))
