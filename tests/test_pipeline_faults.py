"""The whole pipeline on real servers, hurt at random moments: afterwards Redis is the image of the log."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from stream.embedded.pair import start_pair
from stream.shard.family import COUNTED
from stream.sources.versions import VersionsTopic
from tests.conftest import NewRedis
from tests.rig.kafka import Kafka
from tests.rig.pipeline import (
    Pipeline,
    Process,
    Told,
    a_moment,
    counted,
    expected,
    pipeline,
    recent_mix,
    until,
)
from tests.rig.redis import RedisServer

SMALL_BATCHES = "50"
"""Records a commit: many commits, so that a fault meets one."""


async def whole(deployment: Pipeline, events: list[Told]) -> None:
    """Waits until all is read; then every key is what the log says, and every event is counted once, also
    by type in the journals."""
    await deployment.wait()
    verdict = await deployment.verify()
    assert verdict.same, verdict.output + deployment.told()
    assert await counted(deployment) == expected(events)
    by_type = Counter(f"applied_{event['type']}" for _, event in events)
    assert await deployment.journal() == {"records": len(events), **by_type}


async def killed(deployment: Pipeline, most_s: float) -> None:
    """Starts a worker and kills it -9 at a random moment while it reads."""
    before = await deployment.read()
    worker = deployment.worker()
    await deployment.until_read(before + 1)
    await a_moment(0.0, most_s)
    worker.kill9()


def assigned(process: Process) -> int:
    """How many partitions a worker has, as its log tells."""
    lines = re.findall(r" (assigned|released) (.*)", process.output)
    if not lines or lines[-1][0] == "released":
        return 0
    return sum(len(topic.split("/")[1].split(",")) for topic in lines[-1][1].split(", "))


async def test_kill_9_of_a_worker_again_and_again(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """In the middle of a backlog: what was half done is done again, nothing twice."""
    events = recent_mix(15_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        for _ in range(3):
            await killed(deployment, most_s=0.4)
        assert 0 < await deployment.read() < len(events)
        deployment.worker()
        await whole(deployment, events)


async def test_a_zombie_writes_nothing(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """SIGSTOP in the middle of a batch, for longer than its session; another takes over; SIGCONT: nothing
    that it had in hand gets into Redis. It joins again, by a restart or by itself."""
    events = recent_mix(15_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES
    ) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        zombie = deployment.worker()
        await deployment.until_read(1)
        await a_moment(0.0, 0.4)
        zombie.freeze()
        assert await deployment.read() < len(events)
        heir = deployment.worker()
        await until(lambda: assigned(heir) == 2 * len(COUNTED))
        await deployment.until_read(len(events))
        zombie.thaw()
        # Its batch goes on where it stood: refused by the fence, unless Kafka's refusal is heard first.
        await until(lambda: zombie.exit_code is not None or zombie.output.count(" assigned ") == 2)
        if zombie.exit_code is not None:
            assert zombie.exit_code == 1
            assert "another worker took the shard over" in zombie.output
            zombie = deployment.worker()
        await until(lambda: assigned(heir) == assigned(zombie) == len(COUNTED))
        await whole(deployment, events)


async def test_from_one_worker_to_three_and_back(
    kafka: Kafka, redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """While events come: shards change hands, numbers do not."""
    events = recent_mix(15_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES
    ) as deployment:
        await deployment.create_topics(partitions=3)
        publishing = asyncio.create_task(deployment.publish(events, per_second=1_000))
        first = deployment.worker()
        await until(lambda: assigned(first) == 3 * len(COUNTED))
        second, third = deployment.worker(), deployment.worker()
        await until(lambda: assigned(first) == assigned(second) == assigned(third) == len(COUNTED))
        await a_moment(0.0, 0.5)
        first.stop()
        third.stop()
        await until(lambda: assigned(second) == 3 * len(COUNTED))
        await publishing
        await whole(deployment, events)


async def test_kill_9_of_the_broker(
    new_kafka: Callable[[], Kafka], redis_server: RedisServer, unique_name: str, tmp_path: Path
) -> None:
    """With a producer and a worker at work; both go on when it is back."""
    kafka = new_kafka()
    events = recent_mix(10_000)
    with pipeline(
        kafka.bootstrap, redis_server.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES
    ) as deployment:
        await deployment.create_topics()
        supervisor = deployment.supervised()
        await until(lambda: " assigned " in supervisor.output)
        publishing = asyncio.create_task(deployment.publish(events, per_second=2_000))
        await deployment.until_read(1_000)
        await a_moment(0.0, 0.5)
        assert not publishing.done()
        # Who follows a topic meanwhile, and gives up, ends as usual: not in a cancellation of the library's.
        async with VersionsTopic(deployment.config.kafka) as versions:
            await versions.read()
            kafka.kill9()
            await asyncio.sleep(1.0)
        kafka.start()
        await publishing
        await whole(deployment, events)


async def sleeps(server: RedisServer) -> None:
    """Redis answers nobody for 3 s."""
    async with Redis.from_url(server.url(), socket_timeout=30) as redis:
        await redis.execute_command("DEBUG", "SLEEP", "3")  # type: ignore[no-untyped-call]


async def loses_its_last_second(server: RedisServer) -> None:
    """kill -9 a second after its last snapshot, and a restart from that."""
    async with Redis.from_url(server.url()) as redis:
        await redis.execute_command("SAVE")  # type: ignore[no-untyped-call]
    await asyncio.sleep(1.0)
    server.kill9()
    await asyncio.sleep(0.5)
    server.start()


async def is_flushed(server: RedisServer) -> None:
    """FLUSHALL."""
    async with Redis.from_url(server.url()) as redis:
        await redis.flushall()


@pytest.mark.parametrize("fault", [sleeps, loses_its_last_second, is_flushed])
async def test_redis_in_trouble(
    kafka: Kafka, new_redis: NewRedis, unique_name: str, tmp_path: Path,
    fault: Callable[[RedisServer], Awaitable[None]],
) -> None:  # fmt: skip
    """A supervised worker finds out, begins again where Redis is, and comes to the same numbers."""
    redis = new_redis(save=True)
    events = recent_mix(10_000)
    with pipeline(
        kafka.bootstrap, redis.url(), unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES
    ) as deployment:
        await deployment.create_topics()
        supervisor = deployment.supervised()
        await until(lambda: " assigned " in supervisor.output)
        publishing = asyncio.create_task(deployment.publish(events, per_second=2_000))
        await deployment.until_read(1_000)
        await a_moment(0.0, 0.5)
        assert not publishing.done()
        await fault(redis)
        await publishing
        await whole(deployment, events)
        supervisor.stop()
        restarted = "it is started again" in supervisor.output
        assert restarted == (fault is not sleeps)


async def test_a_quiet_worker_notices_that_redis_was_flushed(
    kafka: Kafka, new_redis: NewRedis, unique_name: str, tmp_path: Path
) -> None:
    """No event has to come for it: the next tick is refused."""
    redis = new_redis()
    events = recent_mix(2_000)
    with pipeline(kafka.bootstrap, redis.url(), unique_name, tmp_path) as deployment:
        await deployment.create_topics()
        await deployment.publish(events)
        deployment.supervised()
        await deployment.wait()
        await is_flushed(redis)
        await deployment.until_read(len(events))
        await whole(deployment, events)


async def test_kill_9_and_a_clean_restart_on_the_embedded_pair(unique_name: str, tmp_path: Path) -> None:
    """The same holds on Tansu and Valkey."""
    events = recent_mix(10_000)
    with (
        start_pair(tmp_path / "pair") as pair,
        pipeline(
            pair.bootstrap, pair.redis_url, unique_name, tmp_path, WORKER_BATCH_RECORDS=SMALL_BATCHES,
            DATA=str(tmp_path / "pair"),
        ) as deployment,
    ):  # fmt: skip
        await deployment.create_topics()
        await deployment.publish(events)
        await killed(deployment, most_s=0.4)
        before = await deployment.read()
        stopped = deployment.worker()
        await deployment.until_read(before + 1)
        stopped.stop()
        assert await deployment.read() < len(events)
        deployment.worker()
        await whole(deployment, events)
