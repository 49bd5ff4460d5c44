"""Single records into Kafka, each with its own verdict: for those who wait for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.sources.broker import connected, has_idempotence, partition_counts, unreachable
from stream.sources.security import client_options

WITHIN_S: Final = 20.0
"""Acknowledged within this, or not known whether it is in the log."""
_ROOM_BYTES: Final = 64 * 1024


class Outgoing(NamedTuple):
    """One record."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Ingest:
    """Connects when first used, and anew after trouble. A record is acknowledged by all replicas."""

    def __init__(self, kafka: KafkaConfig, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._kafka = kafka
        self._request_max = max(1_048_576, bytes_max + _ROOM_BYTES)
        self._connecting = asyncio.Lock()
        self._producer: Any = None
        self._counts: dict[str, int] = {}

    async def close(self) -> None:
        """Ends the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(WITHIN_S / 4):
                    await producer.stop()
            except (TimeoutError, KafkaError):
                await producer.client.close()

    async def send(self, records: Sequence[Outgoing]) -> list[str | None]:
        """For each record None when it is in the log, else why not; it may be there nevertheless. Raises
        BrokerError when Kafka cannot be reached at all."""
        try:
            async with asyncio.timeout(WITHIN_S):
                producer = await self._connected()
        except TimeoutError:
            raise unreachable(self._kafka.bootstrap, TimeoutError("no answer")) from None
        verdicts = await asyncio.gather(*(self._one(producer, record) for record in records))
        if any(verdicts):
            await self._drop(producer)
        return verdicts

    async def _one(self, producer: Any, record: Outgoing) -> str | None:
        if not self._counts.get(record.topic):
            return f"topic {record.topic} is not in Kafka: run `floorcast topics create`"
        try:
            async with asyncio.timeout(WITHIN_S):
                await (
                    await producer.send(
                        record.topic, value=record.value, key=record.key, headers=list(record.headers)
                    )
                )
        except (KafkaError, TimeoutError) as error:
            return f"Kafka did not acknowledge it: {type(error).__name__}"
        return None

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._producer is None:
                self._producer = await self._connect()
            return self._producer

    async def _connect(self) -> Any:
        options = client_options(self._kafka)
        async with connected(options) as client:
            self._counts = await partition_counts(client)
            idempotent = await has_idempotence(client)
        producer = AIOKafkaProducer(
            **options, acks="all", enable_idempotence=idempotent, linger_ms=2,
            max_request_size=self._request_max,
        )  # fmt: skip
        try:
            await producer.start()
        except KafkaError as error:
            await producer.stop()
            raise unreachable(self._kafka.bootstrap, error) from None
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _drop(self, producer: Any) -> None:
        """The next records connect anew: topics may be there by then."""
        if self._producer is producer:
            await self.close()
