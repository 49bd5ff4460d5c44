"""The topics of alerts: reads what happens to clocks and who took note, keeps what was sent.

`support.sla` is shared among dispatchers by consumer group; its offsets are committed when what follows from
them is in `support.alerts`. That topic and `support.acknowledgements` every dispatcher reads as a whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from stream.config import KafkaConfig
from stream.events.partition import partition_of
from stream.sources.broker import (
    BrokerError,
    all_at_end,
    at_end,
    connected,
    has_idempotence,
    not_there,
    partition_counts,
    stop_consumer,
    unreachable,
)
from stream.sources.security import client_options

AT_ONCE = 2_000
POLL_S = 0.25
WITHIN_S = 30.0
"""What Kafka is asked for must be done within this."""
RECENT_MS = 10_000
"""A partition that has not been heard of for so long holds up nobody."""
_NO_PAUSE = 0


@dataclass
class Portion:
    """What one poll found. Values as they are in the topics."""

    sla: list[bytes] = field(default_factory=list)
    acknowledgements: list[bytes] = field(default_factory=list)
    reassigned: bool = False
    """Other partitions are ours than before: what was sent must be read again, before anything is taken."""
    at_end: bool = False
    """Nothing is known to be unread."""
    heard_ms: int = 0
    """When the partition that was silent longest last answered; 0: not since `start`."""


class AlertTopics:
    """One dispatcher's connection. An async context manager; every method raises BrokerError."""

    def __init__(self, kafka: KafkaConfig, session_timeout_ms: int = 10_000) -> None:
        self._kafka = kafka
        self._session_timeout_ms = session_timeout_ms
        self._reassigned = False
        self._consumers: list[Any] = []

    async def __aenter__(self) -> AlertTopics:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._connect()
        except (KafkaError, OSError) as error:
            await self._close()
            raise unreachable(self._kafka.bootstrap, error) from None
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def poll(self) -> Portion:
        """What is new, waiting for it a moment."""
        portion = Portion()
        try:
            fetched = await self._sla.getmany(timeout_ms=round(POLL_S * 1000), max_records=AT_ONCE)
            taken = await self._notes.getmany(timeout_ms=_NO_PAUSE, max_records=AT_ONCE)
            await self._judge(portion)
        except KafkaError as error:
            raise unreachable(self._kafka.bootstrap, error) from None
        portion.sla = _values(fetched)
        portion.acknowledgements = _values(taken)
        portion.reassigned, self._reassigned = self._reassigned, False
        return portion

    async def commit(self) -> None:
        """What was polled so far need not come again. When the partitions have just moved, it does."""
        try:
            await self._sla.commit()
        except (CommitFailedError, IllegalStateError):
            pass
        except KafkaError as error:
            raise unreachable(self._kafka.bootstrap, error) from None

    async def sent(self) -> list[bytes]:
        """The latest record of every key of `support.alerts`, read to its end."""
        found: dict[bytes, bytes | None] = {}
        consumer = self._reader()
        try:
            async with asyncio.timeout(WITHIN_S):
                await consumer.start()
                places = self._places(self._kafka.topics.alerts)
                consumer.assign(places)
                await consumer.seek_to_beginning(*places)
                while not await all_at_end(consumer, places):
                    batches = await consumer.getmany(timeout_ms=100, max_records=AT_ONCE)
                    for records in batches.values():
                        found.update((record.key, record.value) for record in records)
        except TimeoutError:
            raise BrokerError(
                f"{self._kafka.topics.alerts} could not be read to its end within {WITHIN_S:.0f} s"
            ) from None
        except KafkaError as error:
            raise unreachable(self._kafka.bootstrap, error) from None
        finally:
            await stop_consumer(consumer)
        return [value for value in found.values() if value is not None]

    async def keep(self, records: Mapping[str, bytes | None]) -> None:
        """Writes records of `support.alerts` by key (None: it is forgotten); returns when they are safe."""
        topic = self._kafka.topics.alerts
        try:
            async with asyncio.timeout(WITHIN_S):
                waiting = [
                    await self._producer.send(topic, value=value, key=key.encode())
                    for key, value in records.items()
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError) as error:
            raise unreachable(self._kafka.bootstrap, error) from None

    def is_ours(self, subject: str) -> bool:
        """Whether the clocks of this ticket or call are in a partition of ours."""
        topic = self._kafka.topics.sla
        place = TopicPartition(topic, partition_of(subject.encode(), self._counts[topic]))
        return place in self._sla.assignment()

    async def _connect(self) -> None:
        options = client_options(self._kafka)
        topics = self._kafka.topics
        async with connected(options) as client:
            self._counts = await partition_counts(client)
            idempotent = await has_idempotence(client)
        for topic in (topics.sla, topics.alerts, topics.acknowledgements):
            if not self._counts.get(topic):
                raise not_there(topic, self._kafka.bootstrap)
        self._producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=idempotent)
        self._notes = self._reader()
        self._sla: Any = AIOKafkaConsumer(
            **options, group_id=f"{self._kafka.group}-alerts", enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=self._session_timeout_ms,
            heartbeat_interval_ms=self._session_timeout_ms // 3,
        )  # fmt: skip
        self._consumers = [self._sla, self._notes, self._producer]
        await self._producer.start()
        await self._notes.start()
        places = self._places(topics.acknowledgements)
        self._notes.assign(places)
        await self._notes.seek_to_beginning(*places)
        self._sla.subscribe([topics.sla], listener=_Listener(self))
        await self._sla.start()
        self._began_ms = _now_ms()

    def _reader(self) -> Any:
        return AIOKafkaConsumer(
            **client_options(self._kafka), group_id=None, enable_auto_commit=False,
            auto_offset_reset="earliest",
        )  # fmt: skip

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for partition in range(self._counts[topic])]

    def moved(self) -> None:
        """The partitions have been assigned anew."""
        self._reassigned = True

    async def _judge(self, portion: Portion) -> None:
        """Whether everything known is read, and when every partition had answered."""
        now_ms = _now_ms()
        places = self._sla.assignment()
        heard = [self._sla.last_poll_timestamp(place) or self._began_ms for place in places]
        # A dispatcher without partitions (there are more of them than partitions) hears of these alone.
        notes = [
            self._notes.last_poll_timestamp(place) or self._began_ms for place in self._notes.assignment()
        ]
        portion.heard_ms = min(heard + notes)
        recent = now_ms - RECENT_MS
        portion.at_end = all(
            [
                await at_end(self._sla, place) or at_ms < recent
                for place, at_ms in zip(places, heard, strict=True)
            ]
        )

    async def _close(self) -> None:
        for client in self._consumers:
            try:
                async with asyncio.timeout(WITHIN_S / 3):
                    await (client.stop() if client is self._producer else stop_consumer(client))
            except (TimeoutError, KafkaError):
                continue


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, topics: AlertTopics) -> None:
        self._topics = topics

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing is held back: what was polled is committed at once."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._topics.moved()


def _values(batches: Mapping[TopicPartition, Sequence[Any]]) -> list[bytes]:
    return [record.value for records in batches.values() for record in records if record.value is not None]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
