"""Counts the log from its start into a second generation beside the live one, and swaps them once it has
caught up. Where the log's beginning is gone it goes on from what the live one holds (carry.py). It keeps the
shards of what is live then until a worker has claimed them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError
from msgspec.structs import replace

from stream.config import Config
from stream.shard.changes import Fence
from stream.shard.family import COUNTED
from stream.sources.broker import BrokerError
from stream.sources.reach import read_reach
from stream.store import Fenced, Generation, RedisStore
from stream.worker.carry import ShardName, carry_over, shards_to_carry
from stream.worker.claim import WrongImage, check_grown, log_id
from stream.worker.letters import Letters
from stream.worker.log import KafkaLog, LogUnreadable
from stream.worker.mailbox import HalfDone, Mailbox
from stream.worker.ports import Partition, WorkerFailed
from stream.worker.process import check_topics, quiet_garbage_collector, settled, until_first_ends
from stream.worker.shards import Shards
from stream.worker.told import Told, crowded
from stream.worker.transport import KafkaWorker
from stream.worker.versions import KnownVersions

if TYPE_CHECKING:
    from stream.shard.changes import LogRecord

log = logging.getLogger("floorcast.rebuild")

LOOK_S = 0.2
SAY_S = 5.0
"""Between two lines of progress."""
NOTED_S = 10.0
TELLING_MS = 10_000
"""So long the swap waits for the live generation to tell what it has found."""
FRESH_MS = 3_000
"""So lately every shard must have been at the end of its log when the generations are swapped."""

Fences = Mapping[str, Mapping[int, Fence]]
"""By family and partition."""


async def run_rebuild(config: Config, *, from_log: bool = False, session_timeout_ms: int = 10_000) -> None:
    """Fills, swaps, and serves until workers have claimed every shard. What was begun and not finished is
    gone on with. Several of these share the work. Raises as `run_worker` does.

    `from_log`: the log alone counts, also where it does not reach back as far as numbers are kept; without it
    what is missing there is carried over from the live generation.
    """
    quiet_garbage_collector()
    store = RedisStore(config.redis)
    try:
        await store.check_server()
        await check_topics(config)
        live = await store.live()
        await _check_logs(config, live)
        carried = await _carried(config, live, from_log)
        if carried:
            config = await _followed(config, live)
        filling = await begin(config, store)
        view = store.at(filling.number)
        until_ms = await _until_ms(config, live)
        config = await settled(config, view)
        try:
            await carry_over(config, live, view, carried)
        except WrongImage as error:
            raise WorkerFailed(str(error)) from error
        versions = KnownVersions(config)
        shards = Refilled(config, view, until_ms, versions)
        kafka = replace(config.kafka, group=f"{config.kafka.group}-rebuild")
        transport = KafkaWorker(
            kafka, shards.topics, shards, max_poll_records=config.worker.batch_records,
            session_timeout_ms=session_timeout_ms,
        )  # fmt: skip
        shards.transport = transport
        letters = Letters(config.kafka, shards.speaking)
        others = [shards.keep_time(), letters.run(), _Rebuild(view, live, filling, shards).run()]
        if config.clock == "wall":
            others.append(versions.follow(config))
        await until_first_ends(transport, others)
    finally:
        await store.close()


async def _carried(config: Config, live: RedisStore, from_log: bool) -> list[ShardName]:
    """The shards that go on from what the live generation holds, as their log is too short; with `from_log`
    none does. Raises WorkerFailed, of WrongImage, when what would be swapped in lacks what the live one
    has."""
    topics = [getattr(config.kafka.topics, family) for family in COUNTED]
    try:
        reaches = await read_reach(config, topics)
    except BrokerError as error:
        raise WorkerFailed(str(error)) from error
    now_ms = time.time_ns() // 1_000_000
    short = {reach.topic: reach.said(now_ms) for reach in reaches if reach.missing(now_ms)}
    for line in short.values():
        log.warning("%s", line)
    if from_log or not short:
        return []
    try:
        return await shards_to_carry(config, live, short)
    except WrongImage as error:
        wrong = WrongImage(
            "the log is shorter than what is kept: panes of before it would be empty, and what was open "
            f"before it would not be counted ({'; '.join(short.values())}). They cannot be carried over, "
            f"either: {error}. To count what the log has all the same: `floorcast rebuild --from-log`"
        )
        raise WorkerFailed(str(wrong)) from wrong
    except (LogUnreadable, KafkaError) as error:
        raise WorkerFailed(str(error) or type(error).__name__) from error


async def _followed(config: Config, live: RedisStore) -> Config:
    """The configuration with its history, where histories are carried over: they have kept no more than the
    versions so far ask for. Raises WorkerFailed."""
    try:
        return await settled(config, live)
    except WorkerFailed as failed:
        if not isinstance(failed.__cause__, WrongImage):
            raise
        raise WorkerFailed(
            f"{failed} As this log is too short, that needs `floorcast rebuild --from-log`, which counts "
            "what it has"
        ) from failed.__cause__


async def _check_logs(config: Config, live: RedisStore) -> None:
    """Raises WorkerFailed, of WrongImage, when the topics cannot be counted as they are: one has grown, or
    facts of another log would be told to the topic of before, where their versions mean something else."""
    topics = {family: getattr(config.kafka.topics, family) for family in COUNTED}
    fences = await live.fences_of(COUNTED)
    other = set()
    try:
        async with KafkaLog(config.kafka) as kafka_log:
            identities = await kafka_log.identities(topics.values())
        for family, topic in topics.items():
            for stored in {fence.log_id for fence in fences[family].values() if fence.log_id}:
                found = log_id(identities[topic])
                check_grown(stored, found, topic)
                if stored != found:
                    other.add(family)
        if other & {"tickets", "calls"} and fences["contacts"] and "contacts" not in other:
            raise WrongImage(
                f"{', '.join(sorted(other))}: this is another log than the live one's, and the facts about "
                f"customers in {topics['contacts']} tell of that one: name a new topic in "
                "kafka.topics.contacts, and make it with `floorcast topics create`"
            )
    except (WrongImage, LogUnreadable, KafkaError) as error:
        raise WorkerFailed(str(error) or type(error).__name__) from error


async def begin(config: Config, store: RedisStore) -> Generation:
    """The generation to fill: one that was begun with this configuration, else a new one. Raises
    WorkerFailed, of WrongImage, when one is being filled with another."""
    generations = await store.generations()
    shape = config.shape_hash()
    for one in generations.filling:
        if one.shape != shape:
            wrong = WrongImage(
                f"generation {one.number} is being filled with another configuration: finish that first, or "
                f"`floorcast namespaces drop {store.namespace}:{one.number}`"
            )
            raise WorkerFailed(str(wrong)) from wrong
        log.info("goes on with generation %d", one.number)
        return one
    now_ms = time.time_ns() // 1_000_000
    begun = Generation(number=generations.next_number, began_ms=now_ms, shape=shape)
    await store.write_generation(begun)
    log.info("begins generation %d", begun.number)
    return begun


async def _until_ms(config: Config, live: RedisStore) -> int | None:
    """With `clock: events`, where the time of the live one has moved to at the end of the log."""
    if config.clock == "wall":
        return None
    fences = (await live.fences_of(COUNTED)).values()
    return max((fence.clock for of in fences for fence in of.values()), default=None)


class Refilled(Shards):
    """The shards of a generation that is filled: ours until it is live and a worker claims them."""

    swapped = False
    crowded: frozenset[Partition] = frozenset()
    """Those in which so much waits, untold by the live generation, that they tell it before the swap."""

    def speaking(self) -> list[Mailbox]:
        """Those that tell what they cause; before the swap the live generation does."""
        return [mailbox for shard, mailbox in self.mailboxes.items() if self.swapped or shard in self.crowded]

    def end_offset(self, partition: Partition) -> int:
        """Where its log ends, as far as that is known."""
        position = self._position(partition)
        return position.end_offset if position is not None else 0

    async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        """Once it is live nothing is claimed any more: a worker may have."""
        if not self.swapped:
            return await super().assigned(partitions)
        shards = [(self._families[one.topic], one.partition) for one in partitions]
        fences = await asyncio.gather(*(self._store.fence(*shard) for shard in shards))
        return {one: fence.offset for one, fence in zip(partitions, fences, strict=True)}

    async def batch(self, partition: Partition, records: list[LogRecord]) -> None:
        """As of `Shards`; what is not ours any more is left out."""
        if partition in self.mailboxes:
            await self._while_ours(partition, super().batch(partition, records))

    async def tick(self, partition: Partition, mailbox: Mailbox) -> None:
        """As of `Shards`."""
        await self._while_ours(partition, super().tick(partition, mailbox))

    async def _while_ours(self, partition: Partition, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (Fenced, HalfDone):
            if not self.swapped:
                raise
            if self.mailboxes.pop(partition, None) is not None:
                log.info("%s is a worker's now", partition)


class _Rebuild:
    """The way from the first record to the last shard that a worker has claimed."""

    def __init__(self, view: RedisStore, live: RedisStore, filling: Generation, shards: Refilled) -> None:
        self._view = view
        self._live = live
        self._filling = filling
        self._shards = shards
        self._told: dict[Partition, Told] = {}
        self._live_before: Fences | None = None
        self._read_ms: int | None = None  # when all was read first, and the clocks of the shards then
        self._read_clocks: dict[Partition, int] = {}
        self._progress = Progress()

    async def run(self) -> None:
        """Returns when it is live and no shard of it is ours any more."""
        while not self._shards.swapped or self._shards.mailboxes:
            await asyncio.sleep(LOOK_S)
            if not self._shards.swapped:
                await self._look()
        log.info("workers have every shard of generation %d", self._filling.number)

    async def _look(self) -> None:
        if (await self._view.generations()).current == self._filling.number:
            self._shards.swapped = True  # by another one that shares the work
            return
        live = await self._live.fences_of(COUNTED)
        fences = await self._view.fences_of(COUNTED)
        told_to = logs({"contacts": fences["contacts"]})
        await self._look_what_is_told(live, same_facts=bool(told_to) and told_to <= logs(live))
        self._say()
        before, now_ms = self._live_before, time.time_ns() // 1_000_000
        if before is not None and caught_up(fences, before, now_ms) and self._is_told(live, now_ms):
            await self._swap()
        self._live_before = live

    def _is_told(self, live: Fences, now_ms: int) -> bool:
        """Whether the live one has told what was found here up to when all was read first; without one that
        works nobody is waited for."""
        mailboxes = self._shards.mailboxes
        if self._read_ms is None:
            self._read_ms = now_ms
            self._read_clocks = {shard: mailbox.shard.fence.clock for shard, mailbox in mailboxes.items()}
        if now_ms - self._read_ms > TELLING_MS:
            return True
        for shard, mailbox in mailboxes.items():
            same = live.get(mailbox.shard.family.name, {}).get(shard.partition)
            works = same is not None and same.fresh >= now_ms - FRESH_MS
            if works and self._told[shard].clock < self._read_clocks.get(shard, 0):
                return False
        return True

    async def _swap(self) -> None:
        try:
            # So that what was found to be told is noted, whoever claims the shards next.
            async with asyncio.timeout(NOTED_S):
                await asyncio.gather(*(self._shards.tick(*one) for one in self._shards.mailboxes.items()))
        except TimeoutError:
            return  # partitions change hands: at the next look
        number = self._filling.number
        began_s = time.perf_counter()
        # From here on a shard that is taken from us is a worker's.
        self._shards.swapped = True
        swapped = replace(self._filling, swapped_ms=time.time_ns() // 1_000_000)
        await self._view.write_generation(swapped, live=True)
        took_ms = 1000 * (time.perf_counter() - began_s)
        log.info(
            "generation %d is live (swapped in %.1f ms); its shards are kept until a worker claims them. "
            "`floorcast namespaces` lists what was before", number, took_ms,
        )  # fmt: skip

    async def _look_what_is_told(self, live: Fences, same_facts: bool) -> None:
        """`same_facts`: those that the live one has told are read by the one that is filled."""
        known = [(family, partition) for family, of in live.items() for partition in of]
        outboxes = dict(zip(known, await self._live.outboxes(known), strict=True))
        for shard, mailbox in self._shards.mailboxes.items():
            family = mailbox.shard.family.name
            of = live.get(family, {})
            told, same = self._told.setdefault(shard, Told()), of.get(shard.partition)
            if same_facts and same is not None and same.log_id == mailbox.shard.fence.log_id:
                told.look(mailbox, same, outboxes[family, shard.partition])
            elif of and all(fence.told == fence.noticed for fence in of.values()):
                told.look_of_copy(mailbox, min(fence.clock for fence in of.values()))
        self._shards.crowded = frozenset(
            shard for shard, mailbox in self._shards.mailboxes.items() if crowded(mailbox)
        )

    def _say(self) -> None:
        ours = [
            (mailbox.shard.fence.offset, self._shards.end_offset(shard))
            for shard, mailbox in self._shards.mailboxes.items()
        ]
        said = self._progress.said(sum(read for read, _ in ours), sum(max(one) for one in ours))
        if said is not None:
            log.info("generation %d: %s", self._filling.number, said)


class Progress:
    """How far it is, at what rate, and how long it takes yet; said now and then."""

    def __init__(self) -> None:
        self._begin: tuple[float, int] | None = None
        self._said_s = time.monotonic()

    def said(self, read: int, total: int) -> str | None:
        """The line, when it is time for one."""
        now_s = time.monotonic()
        began_s, first = self._begin = self._begin or (now_s, read)
        if now_s - self._said_s < SAY_S:
            return None
        self._said_s = now_s
        rate = (read - first) / (now_s - began_s)
        left = f", about {(total - read) / rate:,.0f} s left" if rate and total > read else ""
        return f"{read:,} of {total:,} records, {rate:,.0f} a second{left}"


def logs(fences: Fences) -> set[str]:
    """The ids of the logs of these shards."""
    return {fence.log_id for of in fences.values() for fence in of.values() if fence.log_id}


def caught_up(fences: Fences, live_before: Fences, now_ms: int) -> bool:
    """Whether every shard has been at the end of its log lately, and has all that the live one had at the
    look before."""
    for family in COUNTED:
        if not fences.get(family):
            return False
        for partition, fence in fences[family].items():
            live = live_before.get(family, {}).get(partition)
            behind = live is not None and live.log_id == fence.log_id and live.offset > fence.offset
            if behind or not fence.commit_id or fence.fresh < now_ms - FRESH_MS:
                return False
    return True
