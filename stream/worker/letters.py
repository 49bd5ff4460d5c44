"""Carries dead letters from the outbox to their topic. At least once: a letter is marked as delivered by a
later commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer

from stream.config import KafkaConfig
from stream.shard.deadletter import read_dead_letter
from stream.sources.security import client_options
from stream.worker.mailbox import Mailbox

log = logging.getLogger("floorcast.worker")

INTERVAL_S = 0.2
AT_ONCE = 500
REQUEST_MAX = 8 * 1024 * 1024
"""Above the largest record that a broker takes by default: a refused event may be as large as that."""


class Letters:
    """One carrier a worker: it looks into every mailbox in turn."""

    def __init__(self, kafka: KafkaConfig, mailboxes: Callable[[], Iterable[Mailbox]]) -> None:
        self._kafka = kafka
        self._mailboxes = mailboxes
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Carries until cancelled. Raises when the topic cannot be written: nothing is dropped."""
        try:
            while True:
                for mailbox in list(self._mailboxes()):
                    while mailbox.undelivered:
                        await self._carry(mailbox)
                await asyncio.sleep(INTERVAL_S)
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
                **client_options(self._kafka), acks="all", max_request_size=REQUEST_MAX
            )
            await self._producer.start()
        return self._producer
