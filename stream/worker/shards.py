"""The shards that this worker has: claims them, hands them their batches, keeps their clocks moving."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from stream.config import Config
from stream.shard.changes import Changes
from stream.shard.family import COUNTED, family
from stream.shard.shard import Shard
from stream.store import RedisStore, StoredTopic, new_commit_id
from stream.worker.claim import check_fence, log_id
from stream.worker.log import KafkaLog, LogIdentity
from stream.worker.mailbox import Mailbox
from stream.worker.ports import Partition, Position, Transport

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

log = logging.getLogger("floorcast.worker")

TICK_S = 0.25
"""How often shards are looked at: a timer that is due fires within this."""
FRESHEN_MS = 1_000
"""How often a quiet shard's freshness is renewed."""


class Shards:
    """The `Handler` behind the transport (worker/ports.py)."""

    def __init__(self, config: Config, store: RedisStore, until_ms: int | None = None) -> None:
        self.transport: Transport | None = None  # set before it runs
        self.mailboxes: dict[Partition, Mailbox] = {}
        self._config = config
        self._store = store
        self._until_ms = until_ms
        self._shape = config.shape_hash()
        self._families = {getattr(config.kafka.topics, name): name for name in COUNTED}

    @property
    def topics(self) -> list[str]:
        """The topics that are counted."""
        return list(self._families)

    async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        """Claims the shards in the store; the offsets to go on from. Raises `WrongImage`, `Fenced`,
        `StoreError`."""
        self.mailboxes.clear()
        async with KafkaLog(self._config.kafka) as kafka_log:
            identities = await kafka_log.identities(self.topics)
            starts = await kafka_log.starts(partitions)
        for topic, identity in identities.items():
            await self._store.write_topic(self._families[topic], StoredTopic(topic, identity.partitions))
        claimed = await asyncio.gather(
            *(self._claim(p, identities[p.topic], starts[p], len(partitions)) for p in sorted(partitions))
        )
        self.mailboxes.update(zip(sorted(partitions), claimed, strict=True))
        return {partition: mailbox.shard.fence.offset for partition, mailbox in self.mailboxes.items()}

    async def _claim(self, partition: Partition, identity: LogIdentity, start: int, shards: int) -> Mailbox:
        name = self._families[partition.topic]
        stored = await self._store.restore(name, partition.partition)
        lost = check_fence(stored.fence, str(partition), identity, self._shape, start)
        fence = replace(stored.fence, log_id=log_id(identity), shape=self._shape)
        if lost:
            log.error(
                "%s: %d records were deleted by Kafka's retention before they were read (offsets %d to %d): "
                "the numbers lack them. Keep the log longer than a worker may be down.",
                partition,
                lost,
                fence.offset,
                start - 1,
            )
            stored.journal["lost_at_head"] = stored.journal.get("lost_at_head", 0) + lost
        fence.offset = max(fence.offset, start)
        fence.commit_id = new_commit_id()
        changes = Changes(fence=fence, journal=stored.journal)
        await self._store.commit(name, partition.partition, stored.fence.commit_id, changes)
        stored.fence = fence
        by_wall = self._config.clock == "wall"
        cache = max(1_000, self._config.worker.cache_entities // shards)
        shard = Shard(family(name, self._config), partition.topic, partition.partition, self._config, cache)
        # While history is read, panes that will be too old once it is are not worth writing.
        shard.restore(stored, int(time.time() * 1000) if by_wall else 0)
        return Mailbox(
            shard, self._store, lambda: self._position(partition), until_ms=self._until_ms, by_wall=by_wall,
            batch_records=self._config.worker.batch_records,
        )  # fmt: skip

    def _position(self, partition: Partition) -> Position | None:
        return self.transport.position(partition) if self.transport is not None else None

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """Lets the commits under way end, and forgets the shards."""
        mailboxes, self.mailboxes = self.mailboxes, {}
        for mailbox in mailboxes.values():
            await mailbox.close()

    async def batch(self, partition: Partition, records: list[ConsumerRecord]) -> None:
        """Folds and commits; what was read again after a restart is left out."""
        mailbox = self.mailboxes[partition]
        begin = mailbox.shard.fence.offset
        await mailbox.read(
            records if records[0].offset >= begin else [r for r in records if r.offset >= begin]
        )

    def committed(self) -> dict[Partition, int]:
        """Next offsets that are in Redis."""
        return {partition: mailbox.shard.fence.offset for partition, mailbox in self.mailboxes.items()}

    async def keep_time(self) -> None:
        """Ticks every shard that is due, until cancelled. Raises what stops the worker."""
        while True:
            await asyncio.sleep(TICK_S)
            for mailbox in list(self.mailboxes.values()):
                if mailbox.wants_tick(FRESHEN_MS):
                    await mailbox.tick()
