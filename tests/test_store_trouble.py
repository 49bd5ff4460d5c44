"""Lost answers, restarts, silence: no commit is applied twice or half, and its end is known or said."""

import asyncio
import os
import signal

import pytest
from redis import Redis

from stream.config import RedisConfig
from stream.shard.changes import Needs
from stream.shard.image import Image
from stream.store import Fenced, RedisStore, StoredTopic, Unavailable
from tests.conftest import NewRedis
from tests.rig.commits import everything, taken_back
from tests.rig.proxy import proxy_to
from tests.rig.redis import RedisServer

SHARD = ("tickets", 3)


async def test_a_commit_whose_answer_is_lost_is_applied_once(
    redis_server: RedisServer, unique_name: str
) -> None:
    """The line breaks after Redis did it: sent again, it is recognised, and the next commit fits on it."""
    async with proxy_to(redis_server.port) as line:
        store = RedisStore(RedisConfig(url=f"redis://127.0.0.1:{line.port}/0", namespace=unique_name))
        expected = Image()
        for changes in (everything(), taken_back()):
            line.cut_after(b"EVALSHA")
            await store.commit(*SHARD, expected.fence.commit_id, changes)
            expected.apply(changes)
            assert await store.image(*SHARD) == expected
        assert line.cuts == 2
        await store.close()


async def test_a_commit_that_never_arrived_is_sent_again(redis_server: RedisServer, unique_name: str) -> None:
    """The line breaks before Redis sees it: the second try applies it."""
    async with proxy_to(redis_server.port) as line:
        store = RedisStore(RedisConfig(url=f"redis://127.0.0.1:{line.port}/0", namespace=unique_name))
        line.cut_before(b"EVALSHA")
        await store.commit(*SHARD, "", changes := everything())
        assert line.cuts == 1
        assert (await store.image(*SHARD)).fence == changes.fence
        await store.close()


async def test_a_lost_commit_does_not_pass_an_owner_that_came_meanwhile(
    redis_server: RedisServer, unique_name: str
) -> None:
    """When somebody claimed the shard before the second try, that is refused and nothing of it written."""
    config = RedisConfig(url=redis_server.url(), namespace=unique_name)
    other = RedisStore(config)
    async with proxy_to(redis_server.port) as line:
        store = RedisStore(RedisConfig(url=f"redis://127.0.0.1:{line.port}/0", namespace=unique_name))
        await store.commit(*SHARD, "", first := everything())
        line.cut_before(b"EVALSHA", stay_down=True)
        commit = asyncio.create_task(store.commit(*SHARD, first.fence.commit_id, taken_back()))
        await line.wait_for_cut()
        claimed = await other.claim(*SHARD, first.fence)
        line.mend()
        with pytest.raises(Fenced) as refused:
            await commit
        assert refused.value.current == claimed.commit_id
        assert (await store.image(*SHARD)).states == everything().states
        await store.close()
    await other.close()


async def test_reading_goes_on_over_a_broken_line(redis_server: RedisServer, unique_name: str) -> None:
    """What only reads is asked again."""
    async with proxy_to(redis_server.port) as line:
        store = RedisStore(RedisConfig(url=f"redis://127.0.0.1:{line.port}/0", namespace=unique_name))
        await store.commit(*SHARD, "", everything())
        line.cut_before(b"HGETALL")
        assert (await store.restore(*SHARD)).fence.offset == 7
        line.cut_after(b"HMGET")
        assert list((await store.load(*SHARD, Needs(states=["desk:2", "desk:9"]))).states) == ["desk:2"]
        assert line.cuts == 2
        await store.close()


async def test_a_restart_is_waited_out(new_redis: NewRedis) -> None:
    """A commit during a clean restart, with a snapshot, is applied when Redis is back."""
    server = new_redis(save=True)
    store = RedisStore(RedisConfig(url=server.url()))
    await store.commit(*SHARD, "", first := everything())
    server.stop()
    commit = asyncio.create_task(store.commit(*SHARD, first.fence.commit_id, second := taken_back()))
    await asyncio.sleep(0.1)
    server.start()
    await commit
    assert (await store.image(*SHARD)).fence == second.fence
    await store.close()


async def test_a_redis_that_lost_its_last_second_refuses_the_owner(new_redis: NewRedis) -> None:
    """After a crash the snapshot is an earlier commit: the owner is told, and can go on from there."""
    server = new_redis(save=True)
    store = RedisStore(RedisConfig(url=server.url()))
    await store.commit(*SHARD, "", saved := everything())
    with Redis.from_url(server.url()) as raw:
        raw.save()
    await store.commit(*SHARD, saved.fence.commit_id, lost := taken_back())
    server.kill9()
    server.start()
    next_one = everything(offset=9)
    with pytest.raises(Fenced) as refused:
        await store.commit(*SHARD, lost.fence.commit_id, next_one)
    assert refused.value.current == saved.fence.commit_id
    restored = await store.restore(*SHARD)
    assert restored.fence == saved.fence
    await store.claim(*SHARD, restored.fence)
    await store.close()


async def test_a_redis_that_lost_everything_refuses_the_owner(new_redis: NewRedis) -> None:
    """Without a snapshot nothing is left: the owner is told, and starts at the beginning of the log."""
    server = new_redis()
    store = RedisStore(RedisConfig(url=server.url()))
    await store.commit(*SHARD, "", first := everything())
    server.kill9()
    server.start()
    with pytest.raises(Fenced, match=r"\(none\)"):
        await store.commit(*SHARD, first.fence.commit_id, taken_back())
    assert await store.restore(*SHARD) == Image().restored()
    await store.close()


async def test_an_end_to_patience(new_redis: NewRedis) -> None:
    """A Redis that stays away is an error that says where and how long, for reading and for writing."""
    server = new_redis()
    server.stop()
    store = RedisStore(RedisConfig(url=server.url()), patience_s=0.3)
    where = rf"redis://127\.0\.0\.1:{server.port}/0: no usable answer for 0\.3 s"
    with pytest.raises(Unavailable, match=where):
        await store.commit(*SHARD, "", everything())
    with pytest.raises(Unavailable, match=where):
        await store.restore(*SHARD)
    await store.close()


async def test_a_silent_redis_is_not_waited_for_without_end(new_redis: NewRedis) -> None:
    """One that takes connections but answers nothing ends patience too; later the store works again."""
    server = new_redis()
    store = RedisStore(RedisConfig(url=server.url()), patience_s=0.3)
    await store.commit(*SHARD, "", first := everything())
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await store.commit(*SHARD, first.fence.commit_id, silent := taken_back())
    finally:
        os.kill(server.pid, signal.SIGCONT)
    # Redis finds the commit in its socket when it wakes: whether it was applied was not known.
    assert (await store.restore(*SHARD)).fence in (first.fence, silent.fence)
    await store.close()


async def test_a_cancelled_commit_does_not_spoil_the_connection(store: RedisStore) -> None:
    """What is asked after a cancellation gets its own answer, never the one of the cancelled call."""
    await store.write_topic("tickets", topic := StoredTopic("support.tickets", 4))
    await store.commit("calls", 0, "", other := everything())
    for step in range(30):
        commit = asyncio.create_task(store.commit(*SHARD, "", everything(step)))
        for _ in range(step):
            await asyncio.sleep(0)
        commit.cancel()
        await asyncio.wait([commit])
        assert await store.topics() == {"tickets": topic}
        assert (await store.restore("calls", 0)).fence == other.fence


async def test_shards_commit_side_by_side(store: RedisStore) -> None:
    """Many shards of one worker use the store at once, each with its own fence."""
    shards = [(family, partition) for family in ("tickets", "calls") for partition in range(12)]
    current = dict.fromkeys(shards, "")
    for offset in range(5):
        steps = {shard: everything(offset) for shard in shards}
        await asyncio.gather(*(store.commit(*shard, current[shard], steps[shard]) for shard in shards))
        current = {shard: steps[shard].fence.commit_id for shard in shards}
    for shard in shards:
        assert (await store.restore(*shard)).fence.commit_id == current[shard]
