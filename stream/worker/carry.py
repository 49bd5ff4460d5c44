"""Where the log's beginning is gone, a rebuild begins with what the live generation holds: histories, which
are counted anew, and panes of before them (shard/carry.py)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from functools import partial

from stream.config import Config
from stream.events.instants import instant
from stream.shard.carry import AT_ONCE, CarriedShard, taken_over, told_since
from stream.shard.changes import Fence
from stream.shard.drive import drive
from stream.shard.family import COUNTED, family
from stream.store import Fenced, ImageMoved, RedisStore, StoredTopic, new_commit_id
from stream.worker.claim import WrongImage, log_id
from stream.worker.log import KafkaLog
from stream.worker.ports import Partition

log = logging.getLogger("floorcast.rebuild")

LOOK_S = 3.0
"""Between two looks at a shard that another rebuild may be counting: within that it commits."""
TRIES_MAX = 1_000
"""Tries to take a shard over between two commits of its worker."""

ShardName = tuple[str, int]
"""Family, partition."""


async def shards_to_carry(config: Config, live: RedisStore, short: Collection[str]) -> list[ShardName]:
    """The shards of these topics whose log has lost its beginning. Raises WrongImage when the live generation
    does not hold what is missing, LogUnreadable, KafkaError."""
    names = {getattr(config.kafka.topics, name): name for name in COUNTED}
    async with KafkaLog(config.kafka) as kafka_log:
        identities = await kafka_log.identities(short)
        places = [Partition(topic, n) for topic in short for n in range(identities[topic].partitions)]
        cut = [place for place, start in (await kafka_log.starts(places)).items() if start]
    fences, stored = await live.fences_of(COUNTED), await live.topics()
    found: list[ShardName] = []
    reasons: dict[str, None] = {}
    for place in cut:
        name, identity = names[place.topic], identities[place.topic]
        fence = fences[name].get(place.partition, Fence())
        same_topic = stored.get(name) == StoredTopic(place.topic, identity.partitions)
        same_log = same_topic and fence.log_id == log_id(identity)
        if reason := _why_not(fence, same_log, config.shape_hash()):
            reasons[f"{place.topic}: {reason}"] = None
        found.append((name, place.partition))
    if reasons:
        raise WrongImage("; ".join(reasons))
    return found


def _why_not(live: Fence, same_log: bool, shape: str) -> str:
    if not live.commit_id:
        return "the live generation has nothing of it"
    if not same_log:
        return "the live generation has counted another log"
    if live.shape != shape:
        return (
            "the live generation was counted with another configuration of what shapes numbers, and has kept "
            "no more of events than that one asked for"
        )
    return ""


async def carry_over(config: Config, live: RedisStore, view: RedisStore, shards: Sequence[ShardName]) -> None:
    """Returns when all of these shards of the generation `view` have what there is to carry over, counted:
    from here, or from another rebuild that shares the work. Raises WrongImage, StoreError."""
    topics = await live.topics()
    for name in dict.fromkeys(name for name, _ in shards):
        await view.write_topic(name, topics[name])  # so that it is known what to drop
    waiting = list(shards)
    seen: dict[ShardName, str] = {}
    while waiting:
        for shard in list(waiting):
            fence = await view.fence(*shard)
            if fence.commit_id and not fence.carried_ms:
                raise WrongImage(
                    f"generation {view.generation} was begun from the log alone: finish it with `floorcast "
                    f"rebuild --from-log`, or `floorcast namespaces drop {view.namespace}:{view.generation}`"
                )
            if fence.commit_id and not fence.uncounted:
                waiting.remove(shard)
            elif fence.commit_id and seen.get(shard) != fence.commit_id:
                seen[shard] = fence.commit_id  # somebody is at it, or was: the next look tells
            else:
                try:
                    await _carry(config, live, view, shard, begun=bool(fence.commit_id))
                    waiting.remove(shard)
                except Fenced:
                    log.info("%s/%d is another rebuild's", *shard)
        if waiting:
            await asyncio.sleep(LOOK_S)


async def _carry(config: Config, live: RedisStore, view: RedisStore, name: ShardName, begun: bool) -> None:
    """Takes a shard over, or claims one that was; and counts its histories, some in each commit."""
    if not begun:
        await _take_over(config, live, view, name)
    stored = await view.restore(*name)
    stored.fence = await view.claim(*name, stored.fence)
    topic = getattr(config.kafka.topics, name[0])
    shard = CarriedShard(family(name[0], config), topic, name[1], config)
    shard.restore(stored)
    histories = sorted(await view.read_states(*name))
    while left := shard.fence.uncounted:
        part = histories[len(histories) - left :][:AT_ONCE]
        try:
            await _commit(view, shard, part)
        except ValueError as error:  # msgspec's errors are, too
            raise WrongImage(
                f"{topic}/{name[1]}: this version does not read the histories that another has kept "
                f"({error}), so they cannot be carried over"
            ) from error
    log.info(
        "%s/%d: the log's beginning is gone: carried over %s histories up to offset %d, and panes before %s",
        topic, name[1], f"{len(histories):,}", stored.fence.carried_offset,
        instant(stored.fence.carried_ms).isoformat(),
        extra={"shard": f"{topic}/{name[1]}", "offset": stored.fence.carried_offset},
    )  # fmt: skip


async def _take_over(config: Config, live: RedisStore, view: RedisStore, name: ShardName) -> None:
    rules = family(name[0], config)
    for _ in range(TRIES_MAX):
        fence, panes = await live.panes(*name)
        since_ms = told_since(rules, config, fence.log_clock)
        kept = taken_over(panes, config, since_ms)
        if await view.take_over(*name, live, fence, kept, since_ms, levels=not rules.fold.removals):
            return
    raise ImageMoved(
        f"{name[0]}/{name[1]}: its worker commits without a pause: stop it until this is carried over"
    )


async def _commit(view: RedisStore, shard: CarriedShard, histories: Sequence[tuple[str, bytes]]) -> None:
    name, partition = shard.family.name, shard.partition
    changes = await drive(shard.count(histories), partial(view.load, name, partition))
    changes.fence.commit_id = new_commit_id()
    await view.commit(name, partition, shard.fence.commit_id, changes)
    shard.committed(changes.fence)
