"""The publisher: key = subject, value = the event as CloudEvent JSON, acknowledged by all replicas.

Events are collected here, a batch for each partition, and aiokafka is given whole batches: its own `send`
makes a future and hashes the key for every event, which takes several times as long.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.sources.broker import (
    BrokerError,
    connected,
    has_idempotence,
    not_there,
    partition_counts,
    unreachable,
)
from stream.sources.lanes import Lane, partition_hash
from stream.sources.security import client_options

BATCH_BYTES = 128 * 1024
"""A batch is sent when it has this size ..."""
LINGER_S = 0.01
"""... or this age."""
IN_FLIGHT_MAX = 48
"""Batches that may wait for their acknowledgement: this bounds memory, and makes `publish` wait."""
DELIVERY_TIMEOUT_S = 120.0
"""So long nothing may be acknowledged before the publisher gives up."""
STOP_TIMEOUT_S = 5.0


class Publisher:
    """Publishes to topics that exist. An async context manager: leaving it without an error flushes.

    Events of one subject keep their order. Where the broker has no idempotent producer (`idempotent` is
    False, as with the embedded one), a lost answer may put events into the log twice; they count once.
    """

    def __init__(self, kafka: KafkaConfig) -> None:
        self.idempotent = False
        self.acknowledged = 0
        """Events that are in the log for sure."""
        self._kafka = kafka
        self._partitions: dict[str, int] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._in_flight: set[asyncio.Task[None]] = set()
        self._failed: BrokerError | None = None

    async def __aenter__(self) -> Publisher:
        """Connect. Raises BrokerError when that fails."""
        options = client_options(self._kafka)
        async with connected(options) as client:
            self._partitions = await partition_counts(client)
            self.idempotent = await has_idempotence(client)
        self._producer = AIOKafkaProducer(
            **options, acks="all", enable_idempotence=self.idempotent, max_batch_size=BATCH_BYTES
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise unreachable(self._kafka.bootstrap, error) from None
        self._lingering = asyncio.create_task(self._send_what_lingers())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            self._lingering.cancel()
            await self._stop()

    async def publish(self, topic: str, key: bytes, value: bytes, timestamp_ms: int | None = None) -> None:
        """Take one event into a batch; waits while too many are under way.

        `timestamp_ms` is the record's timestamp, now when None. Raises BrokerError: no such topic, or an
        earlier event could not be delivered.
        """
        if self._failed is not None:
            raise self._failed
        lane = self._lane(topic, key)
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        if not lane.append(key, value, timestamp_ms):
            await self._send(lane)
            if not lane.append(key, value, timestamp_ms):
                raise AssertionError("an empty batch takes an event of any size")

    async def flush(self) -> None:
        """Returns when everything published so far is acknowledged. Raises BrokerError when it cannot be."""
        for lane in list(self._lanes.values()):
            if lane.opened_at is not None:
                await self._send(lane)
        while self._in_flight:
            await self._wait_for_one()
        if self._failed is not None:
            raise self._failed

    def _lane(self, topic: str, key: bytes) -> Lane:
        count = self._partitions.get(topic)
        if not count:
            raise not_there(topic, self._kafka.bootstrap)
        place = (topic, partition_hash(key) % count)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(self._producer, *place)
        return lane

    async def _send(self, lane: Lane) -> None:
        task = asyncio.create_task(self._deliver(lane, lane.take()))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        await asyncio.sleep(0)  # so that aiokafka gets to send while we go on
        while len(self._in_flight) >= IN_FLIGHT_MAX:
            await self._wait_for_one()

    async def _deliver(self, lane: Lane, batch: Any) -> None:
        try:
            events = await lane.deliver(batch)
            self.acknowledged += events
        except KafkaError as error:
            self._failed = self._failed or BrokerError(
                f"Kafka at {self._kafka.bootstrap} did not take a batch for {lane.topic}, partition "
                f"{lane.partition}: {type(error).__name__}: {error}"
            )

    async def _wait_for_one(self) -> None:
        done, _ = await asyncio.wait(
            self._in_flight, timeout=DELIVERY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            self._failed = BrokerError(
                f"Kafka at {self._kafka.bootstrap} acknowledged nothing for {DELIVERY_TIMEOUT_S:.0f} s"
            )
        if self._failed is not None:
            raise self._failed

    async def _send_what_lingers(self) -> None:
        while True:
            await asyncio.sleep(LINGER_S)
            full_before = time.monotonic() - LINGER_S
            for lane in list(self._lanes.values()):
                if lane.opened_at is not None and lane.opened_at <= full_before:
                    await self._send(lane)

    async def _stop(self) -> None:
        """Close, whatever aiokafka is waiting for: without its broker it would wait for ever."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._producer.stop()
        except TimeoutError:
            await self._producer.client.close()
