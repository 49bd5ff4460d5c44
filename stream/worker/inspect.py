"""A look at Kafka as it is set up: what `floorcast doctor` judges. Reads settings, offsets, and the newest
record of each partition."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.admin import ApiVersionRequest, DescribeConfigsRequest, DescribeGroupsRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.metadata import MetadataRequest

from stream.config import KafkaConfig
from stream.sources.broker import has_idempotence, stop_consumer, unreachable
from stream.sources.security import client_options
from stream.worker.log import REQUEST_TIMEOUT_MS
from stream.worker.metadata_v12 import TopicIdRequest

OPERATIONS: Final = {3: "read", 4: "write", 8: "describe", 10: "describe_configs"}
"""Bits of what a user may do (Kafka's AclOperation), as far as it is needed."""
_TOPIC: Final = 2
_NOT_TOLD: Final = -(2**31)
_NEWEST_WITHIN_S: Final = 5.0
_METADATA: Final = 3


class TopicFacts(NamedTuple):
    """`replicas`: of the partition that has fewest. `rights`, `settings`: None where Kafka does not tell."""

    partitions: int
    replicas: int
    topic_id: str | None
    rights: frozenset[str] | None
    settings: Mapping[str, str] | None


class PartitionFacts(NamedTuple):
    """Offsets of the oldest record and behind the newest one; when that was sent, None without records."""

    start: int
    end: int
    newest_ms: int | None


class KafkaFacts(NamedTuple):
    """`missing`: topics that are not seen, with what Kafka says of them. `metadata`: the greatest version of
    the metadata request that it answers. `group_hidden`: this user may not even see the workers' group."""

    cluster_id: str
    brokers: int
    metadata: int
    idempotent: bool
    topics: Mapping[str, TopicFacts]
    missing: Mapping[str, str]
    group_hidden: bool
    partitions: Mapping[tuple[str, int], PartitionFacts]


async def inspect(kafka: KafkaConfig, topics: Sequence[str], counted: Sequence[str]) -> KafkaFacts:
    """All of these topics, and the partitions of those that are counted. Raises BrokerError."""
    consumer: Any = AIOKafkaConsumer(
        **client_options(kafka), group_id=None, client_id="floorcast-doctor", enable_auto_commit=False,
        auto_offset_reset="earliest", request_timeout_ms=REQUEST_TIMEOUT_MS,
    )  # fmt: skip
    try:
        await consumer.start()
        return await _inspect(consumer, kafka, topics, counted)
    except (KafkaError, OSError) as error:
        raise unreachable(kafka.bootstrap, error) from None
    finally:
        await stop_consumer(consumer)


async def _inspect(
    consumer: Any, kafka: KafkaConfig, topics: Sequence[str], counted: Sequence[str]
) -> KafkaFacts:
    client = consumer._client
    versions = await client.send(client.get_random_node(), ApiVersionRequest())
    answer = await _metadata(client, topics)
    settings = await _settings(client, topics)
    found: dict[str, TopicFacts] = {}
    missing: dict[str, str] = {}
    for topic in answer["topics"]:
        if topic["error_code"]:
            missing[topic["topic"]] = for_code(topic["error_code"]).__name__
        else:
            found[topic["topic"]] = _topic(topic, settings.get(topic["topic"]))
    places = [TopicPartition(t, p) for t in counted if t in found for p in range(found[t].partitions)]
    return KafkaFacts(
        answer.get("cluster_id") or "", len(answer["brokers"]),
        max((most for key, _, most in versions.api_versions if key == _METADATA), default=0),
        await has_idempotence(client), found, missing, await _group_hidden(client, kafka.group),
        await _partitions(consumer, places),
    )  # fmt: skip


async def _metadata(client: Any, topics: Sequence[str]) -> dict[str, Any]:
    node = client.get_random_node()
    try:
        answer = await client.send(node, TopicIdRequest(list(topics), rights=True))
    except NotImplementedError:  # as in KafkaLog
        answer = await client.send(node, MetadataRequest(list(topics), allow_auto_topic_creation=False))
    result: dict[str, Any] = answer.to_object()
    return result


def _topic(topic: Mapping[str, Any], settings: Mapping[str, str] | None) -> TopicFacts:
    partitions = topic["partitions"]
    replicas = min((len(partition["replicas"]) for partition in partitions), default=0)
    rights = _rights(topic.get("authorized_operations", _NOT_TOLD))
    return TopicFacts(len(partitions), replicas, topic.get("topic_id"), rights, settings)


def _rights(bits: int) -> frozenset[str] | None:
    if bits == _NOT_TOLD:
        return None
    return frozenset(name for bit, name in OPERATIONS.items() if bits >> bit & 1)


async def _settings(client: Any, topics: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Of those topics whose settings this user may read."""
    try:
        request = DescribeConfigsRequest([(_TOPIC, topic, None) for topic in topics])
        answer = await client.send(client.get_random_node(), request)
    except (NotImplementedError, IncompatibleBrokerVersion):
        return {}
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for error_code, _, _, name, entries in answer.resources
        if not error_code
    }


async def _group_hidden(client: Any, group: str) -> bool:
    """Who may read a group may see it, too. (aiokafka does not decode what else Kafka tells of rights.)"""
    found = await client.send(client.get_random_node(), FindCoordinatorRequest(group, 0))
    if not found.error_code:
        answer = await client.send(found.coordinator_id, DescribeGroupsRequest([group]))
        ((error_code, *_),) = answer.groups
        return for_code(error_code) is GroupAuthorizationFailedError
    return for_code(found.error_code) is GroupAuthorizationFailedError


async def _partitions(
    consumer: Any, places: Sequence[TopicPartition]
) -> dict[tuple[str, int], PartitionFacts]:
    if not places:
        return {}
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    newest: dict[TopicPartition, int] = {}
    filled = [place for place in places if ends[place] > starts[place]]
    if filled:
        consumer.assign(filled)
        for place in filled:
            consumer.seek(place, ends[place] - 1)
        until_s = time.monotonic() + _NEWEST_WITHIN_S
        # A transaction's marker may stand last: then nothing comes of a partition.
        while len(newest) < len(filled) and time.monotonic() < until_s:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                newest[place] = max(record.timestamp for record in records)
    return {
        (place.topic, place.partition): PartitionFacts(
            starts[place], (consumer.highwater(place) if place in filled else None) or ends[place],
            newest.get(place),
        )
        for place in places
    }  # fmt: skip
