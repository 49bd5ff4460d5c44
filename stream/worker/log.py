"""Which log is this? Cluster, topic id, partition count and where each partition begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import for_code
from aiokafka.protocol.metadata import MetadataRequest

from stream.sources.broker import stop_consumer
from stream.sources.security import client_options
from stream.worker.metadata_v12 import TopicIdRequest
from stream.worker.ports import Partition

if TYPE_CHECKING:
    from stream.config import KafkaConfig

REQUEST_TIMEOUT_MS = 10_000
UNKNOWN_FOR_S = 3.0


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Tells one log from another under the same name.

    `topic_id` as Kafka's tools print it; None from brokers that do not tell (Kafka before 3.0): then a topic
    deleted and created again shows only by its offsets.
    """

    cluster_id: str
    topic_id: str | None
    partitions: int


class LogUnreadable(Exception):
    """The broker does not show the topic: missing, or not allowed."""


class KafkaLog:
    """A client that asks about logs and reads none. An async context manager; connected while open."""

    def __init__(self, kafka: KafkaConfig) -> None:
        """Connects to nothing yet; raises like `client_options`."""
        self._arguments = client_options(kafka)
        self._consumer: Any = None

    async def __aenter__(self) -> KafkaLog:
        self._consumer = AIOKafkaConsumer(
            **self._arguments, group_id=None, client_id="floorcast-log", request_timeout_ms=REQUEST_TIMEOUT_MS
        )
        try:
            await self._consumer.start()
        except BaseException:
            await stop_consumer(self._consumer)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_consumer(self._consumer)

    async def identities(self, topics: Iterable[str]) -> dict[str, LogIdentity]:
        """The identity of each topic. LogUnreadable for a missing one, KafkaError when nobody answers.

        A topic that was just created is not known to every broker at once: asks again for a while.
        """
        names = list(topics)
        deadline_s = time.monotonic() + UNKNOWN_FOR_S
        while True:
            answer = await self._metadata(names)
            codes = {topic["topic"]: topic["error_code"] for topic in answer["topics"]}
            passing = any(for_code(code).retriable for code in codes.values() if code)
            if not passing or time.monotonic() > deadline_s:
                break
            await asyncio.sleep(0.1)
        found = {topic["topic"]: topic for topic in answer["topics"]}
        return {name: _identity(name, found.get(name), answer["cluster_id"]) for name in names}

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Offset of the oldest record that each partition still has: what is below is lost to retention."""
        wanted = {TopicPartition(p.topic, p.partition): p for p in partitions}
        offsets = await self._consumer.beginning_offsets(list(wanted))
        return {wanted[tp]: offset for tp, offset in offsets.items()}

    async def _metadata(self, topics: list[str]) -> dict[str, Any]:
        client = self._consumer._client
        node = client.get_random_node()
        try:
            answer = await client.send(node, TopicIdRequest(topics))
        except NotImplementedError:  # aiokafka's way to say that the broker does not know this version
            answer = await client.send(node, MetadataRequest(topics, allow_auto_topic_creation=False))
        result: dict[str, Any] = answer.to_object()
        return result


async def log_identities(kafka: KafkaConfig, topics: Iterable[str]) -> dict[str, LogIdentity]:
    """`KafkaLog.identities` on a connection of its own."""
    async with KafkaLog(kafka) as log:
        return await log.identities(topics)


def _identity(name: str, topic: dict[str, Any] | None, cluster_id: str | None) -> LogIdentity:
    error_code = topic["error_code"] if topic is not None else 3  # UNKNOWN_TOPIC_OR_PARTITION
    if topic is None or error_code:
        raise LogUnreadable(
            f"topic {name}: {for_code(error_code).__name__}; `floorcast topics create` makes missing topics"
        )
    return LogIdentity(cluster_id or "", topic.get("topic_id"), len(topic["partitions"]))
