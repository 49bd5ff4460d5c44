"""The tests' own real servers: what they keep and lose is what the tests of recovery rely on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from tests.conftest import NewRedis
from tests.rig.kafka import Kafka, kafka_libs
from tests.rig.missing import MissingPart
from tests.rig.redis import RedisServer


async def test_kafka_takes_idempotent_producers_and_makes_no_topics(kafka: Kafka, unique_name: str) -> None:
    """The real broker knows idempotent producers, and a topic that nobody created does not exist."""
    await _create_topic(kafka, unique_name)
    await _produce(kafka, unique_name, b"one")
    assert await _values(kafka, unique_name, 1) == [b"one"]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.describe_topics([f"{unique_name}-other"])
    assert f"{unique_name}-other" not in await admin.list_topics()
    await admin.close()


async def test_a_killed_kafka_comes_back_with_its_log(
    new_kafka: Callable[[], Kafka], unique_name: str
) -> None:
    """kill -9 and a clean restart keep the address and every acknowledged record."""
    server = new_kafka()
    address = server.bootstrap
    await _create_topic(server, unique_name)
    await _produce(server, unique_name, b"one")
    server.kill9()
    server.start()
    await _produce(server, unique_name, b"two")
    server.restart()
    assert server.bootstrap == address
    assert await _values(server, unique_name, 2) == [b"one", b"two"]


def test_missing_jars_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no jars is told how to get them."""
    monkeypatch.setenv("FLOORCAST_KAFKA_LIBS", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(MissingPart, match="make kafka-libs"):
        kafka_libs()


def test_redis_never_evicts(redis_server: RedisServer) -> None:
    """The shared server has the policy that floorcast requires."""
    with Redis.from_url(redis_server.url()) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_killed_redis_goes_back_to_its_snapshot(new_redis: NewRedis) -> None:
    """With `save`, kill -9 loses what came after SAVE, and a clean restart loses nothing."""
    server = new_redis(save=True)
    with Redis.from_url(server.url()) as client:
        client.set("number", 1)
        client.save()
        client.set("number", 2)
        server.kill9()
        server.start()
        assert client.get("number") == b"1"
        client.set("number", 3)
        server.restart()
        assert client.get("number") == b"3"


def test_a_redis_without_snapshots_starts_empty(new_redis: NewRedis) -> None:
    """Without `save`, a restart has lost everything."""
    server = new_redis()
    with Redis.from_url(server.url()) as client:
        client.set("number", 1)
        server.restart()
        assert client.get("number") is None


def test_passwords_and_acl_users(new_redis: NewRedis) -> None:
    """The default user needs the password; another user may do what its rules allow."""
    server = new_redis(password="default-secret", users={"floorcast": "on >user-secret ~live:* +@all"})
    with Redis.from_url(server.url()) as client, pytest.raises(AuthenticationError):
        client.ping()
    with Redis.from_url(server.url(), username="floorcast", password="user-secret") as client:
        client.set("live:number", 1)
        with pytest.raises(NoPermissionError):
            client.set("other:number", 1)


async def _create_topic(kafka: Kafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()


async def _produce(kafka: Kafka, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        await producer.send_and_wait(topic, value)


async def _values(kafka: Kafka, topic: str, count: int) -> list[bytes | None]:
    """The first `count` values of the topic's only partition."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 0)
        return [(await consumer.getone()).value for _ in range(count)]
