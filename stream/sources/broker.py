"""Kafka as a place to reach: its topics, what it can do, and errors that say where and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    IncompatibleBrokerVersion,
    KafkaError,
    NotCoordinatorError,
    for_code,
)
from aiokafka.protocol.transaction import InitProducerIdRequest

STILL_STARTING = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
STARTING_WAIT_S = 15.0
_TRY_AGAIN_S = 0.2
_NO_TRANSACTION_MS = 2**31 - 1


class BrokerError(Exception):
    """Something went wrong between us and Kafka; the text says what, where, and what to do."""


def unreachable(bootstrap: str, error: Exception) -> BrokerError:
    """The error for a broker that does not answer, or not to us."""
    return BrokerError(
        f"cannot use Kafka at {bootstrap}: {type(error).__name__}: {error}; "
        "check kafka.bootstrap and kafka.security, or name the embedded pair's directory with --data"
    )


def not_there(topic: str, bootstrap: str) -> BrokerError:
    """The error for a topic that does not exist."""
    return BrokerError(f"topic {topic} is not in Kafka at {bootstrap}: run `floorcast topics create`")


async def at_end(consumer: Any, place: TopicPartition) -> bool:
    """Whether a consumer has read a partition to its end, by the broker's answers to its fetches: what
    `end_offsets` says is wrong in some brokers."""
    end = consumer.highwater(place)
    return end is not None and await consumer.position(place) >= end


async def all_at_end(consumer: Any, places: Iterable[TopicPartition]) -> bool:
    """The same of several."""
    return all([await at_end(consumer, place) for place in places])


async def stop_consumer(consumer: Any) -> None:
    """Ends an aiokafka consumer. While the broker is away its own `stop` ends half-way in a CancelledError
    (of a fetch that waits to be sent again), which would end our caller as if somebody had cancelled it."""
    stopping = asyncio.ensure_future(consumer.stop())
    try:
        await asyncio.wait({stopping})
    except asyncio.CancelledError:
        stopping.cancel()
        raise
    if stopping.cancelled():
        await consumer._client.close()
    else:
        stopping.result()


@asynccontextmanager
async def connected(options: dict[str, Any]) -> AsyncIterator[AIOKafkaClient]:
    """A client for single requests, while the context lasts. Raises BrokerError when it cannot connect."""
    client = AIOKafkaClient(**options)
    try:
        await client.bootstrap()
        yield client
    except (KafkaError, OSError) as error:
        raise unreachable(options["bootstrap_servers"], error) from None
    finally:
        await client.close()


async def partition_counts(client: AIOKafkaClient) -> dict[str, int]:
    """The topics that exist, with their number of partitions."""
    metadata = await client.fetch_all_metadata()
    return {topic: len(metadata.partitions_for_topic(topic)) for topic in metadata.topics()}


async def has_idempotence(client: AIOKafkaClient) -> bool:
    """Whether the broker gives ids to idempotent producers, and to us. One that is starting is waited for.

    aiokafka itself would ask for ever a broker that says no (Tansu answers with an unknown error).
    """
    try:
        async with asyncio.timeout(STARTING_WAIT_S):
            while True:
                request = InitProducerIdRequest(None, _NO_TRANSACTION_MS)
                answer = await client.send(client.get_random_node(), request)
                error = for_code(answer.error_code)
                if error not in STILL_STARTING:
                    return bool(answer.error_code == 0)
                await asyncio.sleep(_TRY_AGAIN_S)
    except (IncompatibleBrokerVersion, NotImplementedError, TimeoutError):
        return False
