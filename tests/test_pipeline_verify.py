"""`floorcast verify` says different when one thing in Redis is altered by hand, and names it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from stream.metrics.measures import CALLS_WAITING
from stream.store.layout import ShardKeys
from tests.rig.kafka import Kafka
from tests.rig.pipeline import pipeline, recent_mix
from tests.rig.redis import RedisServer

Alter = Callable[[Any, ShardKeys, list[bytes]], Awaitable[tuple[bytes, str]]]
"""Changes one thing of a shard whose index is given: the key changed, and what the verdict must name."""


async def another_value(redis: Any, key: bytes) -> None:
    """Gives one field of a hash the value of another: readable, but wrong."""
    fields = await redis.hgetall(key)
    changed, value = next(iter(fields.items()))
    await redis.hset(key, changed, next(other for other in fields.values() if other != value))


def first(index: list[bytes], kind: bytes) -> bytes:
    """A name of a kind in a shard's index."""
    return next(name for name in sorted(index) if name.startswith(kind))


async def a_cell(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """One packed value of a pane."""
    key = keys.named(first(index, b"cells:10s:"))
    await another_value(redis, key)
    return key, "1 cells"


async def a_cell_beyond_reading(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """Bytes that mean nothing."""
    key = keys.named(first(index, b"cells:10s:"))
    await redis.hset(key, (await redis.hkeys(key))[0], b"\xc1\xff")
    return key, "1 cells"


async def a_missing_cell(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """One group less in a pane of 1 min."""
    key = keys.named(first(index, b"cells:1m:"))
    await redis.hdel(key, (await redis.hkeys(key))[0])
    return key, "1 cells"


async def a_level(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """One live value."""
    await another_value(redis, keys.levels)
    return keys.levels, "1 levels"


async def a_state(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """One call has the history of another."""
    await another_value(redis, keys.states)
    return keys.states, "1 states"


async def a_timer(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """A millisecond later."""
    await redis.zincrby(keys.timers, 1, (await redis.zrange(keys.timers, 0, 0))[0])
    return keys.timers, "1 timers"


async def a_since(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """Somebody who does not wait any more."""
    key = keys.since(CALLS_WAITING)
    await redis.zrem(key, (await redis.zrange(key, 0, 0))[0])
    return key, "1 since"


async def a_drop(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """A stranger among those who are to be forgotten that day."""
    key = keys.named(first(index, b"drop:"))
    await redis.append(key, b"\x00\x14a stranger")
    return key, "1 drops"


async def an_outbox_entry(redis: Any, keys: ShardKeys, index: list[bytes]) -> tuple[bytes, str]:
    """A letter of nobody."""
    await redis.hset(keys.outbox, "7", b"letter")
    return keys.outbox, "1 outbox"


ALTERATIONS: list[Alter] = [
    a_cell, a_cell_beyond_reading, a_missing_cell, a_level, a_state, a_timer, a_since, a_drop,
    an_outbox_entry,
]  # fmt: skip


async def test_verify_finds_what_was_altered_by_hand(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """One thing of each kind, one after the other: exit status 1, and it is named. Undone, all is equal."""
    with pipeline(kafka.bootstrap, redis_server.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics(partitions=1)
        await deployment.publish(recent_mix(2_000))
        worker = deployment.worker()
        await deployment.wait()
        worker.stop()
        keys = ShardKeys(unique_name, "calls", 0)
        redis: Any  # redis-py's types do not tell bytes from text
        async with Redis.from_url(redis_server.url()) as redis:
            index = list(await redis.smembers(keys.index))
            assert (await deployment.verify()).same
            ours = [key async for key in redis.scan_iter(f"floorcast:4:{unique_name}:*")]
            before = {key: await redis.dump(key) for key in ours}
            for alter in ALTERATIONS:
                key, named = await alter(redis, keys, index)
                verdict = await deployment.verify()
                assert verdict.status == 1, alter.__name__
                assert f"DIFFERENT: {named}\n" in verdict.output, verdict.output
                assert f"{unique_name}.calls/0: {named.removeprefix('1 ')} " in verdict.output
                await redis.delete(key)
                if key in before:
                    await redis.restore(key, 0, before[key])
        assert (await deployment.verify()).same
