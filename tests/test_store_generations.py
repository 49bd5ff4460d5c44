"""Generations: one pointer says which is live, and a reader's look is of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from stream.config import RedisConfig
from stream.shard.changes import Changes, Fence
from stream.store import Fenced, Generation, RedisStore, StoredTopic, new_commit_id
from tests.rig.commits import everything

SECOND = Generation(number=2, began_ms=1_000, shape="s")


async def filled(store: RedisStore, partitions: int, offset: int) -> Changes:
    """A generation with something of everything in the last shard of tickets."""
    changes = everything()
    changes.fence = replace(changes.fence, commit_id=new_commit_id(), offset=offset)
    await store.write_topic("tickets", StoredTopic("support.tickets", partitions))
    await store.commit("tickets", partitions - 1, "", changes)
    return changes


async def test_readers_go_to_what_is_swapped_in_and_a_look_stays_where_it_began(store: RedisStore) -> None:
    """Also with other partitions; the names of the first generation are those of before there were others."""
    first = await filled(store, 1, 10)
    await store.write_generation(SECOND)
    second = await filled(store.at(2), 2, 20)
    look = store.pinned()
    assert await look.fences("tickets") == {0: first.fence}
    await store.write_generation(SECOND, live=True)
    for _ in range(2):
        assert await store.fences("tickets") == {0: Fence(), 1: second.fence}
        assert await look.fences("tickets") == {0: first.fence}
        assert (await look.topics())["tickets"].partitions == 1
        assert (await store.topics())["tickets"].partitions == 2
        assert list(await store.journals("tickets")) == [0, 1]
    assert (await store.live()).generation == 2
    assert await store.pinned().fences("tickets") == await store.at(2).fences("tickets")


async def test_what_is_filled_is_known_until_it_is_live(store: RedisStore) -> None:
    """So that a rebuild that was killed goes on with it; and a new one never meets one that there is."""
    assert (await store.generations()).next_number == 2
    await store.write_generation(SECOND)
    found = await store.generations()
    assert (found.current, found.filling, found.next_number) == (1, [SECOND], 3)
    await store.write_generation(SECOND, live=True)
    await store.drop(1)
    assert (await store.generations()).next_number == 3


async def test_what_is_dropped_is_gone_and_its_writer_is_fenced(
    store: RedisStore, redis_config: RedisConfig
) -> None:
    """Nothing else is."""
    await filled(store, 1, 10)
    old = await filled(store.at(2), 1, 20)
    await store.write_generation(SECOND)
    async with Redis.from_url(redis_config.url) as redis:
        pattern = f"floorcast:4:{redis_config.namespace}:*"
        before = {key async for key in redis.scan_iter(pattern)}
        await store.drop(2)
        gone = before - {key async for key in redis.scan_iter(pattern)}
    prefix = f"floorcast:4:{redis_config.namespace}:2:".encode()
    assert gone >= {key for key in before if key.startswith(prefix)}
    assert len(gone) > 10
    assert all(key.startswith(prefix) or key.endswith(b":generations") for key in gone)
    changes = Changes(fence=replace(old.fence, commit_id=new_commit_id()))
    with pytest.raises(Fenced):
        await store.at(2).commit("tickets", 0, old.fence.commit_id, changes)
