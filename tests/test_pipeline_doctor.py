"""`floorcast doctor` on the real servers: what is wrong is found, what is away is said, secrets are not."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from redis.asyncio import Redis

from stream.embedded.probe import HOST, free_ports
from stream.store.reports import WorkerReport
from tests.conftest import NewRedis
from tests.rig.kafka import Kafka
from tests.rig.pipeline import Pipeline, pipeline, recent_mix
from tests.rig.redis import RedisServer

PASSWORD = "hunter2-hunter2"


@pytest.fixture
def server(new_redis: NewRedis) -> RedisServer:
    """A Redis that this test may set up as badly as it likes."""
    return new_redis(save=True, password=PASSWORD)


@pytest.fixture
def deployment(kafka: Kafka, server: RedisServer, unique_name: str, tmp_path: Path) -> Iterator[Pipeline]:
    """On the real servers, with a destination of alerts whose secret cannot be read."""
    file = tmp_path / "floorcast.yaml"
    file.write_text(
        f"redis: {{password: {PASSWORD}}}\n"
        f"alerts: {{destinations: {{ops: {{kind: pagerduty, routing_key_file: {tmp_path}/none}}}}}}\n"
    )
    with pipeline(kafka.bootstrap, server.url(), unique_name, tmp_path, CONFIG=str(file)) as one:
        yield one


async def found(deployment: Pipeline, *levels: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and findings of these levels. What is not well says what to do, and where that stands."""
    status, output = await deployment.run("doctor", "--json")
    assert PASSWORD not in output
    told = json.loads(output)
    assert all(one["todo"] and "#" in one["runbook"] for one in told if one["level"] != "ok")
    return status, [one for one in told if one["level"] in levels]


def said(told: list[dict[str, Any]], *parts: str) -> bool:
    """Whether one finding has all these parts in what it says."""
    return any(all(part in one["what"] for part in parts) for one in told)


async def reported(deployment: Pipeline, shards: int) -> None:
    """Returns when a worker has said that it has so many shards: it does so every few seconds."""
    async with deployment.store() as store, asyncio.timeout(60):
        while not any(
            isinstance(one, WorkerReport) and len(one.lag) == shards for one in await store.reports()
        ):
            await asyncio.sleep(0.2)


async def alter(deployment: Pipeline, topic: str, **settings: str) -> None:
    """Gives a topic these settings alone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.config.kafka.bootstrap)
    await admin.start()
    try:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=named)])
    finally:
        await admin.close()


async def test_the_doctor_finds_what_is_wrong(deployment: Pipeline, server: RedisServer) -> None:
    """Before topics are there; at work; with each thing spoilt; and with either server away."""
    status, told = await found(deployment, "problem")
    assert status == 2
    assert said(told, "there is no topic", deployment.config.kafka.topics.tickets)
    assert said(told, "routing_key_file", "none: no such file")

    await deployment.create_topics()
    await deployment.publish(recent_mix(400))
    worker = deployment.worker()
    await deployment.wait()
    await reported(deployment, shards=12)
    status, told = await found(deployment, "ok", "warning", "problem")
    assert [one["what"] for one in told if one["area"] != "alerts" and one["level"] != "ok"] == []
    assert said(told, "12 shards are the image of this log and this configuration, format 4")
    assert said(told, f":{worker.pid} has 12 shards: agents/0, agents/1, calls/0")
    assert said(told, "all have read to the end within", ", 0 records behind")
    assert said(told, "this user may run what workers and readers need")
    assert said(told, "topics have the timestamps and the retention that numbers need")
    assert said(told, "this user may read and write what floorcast needs")

    worker.stop()
    topics = deployment.config.kafka.topics
    await alter(deployment, topics.tickets, retention_ms="86400000", message_timestamp_type="LogAppendTime")
    async with Redis.from_url(server.url(), password=PASSWORD) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("save", "")
        await redis.config_set("maxmemory", str(2**21))
        await redis.acl_setuser(
            "default", commands=["-zadd", "-zcount"], nopass=False, reset=False, enabled=True
        )
    async with AIOKafkaProducer(bootstrap_servers=deployment.config.kafka.bootstrap) as producer:
        await producer.send_and_wait(
            topics.calls, b"{}", key=b"x", timestamp_ms=int(time.time() * 1000) + 240_000
        )
    status, told = await found(deployment, "warning", "problem")
    assert status == 2
    assert said(told, topics.tickets, "retention.ms keeps 1d, and a rebuild needs it for 408d")
    assert said(told, topics.tickets, "message.timestamp.type is LogAppendTime, not CreateTime")
    assert said(told, topics.tickets, "message.timestamp.after.max.ms lets a record be")
    assert said(told, "maxmemory-policy is allkeys-lru")
    assert said(told, "keeps no snapshots")
    assert said(told, "% of maxmemory")
    assert said(told, "may not run ZCOUNT")
    assert said(told, "the newest record of", topics.calls)
    assert said(told, "no dispatcher of alerts reports")
    status, output = await deployment.run("doctor")
    assert status == 2
    assert "set retention.ms=" in output
    assert "docs/runbooks.md#redissettings" in output
    assert PASSWORD not in output


async def test_one_that_is_away_hides_nothing_of_the_other(deployment: Pipeline, server: RedisServer) -> None:
    """And another configuration than the workers' is found before a worker is started with it."""
    await deployment.create_topics()
    worker = deployment.worker()
    await deployment.wait()
    worker.stop()
    (port,) = free_ports(1)
    deployment.settings["FLOORCAST_HORIZON"] = "9d"
    deployment.settings["FLOORCAST_KAFKA_BOOTSTRAP"] = f"{HOST}:{port}"
    status, told = await found(deployment, "ok", "problem")
    assert status == 2
    assert said(told, f"cannot use Kafka at {HOST}:{port}")
    assert said(told, "was written with another configuration of what shapes numbers")
    assert said(told, "maxmemory-policy is noeviction")
    server.kill9()
    deployment.settings["FLOORCAST_KAFKA_BOOTSTRAP"] = deployment.config.kafka.bootstrap
    status, told = await found(deployment, "ok", "problem")
    assert status == 2
    assert said(told, f"Redis at redis://{HOST}:{server.port}/0: no usable answer")
    assert said(told, "all topics exist")
