"""What a worker refuses to go on from, and what it says. Exit status 3: a restart would not help."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.records_to_delete import RecordsToDelete
from redis.asyncio import Redis

from tests.conftest import NewRedis
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, pipeline, recent_mix


@asynccontextmanager
async def admin_of(deployment: Pipeline) -> AsyncIterator[AIOKafkaAdminClient]:
    """Kafka's admin."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.config.kafka.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def filled(deployment: Pipeline, count: int = 1_000) -> None:
    """Two partitions a topic, all of it counted, and the worker gone."""
    await deployment.create_topics()
    await deployment.publish(recent_mix(count))
    worker = deployment.worker()
    await deployment.wait()
    worker.stop()


async def refusal(deployment: Pipeline, **settings: str) -> str:
    """What a worker says that refuses to start. Its image is as it was."""
    before = await deployment.fences()
    worker = deployment.worker(**settings)
    assert await worker.ended() == 3, worker.output
    assert await deployment.fences() == before
    return worker.output.splitlines()[-1]


async def test_a_topic_that_was_deleted_and_created_again(deployment: Pipeline) -> None:
    """Same name, same partitions, but not the log that was counted."""
    await filled(deployment)
    topic = deployment.config.kafka.topics.calls
    async with admin_of(deployment) as admin:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():
            await asyncio.sleep(0.1)
    await deployment.create_topics()
    said = await refusal(deployment)
    assert f"{topic}/" in said
    assert "another topic of the same name (deleted and created again)" in said
    assert "`floorcast rebuild` counts this log from its start" in said


async def test_another_cluster(deployment: Pipeline) -> None:
    """The topics are there too, but the numbers are not theirs."""
    await filled(deployment)
    async with Redis.from_url(deployment.config.redis.url, decode_responses=True) as redis:
        key = f"floorcast:4:{deployment.config.redis.namespace}:{{calls:0}}:fence"
        _, topic, partitions = str(await redis.hget(key, "log_id")).split("/")
        await redis.hset(key, "log_id", f"elsewhere/{topic}/{partitions}")
    assert "the store is the image of another cluster" in await refusal(deployment)


async def test_a_topic_that_grew(deployment: Pipeline) -> None:
    """Keys have moved between partitions: a subject's history would be torn."""
    await filled(deployment)
    topic = deployment.config.kafka.topics.tickets
    async with admin_of(deployment) as admin:
        await admin.create_partitions({topic: NewPartitions(total_count=3)})
    said = await refusal(deployment)
    assert "the topic had 2 partitions and has 3 now, so subjects have moved between shards" in said


async def test_another_configuration_of_what_shapes_numbers(deployment: Pipeline) -> None:
    """Refused; what shapes no numbers may differ."""
    await filled(deployment)
    said = await refusal(deployment, FLOORCAST_HORIZON="9d")
    assert "was written with another configuration of what shapes numbers" in said
    worker = deployment.worker(FLOORCAST_WORKER_BATCH_RECORDS="7")
    await deployment.wait()
    worker.stop()


async def test_a_redis_that_evicts(
    kafka: Kafka, new_redis: NewRedis, unique_name: str, tmp_path: Path
) -> None:
    """It would lose numbers without a word."""
    server = new_redis()
    async with Redis.from_url(server.url()) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
    with pipeline(kafka.bootstrap, server.url(), unique_name, tmp_path) as deployment:
        worker = deployment.worker()
        assert await worker.ended() == 3
        assert "its maxmemory-policy is allkeys-lru, which deletes numbers" in worker.output
        assert "set `maxmemory-policy noeviction`" in worker.output


async def test_missing_topics(deployment: Pipeline) -> None:
    """The message says how to make them. They may come, so a restart may help: exit status 1."""
    worker = deployment.worker()
    assert await worker.ended() == 1
    assert "`floorcast topics create` makes missing topics" in worker.output.splitlines()[-1]


async def delete_head(deployment: Pipeline, keep: int) -> None:
    """Deletes all but the last records of the four partitions of tickets and calls, as retention would."""
    topics = deployment.config.kafka.topics
    ends = await deployment.ends()
    doomed = {
        place: RecordsToDelete(end - keep)
        for place, end in ends.items()
        if place.topic in (topics.tickets, topics.calls)
    }
    async with admin_of(deployment) as admin:
        await admin.delete_records(doomed)


async def test_records_deleted_before_they_were_read(deployment: Pipeline) -> None:
    """Retention was faster than the worker came back: counted to the offset, and said as an error."""
    first, second = recent_mix(2_000, seed=1), recent_mix(2_000, seed=2)
    await deployment.create_topics()
    await deployment.publish(first)
    worker = deployment.worker()
    await deployment.wait()
    worker.stop()
    await deployment.publish(second)
    await delete_head(deployment, keep=10)
    worker = deployment.worker()
    await deployment.wait()
    worker.stop()
    surveys = sum(family == "surveys" for family, _ in second)
    journal = await deployment.journal()
    assert journal["records"] == len(first) + 40 + surveys
    assert journal["lost_at_head"] == len(second) - 40 - surveys
    lines = [line for line in worker.output.splitlines() if "ERROR" in line]
    assert len(lines) == 4
    assert all("records were deleted by Kafka's retention before they were read" in line for line in lines)
    verdict = await deployment.verify()
    assert verdict.same
    assert verdict.output.count("what was before cannot be recomputed any more") == 4


async def test_records_deleted_from_under_a_worker(deployment: Pipeline) -> None:
    """Its place in the log is gone while it works: it ends, is started again, and what is lost is counted."""
    first, second = recent_mix(1_000, seed=1), recent_mix(3_000, seed=2)
    await deployment.create_topics()
    await deployment.publish(first)
    supervisor = deployment.supervised()
    await deployment.wait()
    (worker,) = supervisor.children()
    os.kill(worker, SIGSTOP)
    await deployment.publish(second)
    await delete_head(deployment, keep=10)
    os.kill(worker, SIGCONT)
    await deployment.wait()
    supervisor.stop()
    journal = await deployment.journal()
    assert journal["lost_at_head"] > 0
    assert journal["records"] + journal["lost_at_head"] == len(first) + len(second)
    assert "records were deleted by Kafka's retention before they were read" in supervisor.output
