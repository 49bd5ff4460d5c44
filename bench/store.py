"""What the store costs: ways to send a commit, and reading. `python -m bench.store` (needs redis-server)."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random

from msgspec import msgpack
from redis.asyncio import Redis

from stream.config import RedisConfig
from stream.metrics.panes import Pane
from stream.metrics.segments import group_name
from stream.shard.changes import Changes, Fence, Needs
from stream.store import RedisStore, new_commit_id
from stream.store.commit import SCRIPT, Operation, operations, words
from stream.store.connections import connection_pool
from stream.store.layout import ShardKeys
from tests.rig.redis import RedisServer, redis_program

ROUNDS = 60
SHARD = ("tickets", 0)
KEYS = ShardKeys("live", *SHARD)
GROUPS = [group_name(1, (f"team-{n}",)) for n in range(100)]
PANES: list[Pane] = [(2, 900_000 * n) for n in range(28 * 96)]

BLOB_LUA = """#!lua
local current = redis.call('HGET', KEYS[1], 'commit_id') or ''
if current ~= ARGV[1] then return current end
local bytes, at = ARGV[4], 1
for _, operation in ipairs(cmsgpack.unpack(ARGV[3])) do
  redis.call('TYPE', KEYS[operation[2]])
  for place = 3, #operation do
    local after = at + operation[place]
    operation[place] = bytes:sub(at, after - 1)
    at = after
  end
  redis.call(operation[1], KEYS[operation[2]], unpack(operation, 3))
end
return ARGV[2]
"""
"""All bytes in one argument, operations with lengths in another: Redis' cmsgpack reads no `bin`."""


def commit_of(entities: int, panes: list[Pane], groups: int) -> Changes:
    """A commit of so many entities of 500 B, and in each pane so many cells of 120 B."""
    random = Random(1)
    return Changes(
        states={f"zendesk:{n}": random.randbytes(500) for n in range(entities)},
        cells=[(pane, group, random.randbytes(120)) for pane in panes for group in GROUPS[:groups]],
        panes_added=panes,
        fence=Fence(commit_id=new_commit_id(), offset=5_000),
    )


async def by_arguments(redis: Redis, changes: Changes, sha: str) -> None:
    """The store's way: every value an argument. It expects the new id, so that it can be repeated."""
    call = words(KEYS, changes.fence.commit_id, changes)
    await redis.execute_command("EVALSHA", sha, *call)  # type: ignore[no-untyped-call]


async def by_blob(redis: Redis, changes: Changes, sha: str) -> None:
    """All bytes in one argument, cut up in Lua."""
    places: dict[bytes, int] = {}
    listed, parts = [], []
    for command, key, given in of_redis(changes):
        values = [value if isinstance(value, bytes) else str(value).encode() for value in given]
        listed.append([command, places.setdefault(key, len(places) + 1), *map(len, values)])
        parts += values
    fence = changes.fence.commit_id
    call = [len(places), *places, fence, fence, msgpack.encode(listed), b"".join(parts)]
    await redis.execute_command("EVALSHA", sha, *call)  # type: ignore[no-untyped-call]


def of_redis(changes: Changes) -> Iterator[Operation]:
    """The commands that Redis itself has: groups are taken to be numbered already, by their place."""
    for command, key, given in operations(KEYS, changes):
        if command != "GROUPS":
            yield {"SETCELLS": "HSET", "DELCELLS": "HDEL"}.get(command, command), key, given


async def by_transaction(redis: Redis, changes: Changes, sha: str) -> None:
    """WATCH, read the fence and the types, MULTI ... EXEC."""
    todo = list(of_redis(changes))
    async with redis.pipeline() as pipeline:
        await pipeline.watch(KEYS.fence)
        async with redis.pipeline(transaction=False) as checks:
            checks.hget(KEYS.fence, "commit_id")
            for key in {key for _, key, _ in todo}:
                checks.type(key)
            await checks.execute()
        pipeline.multi()  # type: ignore[no-untyped-call]
        for command, key, given in todo:
            pipeline.execute_command(command, key, *given)
        await pipeline.execute()


async def measured(what: str, server: RedisServer, do: Callable[[], Awaitable[object]]) -> None:
    """Prints the median wall time, and the mean CPU time of this process and of Redis, in ms a call."""
    await do()
    walls = []
    client, redis = time.process_time(), cpu_s(server.pid)
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await do()
        walls.append(time.perf_counter() - start)
    client, redis = time.process_time() - client, cpu_s(server.pid) - redis
    figures = (statistics.median(walls), client / ROUNDS, redis / ROUNDS)
    print(f"| {what:<38} | " + " | ".join(f"{1000 * figure:6.1f}" for figure in figures) + " |")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def commits(server: RedisServer, entities: int, panes: list[Pane], groups: int = 100) -> None:
    """Each way to send one commit."""
    changes = commit_of(entities, panes, groups)
    packed = Redis(connection_pool=connection_pool(RedisConfig(url=server.url())))
    plain = Redis.from_url(server.url(), protocol=2)
    await plain.hset(KEYS.fence, "commit_id", changes.fence.commit_id)
    script, blob = await plain.script_load(SCRIPT.text), await plain.script_load(BLOB_LUA)
    title = f"commit of {entities} entities, {len(changes.cells)} cells"
    print(f"| {title}, {len(panes)} panes |")
    await measured("arguments of the script", server, lambda: by_arguments(packed, changes, script))
    await measured("the same, packed by redis-py", server, lambda: by_arguments(plain, changes, script))
    await measured("one blob", server, lambda: by_blob(packed, changes, blob))
    await measured("WATCH, MULTI, EXEC", server, lambda: by_transaction(packed, changes, script))
    await packed.aclose()
    await plain.aclose()


async def reads(server: RedisServer) -> None:
    """What a batch loads, and what a reader of four weeks asks for."""
    store = RedisStore(RedisConfig(url=server.url(1)))
    changes = commit_of(5_000, PANES, 100)
    await store.commit(*SHARD, "", changes)
    needs = Needs(states=list(changes.states))
    await measured("load 5,000 entities", server, lambda: store.load(*SHARD, needs))
    await measured("one group of 28 days of 15 min panes", server, lambda: cells(store, GROUPS[:1]))
    await measured("20 groups of them", server, lambda: cells(store, GROUPS[:20]))
    await store.close()


async def cells(store: RedisStore, groups: list[bytes]) -> None:
    """Reads groups of every pane."""
    found = await store.read_cells("tickets", {0: PANES}, groups)
    assert sum(map(len, found[0].values())) == len(PANES) * len(groups)


async def main() -> None:
    """Runs everything against a Redis of its own."""
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(Path(directory), redis_program())
        server.start()
        try:
            print("| ms | wall | CPU of the client | CPU of Redis |\n|--|--|--|--|")
            await commits(server, 2_000, PANES[:20])
            await commits(server, 100, PANES[:2])
            await commits(server, 100, PANES[:500], 4)
            await reads(server)
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(main())
