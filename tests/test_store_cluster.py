"""The store on a Redis Cluster of three servers: everything works, also while slots move, and all is counted
once."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from stream.config import RedisConfig, Secret
from stream.embedded.pair import Pair
from stream.shard.changes import Changes, Since
from stream.shard.image import Image
from stream.store import RedisStore, Unavailable, Unsuitable, new_commit_id
from stream.store.layout import ShardKeys
from stream.store.reports import VerifyReport
from tests.conftest import _part
from tests.rig.commits import BILLING, DAY, FINE, T0_MS, WAITING, WHOLE, everything, taken_back
from tests.rig.pipeline import counted, expected, pipeline, recent_mix
from tests.rig.redis import redis_program
from tests.rig.redis_cluster import RedisCluster
from tests.test_store_server import DOCS, use_everything

SHARDS = 6
"""So many of one family are on all three servers."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """One for all tests of this file."""
    found = re.search(r"user floorcast (on >\S+ .*)", DOCS.read_text())
    assert found
    servers = RedisCluster(tmp_path_factory.mktemp("cluster"), _part(redis_program), {"floorcast": found[1]})
    try:
        servers.start()
        yield servers
    finally:
        servers.kill9()


@pytest.fixture
async def store(cluster: RedisCluster, unique_name: str) -> AsyncIterator[RedisStore]:
    """An empty namespace in it."""
    store = RedisStore(RedisConfig(url=cluster.url(), namespace=unique_name), patience_s=10)
    yield store
    await store.close()


async def test_shards_on_all_servers(cluster: RedisCluster, store: RedisStore) -> None:
    """Commits, and what is asked of several shards at once: answers are in the order of the questions."""
    name = store.namespace
    assert len({cluster.owner(ShardKeys(name, "tickets", n).fence) for n in range(SHARDS)}) == 3
    images = [Image() for _ in range(SHARDS)]
    for number, image in enumerate(images):
        for changes in (everything(number + 1), taken_back(number + 100)):
            await store.commit("tickets", number, image.fence.commit_id, changes)
            image.apply(changes)
    for number, image in enumerate(images):
        assert await store.image("tickets", number) == image
    found = await store.read_cells("tickets", {n: [FINE] for n in range(SHARDS)}, [WHOLE])
    assert list(found) == list(range(SHARDS))
    assert all(cells[FINE] == {WHOLE: b"fine"} for cells in found.values())
    await store.write_report(VerifyReport(name="one", at_ms=T0_MS, differences=3))
    assert [report.name for report in await store.reports()] == ["one"]
    shards = [("tickets", n) for n in range(SHARDS)]
    assert (await store.memory(shards)).used > 3_000_000
    assert len(await store.waiting(shards, 2**52)) == SHARDS
    for number in range(SHARDS):
        await store.delete_shard("tickets", number)
    await store.delete_namespace()
    assert not [key for key in cluster.stored() if name.encode() in key]


async def test_the_documented_user_is_enough_for_a_cluster(cluster: RedisCluster) -> None:
    """It may ask who has which slots, and follow one that moves."""
    found = re.search(r"user floorcast on >(\S+) ", DOCS.read_text())
    assert found
    config = RedisConfig(url=cluster.url(), username="floorcast", password=Secret(found[1]))
    await use_everything(RedisStore(config))


async def test_each_server_of_a_cluster_is_checked(cluster: RedisCluster, store: RedisStore) -> None:
    """One that evicts would lose its share of the numbers; it is named."""
    last = cluster.servers[2]
    with Redis(host="127.0.0.1", port=last.port) as raw:
        raw.config_set("maxmemory-policy", "volatile-lru")
        with pytest.raises(Unsuitable, match=rf":{last.port}: its maxmemory-policy is volatile-lru"):
            await store.check_server()
        raw.config_set("maxmemory-policy", "noeviction")
    await store.check_server()


async def test_a_commit_waits_for_a_slot_that_is_half_moved(cluster: RedisCluster, store: RedisStore) -> None:
    """Some keys are here and some there: it is not written in halves, and Unavailable when that lasts. What
    one command reads of one key is found on either side. Afterwards the same commit goes through."""
    first, second = everything(), taken_back()
    await store.commit("tickets", 3, "", first)
    image = Image()
    image.apply(first)
    hasty = RedisStore(RedisConfig(url=cluster.url(), namespace=store.namespace), patience_s=0.5)
    said: list[object] = []

    async def meanwhile() -> None:
        said.append((await store.restore("tickets", 3)).fence)
        said.append(await store.image("tickets", 3))
        with pytest.raises(Unavailable, match=r"TRYAGAIN|Multiple keys"):
            await hasty.commit("tickets", 3, first.fence.commit_id, second)
        said.append(await store.image("tickets", 3))

    loop = asyncio.get_running_loop()
    key = ShardKeys(store.namespace, "tickets", 3).fence
    await asyncio.to_thread(
        cluster.move,
        key,
        lambda moved: moved == 5 and asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(60),
    )
    assert said == [first.fence, image, image]
    await store.commit("tickets", 3, first.fence.commit_id, second)
    image.apply(second)
    assert await store.image("tickets", 3) == image
    await hasty.close()


async def test_a_slot_that_moves_leaves_no_half_commit(cluster: RedisCluster, store: RedisStore) -> None:
    """Before the first key has gone, a commit that finds all of its keys is applied: also one that empties a
    level and fills it again, whose key a cluster does not let be made anew then."""
    image = Image()

    async def commits() -> None:
        for _ in range(4):
            changes = _step(image.fence.offset, image)
            await store.commit("tickets", 1, image.fence.commit_id, changes)
            image.apply(changes)

    await commits()
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(
        cluster.move,
        ShardKeys(store.namespace, "tickets", 1).fence,
        lambda moved: moved == 0 and asyncio.run_coroutine_threadsafe(commits(), loop).result(60),
    )
    await commits()
    assert await store.image("tickets", 1) == image


async def test_commits_go_on_while_their_slot_moves(cluster: RedisCluster, store: RedisStore) -> None:
    """Round all three servers: each commit is applied once and whole."""
    image, key = Image(), ShardKeys(store.namespace, "tickets", 1).fence

    def go_round() -> None:
        for _ in cluster.servers:
            cluster.move(key, lambda moved: time.sleep(0.005))

    moving = asyncio.create_task(asyncio.to_thread(go_round))
    while not moving.done() or image.fence.offset < 50:
        changes = _step(image.fence.offset, image)
        await store.commit("tickets", 1, image.fence.commit_id, changes)
        image.apply(changes)
    await moving
    assert await store.image("tickets", 1) == image


def _step(number: int, image: Image) -> Changes:
    """The next of a run of commits: whoever waits is another one each time, or the same one since later."""
    told = everything(number + 1)
    return replace(
        told,
        since_removed=list(image.since),
        since_added=[Since(WAITING, f"desk:{number // 2}", (None, "billing"), T0_MS + number)],
        cells=[
            (FINE, WHOLE, b"%d" % number),
            (FINE, BILLING, None if number % 2 else b"x"),
            (DAY, WHOLE, b"d"),
        ],
        fence=replace(told.fence, commit_id=new_commit_id()),
    )


async def test_worker_query_and_verify_while_slots_move(
    embedded_pair: Pair, cluster: RedisCluster, unique_name: str, tmp_path: Path
) -> None:
    """Under load the slots of four shards go round; the worker never stops, and every event counts once."""
    events = recent_mix(2_000)
    with pipeline(
        embedded_pair.bootstrap, cluster.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS="50"
    ) as deployment:
        await deployment.create_topics()
        worker = deployment.worker()
        await deployment.publish(events[:500])
        await deployment.until_read(500)
        sending = asyncio.create_task(deployment.publish(events[500:], 500))
        moved = 0
        while not sending.done() or moved < 4:
            shard = ("tickets", "calls")[moved % 2], moved // 2 % 2
            key = ShardKeys(unique_name, *shard).fence
            await asyncio.to_thread(cluster.move, key, lambda moved: time.sleep(0.001))
            moved += 1
        await sending
        await deployment.wait()
        verdict = await deployment.verify()
        assert verdict.same, verdict.output + deployment.told()
        assert await counted(deployment) == expected(events)
        journal = await deployment.journal()
        assert (journal["records"], journal["duplicates"]) == (len(events), 0)
        status, output = await deployment.run("query", "ticket_volume", "--window", "24h", "--by", "team")
        assert status == 0, output
        assert worker.exit_code is None, worker.output
        worker.stop()
