"""Carries dead letters, facts about customers and notices about clocks from the outboxes to their topics. At
least once: what was carried is marked as delivered by a later commit."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.config import KafkaConfig
from stream.events.instants import to_ms
from stream.events.partition import partition_of
from stream.events.sla import encode_sla
from stream.shard.deadletter import DeadLetter, read_dead_letter
from stream.shard.facts import OutRecord, contact_records, is_facts
from stream.shard.notices import sla_events
from stream.sources.security import client_options
from stream.sources.topics import DEADLETTERS_BYTES_MAX
from stream.worker.mailbox import Mailbox
from stream.worker.ports import WorkerFailed
from stream.worker.refusals import Refusals

log = logging.getLogger("floorcast.worker")

NOTICES_INTERVAL_S = 0.05
NOTICES_AT_ONCE = 20
INTERVAL_S = 0.4
"""Facts come back as records: seldom and many at once, they cost few commits."""
AT_ONCE = 10_000
BATCH_BYTES = 128 * 1024
"""Facts are many, and small: they are sent by the batch."""


class Letters:
    """One carrier a worker: it looks into every mailbox in turn."""

    def __init__(self, kafka: KafkaConfig, mailboxes: Callable[[], Iterable[Mailbox]]) -> None:
        self._kafka = kafka
        self._mailboxes = mailboxes
        self._producer: AIOKafkaProducer | None = None
        self._refusals = Refusals(time.monotonic)

    async def run(self) -> None:
        """Carries until cancelled. Raises WorkerFailed when it cannot: nothing is dropped."""
        try:
            while True:
                for mailbox in list(self._mailboxes()):
                    if mailbox.undelivered:
                        await self._carry(mailbox)
                self._refusals.tell()
                for _ in range(round(INTERVAL_S / NOTICES_INTERVAL_S)):
                    for mailbox in list(self._mailboxes()):
                        if mailbox.untold:
                            await self._carry_notices(mailbox)
                    await asyncio.sleep(NOTICES_INTERVAL_S)
        except KafkaError as e:
            topics, said = self._kafka.topics, e or type(e).__name__
            raise WorkerFailed(
                f"dead letters cannot be written to {topics.deadletters}, facts to {topics.contacts}, or "
                f"notices about clocks to {topics.sla}: {said}; "
                "`floorcast topics create` makes missing topics"
            ) from e
        finally:
            self._refusals.tell(at_once=True)
            if self._producer is not None:
                await self._producer.stop()

    async def _carry(self, mailbox: Mailbox) -> None:
        producer = await self._connected()
        offsets = sorted(mailbox.undelivered)[:AT_ONCE]
        told = {offset: mailbox.undelivered[offset] for offset in offsets}
        family = mailbox.shard.family
        facts = chain.from_iterable(
            contact_records(packed, offset, family.name, family.fold.segments.dimensions)
            for offset, packed in told.items()
            if is_facts(packed)
        )
        waiting = await self._send_batches(producer, self._kafka.topics.contacts, list(facts))
        letters = [read_dead_letter(packed) for packed in told.values() if not is_facts(packed)]
        waiting += [await self._send_letter(producer, letter) for letter in letters]
        await asyncio.gather(*waiting)
        for letter in letters:
            self._refusals.note(letter)
        mailbox.carried(offsets)

    async def _carry_notices(self, mailbox: Mailbox) -> None:
        """Those of one clock follow each other, as its ticket's id is their key."""
        producer = await self._connected()
        numbers = sorted(mailbox.untold)[:NOTICES_AT_ONCE]
        dimensions = mailbox.shard.family.fold.segments.dimensions
        records = [
            OutRecord(event.subject.encode(), encode_sla(event), to_ms(event.recordedtime))
            for number in numbers
            for event in sla_events(mailbox.untold[number], dimensions)
        ]
        await asyncio.gather(*await self._send_batches(producer, self._kafka.topics.sla, records))
        mailbox.noticed(numbers)

    async def _send_letter(self, producer: AIOKafkaProducer, letter: DeadLetter) -> Future[Any]:
        # A record may have neither key nor value; the producer wants one of them.
        value = b"" if letter.key is None and letter.value is None else letter.value
        sent: Future[Any] = await producer.send(
            self._kafka.topics.deadletters,
            value=value,
            key=letter.key,
            headers=letter.record_headers(),
        )
        return sent

    async def _send_batches(
        self, producer: AIOKafkaProducer, topic: str, records: Sequence[OutRecord]
    ) -> list[Future[Any]]:
        """Sends them by the batch: one by one, aiokafka takes 15 us for each."""
        if not records:
            return []
        partitions = len(await producer.partitions_for(topic))
        sent: list[Future[Any]] = []
        batches: dict[int, Any] = {}
        for record in records:
            partition = partition_of(record.key, partitions)
            batch = batches.get(partition)
            if batch is None:
                batch = batches[partition] = producer.create_batch()
            told = {"key": record.key, "value": record.value, "timestamp": record.timestamp}
            if batch.append(**told) is None:  # it is full
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = batches[partition] = producer.create_batch()
                batch.append(**told)
        for partition, batch in batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        return sent

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **client_options(self._kafka), acks="all", max_request_size=DEADLETTERS_BYTES_MAX,
                max_batch_size=BATCH_BYTES,
            )  # fmt: skip
            await self._producer.start()
        return self._producer
