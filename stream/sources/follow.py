"""Follows a small topic from its beginning on, without a consumer group: the latest value of everything."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.sources.broker import (
    BrokerError,
    all_at_end,
    connected,
    not_there,
    partition_counts,
    stop_consumer,
    unreachable,
)
from stream.sources.security import client_options

log = logging.getLogger("floorcast.serve")

AGAIN_S: Final = 2.0
WITHIN_S: Final = 10.0
SILENT_S: Final = 5.0
"""An idle broker answers each half second that there is nothing new."""
KEYS_MAX: Final = 20_000
"""Keys kept; beyond, the one written longest ago is forgotten."""
VALUE_MAX: Final = 65_536
"""Longer values are none of ours."""
AT_ONCE: Final = 1_000


Identity = Callable[[bytes, bytes | None], Hashable]
"""What a record with this key and value replaces."""


def by_key(key: bytes, value: bytes | None) -> Hashable:
    """As in a compacted topic."""
    return key


class Follower:
    """`run` goes on until it is cancelled; meanwhile `values` is what the topic says."""

    def __init__(self, kafka: KafkaConfig, topic: str, identity: Identity = by_key) -> None:
        self._kafka = kafka
        self._topic = topic
        self._identity = identity
        self._latest: OrderedDict[Hashable, bytes] = OrderedDict()
        self._whole = asyncio.Event()
        self._fault: str | None = None
        self.changes = 0
        """Grows with every record that is read."""

    def latest(self, known_as: Hashable) -> bytes | None:
        """The latest value of one identity, as far as the topic has been read."""
        return self._latest.get(known_as)

    async def run(self) -> None:
        """Reads, and connects again after trouble."""
        while True:
            try:
                await self._session()
            except BrokerError as error:
                self._trouble(str(error))
            await asyncio.sleep(AGAIN_S)

    async def values(self) -> list[bytes]:
        """The latest values, read to the topic's end once since Kafka last failed to answer. Raises
        BrokerError."""
        if self._fault is not None and not self._whole.is_set():
            raise BrokerError(self._fault)
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._whole.wait()
        except TimeoutError:
            raise BrokerError(self._fault or f"{self._topic} could not be read to its end so far") from None
        return list(self._latest.values())

    async def _session(self) -> None:
        options = client_options(self._kafka)
        async with connected(options) as client:
            count = (await partition_counts(client)).get(self._topic)
        if not count:
            raise not_there(self._topic, self._kafka.bootstrap)
        consumer = AIOKafkaConsumer(
            **options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            await self._read(consumer, [TopicPartition(self._topic, place) for place in range(count)])
        except KafkaError as error:
            raise unreachable(self._kafka.bootstrap, error) from None
        finally:
            await stop_consumer(consumer)

    async def _read(self, consumer: Any, places: list[TopicPartition]) -> None:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        self._latest.clear()
        began_ms = time.time() * 1000
        while True:
            batches = await consumer.getmany(timeout_ms=250, max_records=AT_ONCE)
            for records in batches.values():
                for record in records:
                    self._take(record.key or b"", record.value)
            heard_ms = min(consumer.last_poll_timestamp(place) or began_ms for place in places)
            if time.time() * 1000 - heard_ms > SILENT_S * 1000:
                # The library connects again by itself, and tells nobody meanwhile.
                self._trouble(f"Kafka at {self._kafka.bootstrap} has not answered for {SILENT_S:g} s")
            elif not self._whole.is_set() and await all_at_end(consumer, places):
                self._fault = None
                self._whole.set()

    def _trouble(self, reason: str) -> None:
        if self._fault is None:
            log.warning("%s; %s is not followed until it can be", reason, self._topic)
        self._fault = reason
        self._whole.clear()

    def _take(self, key: bytes, value: bytes | None) -> None:
        self.changes += 1
        known_as = self._identity(key, value)
        self._latest.pop(known_as, None)
        if value is not None and len(value) <= VALUE_MAX:
            self._latest[known_as] = value
            if len(self._latest) > KEYS_MAX:
                self._latest.popitem(last=False)
