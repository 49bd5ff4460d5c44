"""The shards that this worker has: claims them, hands them their batches, keeps their clocks moving."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from stream.config import Config
from stream.config.published import History
from stream.shard.changes import Changes, Fence, Restored
from stream.shard.family import COUNTED, family
from stream.shard.shard import Shard
from stream.shard.succession import passed, recomputed, unknown
from stream.store import Fenced, RedisStore, StoredTopic, new_commit_id
from stream.store.reports import WorkerReport
from stream.worker.claim import check_fence, check_topic, log_id
from stream.worker.log import KafkaLog, LogIdentity
from stream.worker.mailbox import Mailbox
from stream.worker.ports import Partition, Position, Transport
from stream.worker.report import Work
from stream.worker.versions import KnownVersions

if TYPE_CHECKING:
    from stream.shard.changes import LogRecord

log = logging.getLogger("floorcast.worker")

TICK_S = 0.1
"""How often shards are looked at: a timer that is due fires within this."""
CELLS_MAX = 200_000
"""Cells that a worker keeps in memory, shared by its shards (about 0.5 KB each)."""
CLAIMS_MAX = 20
"""Tries to claim a shard that somebody else writes."""
RETIMED_MAX = 10_000
"""Timers that one commit changes when a version comes."""
FRESHEN_MS = 1_000
"""How often a quiet shard's freshness is renewed."""


class Shards:
    """The `Handler` behind the transport (worker/ports.py)."""

    def __init__(
        self, config: Config, store: RedisStore, until_ms: int | None, versions: KnownVersions
    ) -> None:
        self.transport: Transport | None = None  # set before it runs
        self.mailboxes: dict[Partition, Mailbox] = {}
        self._config = config
        self._store = store
        self._until_ms = until_ms
        self._versions = versions
        self._work = Work()
        self._sharing = 1  # shards that share the memory
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
        # All are looked at before the first is written: a refusal leaves everything as it was.
        stored_topics = await self._store.topics()
        for topic, identity in identities.items():
            check_topic(stored_topics.get(self._families[topic]), topic, identity)
        ordered = sorted(partitions)
        restored = await asyncio.gather(*(self._restore(p, identities[p.topic]) for p in ordered))
        for topic, identity in identities.items():
            await self._store.write_topic(self._families[topic], StoredTopic(topic, identity.partitions))
        history = self._versions.history
        await self._store.write_versions(history)
        claimed = await asyncio.gather(
            *(
                self._claim(p, stored, identities[p.topic], starts[p], history)
                for p, stored in zip(ordered, restored, strict=True)
            )
        )
        self._sharing = max(1, len(partitions))
        for partition, stored in zip(ordered, claimed, strict=True):
            self.mailboxes[partition] = self._mailbox(partition, stored)
        return {partition: mailbox.shard.fence.offset for partition, mailbox in self.mailboxes.items()}

    async def _restore(self, partition: Partition, identity: LogIdentity) -> Restored:
        stored = await self._store.restore(self._families[partition.topic], partition.partition)
        check_fence(stored.fence, str(partition), identity, self._shape)
        return stored

    async def _claim(
        self, partition: Partition, stored: Restored, identity: LogIdentity, start: int, history: History
    ) -> Restored:
        """Makes the shard ours: as it was written then."""
        for attempt in range(CLAIMS_MAX):
            try:
                if attempt:
                    # Whoever has it (a rebuild, until we come) goes on writing: first taken, then read.
                    await self._seize(partition, identity)
                    stored = await self._restore(partition, identity)
                if start > stored.fence.offset:
                    _note_lost(partition, stored, start)
                fence = replace(
                    stored.fence, log_id=log_id(identity), shape=self._shape,
                    offset=max(stored.fence.offset, start),
                )  # fmt: skip
                await self._take_in(partition, stored, fence, history)
                break
            except Fenced:
                if attempt == CLAIMS_MAX - 1:
                    raise
        return stored

    async def _seize(self, partition: Partition, identity: LogIdentity) -> None:
        family = self._families[partition.topic]
        fence = await self._store.fence(family, partition.partition)
        check_fence(fence, str(partition), identity, self._shape)
        await self._store.claim(family, partition.partition, fence)

    async def _take_in(self, partition: Partition, stored: Restored, fence: Fence, history: History) -> None:
        """Writes the fence, which then knows all versions, and when they begin to what has a timer."""
        timers: dict[str, int] = {}
        if new := unknown(stored.fence, history):
            if passed(stored.fence, new[0].from_ms):
                stored.journal["late_versions"] = stored.journal.get("late_versions", 0) + len(new)
                log.error(
                    "%s: version %d of calendars and policies became known after what it changes was "
                    "counted; a rebuild counts it anew", partition, stored.fence.versions + 1,
                    extra={"shard": str(partition), "offset": stored.fence.offset},
                )  # fmt: skip
            timers = recomputed(stored, new[0].from_ms)
        retimed = list(timers.items())
        for place in range(0, len(retimed), RETIMED_MAX):
            await self._write(partition, stored, fence, dict(retimed[place : place + RETIMED_MAX]))
        # Only now does it know them: whoever comes in between begins again.
        await self._write(partition, stored, replace(fence, versions=len(history)), {})
        stored.timers |= timers

    async def _write(
        self, partition: Partition, stored: Restored, fence: Fence, timers: dict[str, int | None]
    ) -> None:
        expected = stored.fence.commit_id
        stored.fence = replace(fence, commit_id=new_commit_id())
        changes = Changes(fence=stored.fence, journal=stored.journal, timers=timers)
        try:
            await self._store.commit(self._families[partition.topic], partition.partition, expected, changes)
        except Fenced:
            self._work.refusals += 1
            raise

    async def _renewed(self, partition: Partition, shard: Shard) -> Shard:
        """The shard under the rules of all versions."""
        stored = await self._store.restore(shard.family.name, partition.partition)
        stored.fence = shard.fence  # if it is not ours any more, the commit finds out
        history = self._versions.history
        await self._store.write_versions(history)
        await self._take_in(partition, stored, shard.fence, history)
        return self._shard(partition, stored)

    def _shard(self, partition: Partition, stored: Restored) -> Shard:
        config = msgspec.structs.replace(self._config, published=self._versions.history)
        rules = family(self._families[partition.topic], config)
        entities = max(1_000, config.worker.cache_entities // self._sharing)
        cells = max(2_000, CELLS_MAX // self._sharing)
        shard = Shard(rules, partition.topic, partition.partition, config, entities, cells)
        # While history is read, panes that will be too old once it is are not worth writing.
        shard.restore(stored, int(time.time() * 1000) if config.clock == "wall" else self._until_ms or 0)
        return shard

    def _mailbox(self, partition: Partition, stored: Restored) -> Mailbox:
        return Mailbox(
            self._shard(partition, stored), self._store, lambda: self._position(partition),
            until_ms=self._until_ms, by_wall=self._config.clock == "wall",
            batch_records=self._config.worker.batch_records, versions=self._versions,
            renew=lambda shard: self._renewed(partition, shard), work=self._work,
        )  # fmt: skip

    def _position(self, partition: Partition) -> Position | None:
        return self.transport.position(partition) if self.transport is not None else None

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """Lets the commits under way end, and forgets the shards."""
        mailboxes, self.mailboxes = self.mailboxes, {}
        await asyncio.gather(*(mailbox.close() for mailbox in mailboxes.values()))

    async def batch(self, partition: Partition, records: list[LogRecord]) -> None:
        """Folds and commits; what was read again after a restart is left out."""
        mailbox = self.mailboxes[partition]
        begin = mailbox.shard.fence.offset
        await mailbox.read(
            records if records[0].offset >= begin else [r for r in records if r.offset >= begin]
        )

    def committed(self) -> dict[Partition, int]:
        """Next offsets that are in Redis."""
        return {partition: mailbox.shard.fence.offset for partition, mailbox in self.mailboxes.items()}

    def report(self) -> WorkerReport:
        """What this worker has done, and how far it is behind."""
        return self._work.report(
            (self._families[partition.topic], partition, self._position(partition))
            for partition in self.mailboxes
        )

    async def keep_time(self) -> None:
        """Ticks every shard that is due, until cancelled. Raises what stops the worker."""
        while True:
            await asyncio.sleep(TICK_S)
            for partition, mailbox in list(self.mailboxes.items()):
                if mailbox.wants_tick(FRESHEN_MS):
                    await self.tick(partition, mailbox)

    async def tick(self, partition: Partition, mailbox: Mailbox) -> None:
        """Moves a shard's clock."""
        await mailbox.tick()


def _note_lost(partition: Partition, stored: Restored, start: int) -> None:
    """Records before `start` are not in the log any more, and were not read."""
    offset = stored.fence.offset
    if not stored.fence.commit_id:
        log.warning(
            "%s: the log begins at offset %d; what was before is not counted.", partition, start,
            extra={"shard": str(partition), "offset": 0, "end_offset": start},
        )  # fmt: skip
        return
    log.error(
        "%s: %d records were deleted by Kafka's retention before they were read (offsets %d to %d): "
        "the numbers lack them. Keep the log longer than a worker may be down.",
        partition, start - offset, offset, start - 1,
        extra={"shard": str(partition), "offset": offset, "end_offset": start},
    )  # fmt: skip
    stored.journal["lost_at_head"] = stored.journal.get("lost_at_head", 0) + start - offset
