"""Carries dead letters from the outbox to their topic. At least once: a letter is marked as delivered by a
later commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.shard.deadletter import read_dead_letter
from stream.sources.security import client_options
from stream.sources.topics import DEADLETTERS_BYTES_MAX
from stream.worker.mailbox import Mailbox
from stream.worker.ports import WorkerFailed

log = logging.getLogger("floorcast.worker")

INTERVAL_S = 0.2
AT_ONCE = 500


class Letters:
    """One carrier a worker: it looks into every mailbox in turn."""

    def __init__(self, kafka: KafkaConfig, mailboxes: Callable[[], Iterable[Mailbox]]) -> None:
        self._kafka = kafka
        self._mailboxes = mailboxes
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Carries until cancelled. Raises WorkerFailed when it cannot: nothing is dropped."""
        try:
            while True:
                for mailbox in list(self._mailboxes()):
                    while mailbox.undelivered:
                        await self._carry(mailbox)
                await asyncio.sleep(INTERVAL_S)
        except KafkaError as e:
            topic, said = self._kafka.topics.deadletters, e or type(e).__name__
            raise WorkerFailed(
                f"dead letters cannot be written to {topic}: {said}; "
                "`floorcast topics create` makes missing topics"
            ) from e
        finally:
            if self._producer is not None:
                await self._producer.stop()

    async def _carry(self, mailbox: Mailbox) -> None:
        producer = await self._connected()
        offsets = sorted(mailbox.undelivered)[:AT_ONCE]
        waiting = []
        for offset in offsets:
            letter = read_dead_letter(mailbox.undelivered[offset])
            waiting.append(
                await producer.send(
                    self._kafka.topics.deadletters,
                    value=letter.value,
                    key=letter.key,
                    headers=letter.record_headers(),
                )
            )
        await asyncio.gather(*waiting)
        mailbox.carried(offsets)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **client_options(self._kafka), acks="all", max_request_size=DEADLETTERS_BYTES_MAX
            )
            await self._producer.start()
        return self._producer
