"""Publishing on real brokers: Apache Kafka and the embedded one."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.partitioner import DefaultPartitioner
from msgspec.structs import replace

from stream.config import Config, KafkaConfig, TopicNames
from stream.embedded.probe import free_ports
from stream.sources.broker import BrokerError
from stream.sources.publish import Publisher
from stream.sources.topics import create_topics, topic_names, topic_settings
from tests.rig.kafka import Kafka
from tests.rig.log import read_log

LONG_AGO_MS = 915_148_800_000  # 1999-01-01


def config_for(bootstrap: str, name: str) -> Config:
    """A deployment of this test's own on a broker."""
    topics = TopicNames(**{field: f"{name}.{field}" for field in TopicNames.__struct_fields__})
    return Config(kafka=KafkaConfig(bootstrap=bootstrap, topics=topics), clock="events")


@pytest.fixture(params=["kafka", "embedded_pair"])
def config(request: pytest.FixtureRequest, unique_name: str) -> Config:
    """A deployment on each of the brokers."""
    return config_for(request.getfixturevalue(request.param).bootstrap, unique_name)


async def test_topics_are_created_once(config: Config) -> None:
    """All that floorcast reads and writes; what exists is reported and left as it is."""
    topics = config.kafka.topics
    first = await create_topics(config, partitions=3)
    assert {report.name for report in first} == {
        *topic_names(config.kafka).values(), topics.contacts, topics.acknowledgements, topics.sla,
        topics.alerts, topics.config, topics.deadletters,
    }  # fmt: skip
    assert {(report.outcome, report.note) for report in first} == {("created", "")}
    assert {report.partitions for report in first if report.name != topics.config} == {3}
    assert [report.partitions for report in first if report.name == topics.config] == [1]
    again = await create_topics(config, partitions=5)
    assert {(report.outcome, report.partitions) for report in again[:-2]} == {("exists", 3)}
    assert again[0].note == "5 were asked for; a change would move keys"


async def test_events_arrive_once_in_order_where_kafkas_partitioner_puts_them(config: Config) -> None:
    """20,000 events of 500 subjects: more than a batch of each partition, with their own timestamps."""
    await create_topics(config, partitions=3)
    topic = config.kafka.topics.tickets
    async with Publisher(config.kafka) as publisher:
        for n in range(20_000):
            await publisher.publish(
                topic, b"T%d" % (n % 500), b'{"n":%d,"%s":1}' % (n, b"x" * 300), LONG_AGO_MS + n
            )
        await publisher.flush()
        assert publisher.acknowledged == 20_000
    seen: dict[bytes, list[int]] = defaultdict(list)
    partitioner = DefaultPartitioner()
    for record in await read_log(config.kafka.bootstrap, [topic], 20_000):
        assert record.key is not None
        assert record.partition == partitioner(record.key, [0, 1, 2], [0, 1, 2])
        seen[record.key].append(record.timestamp - LONG_AGO_MS)
    assert seen == {b"T%d" % s: list(range(s, 20_000, 500)) for s in range(500)}


async def test_a_single_event_is_not_held_back(config: Config) -> None:
    """Live events go without a flush, with the timestamp of now."""
    await create_topics(config, partitions=1)
    topic = config.kafka.topics.calls
    before_ms = time.time_ns() // 1_000_000
    async with Publisher(config.kafka) as publisher:
        await publisher.publish(topic, b"K1", b"{}")
        (record,) = await read_log(config.kafka.bootstrap, [topic], 1)
    assert before_ms <= record.timestamp <= time.time_ns() // 1_000_000


async def test_an_unknown_topic_says_how_to_make_it(config: Config) -> None:
    """No topic is created by accident, with whatever the broker's defaults are."""
    async with Publisher(config.kafka) as publisher:
        with pytest.raises(BrokerError, match="run `floorcast topics create`"):
            await publisher.publish(config.kafka.topics.tickets, b"T1", b"{}")


async def test_the_producer_is_idempotent_where_the_broker_can(kafka: Kafka) -> None:
    """Apache Kafka can."""
    async with Publisher(KafkaConfig(bootstrap=kafka.bootstrap)) as publisher:
        assert publisher.idempotent


async def test_a_broker_without_idempotence_still_takes_events(request: pytest.FixtureRequest) -> None:
    """The embedded broker cannot; the publisher knows, and does without."""
    pair = request.getfixturevalue("embedded_pair")
    async with Publisher(KafkaConfig(bootstrap=pair.bootstrap)) as publisher:
        assert not publisher.idempotent


async def test_a_broker_that_is_not_there() -> None:
    """The error names the address and the keys of the configuration."""
    config = Config(kafka=KafkaConfig(bootstrap=f"127.0.0.1:{free_ports(1)[0]}"))
    with pytest.raises(BrokerError, match=r"cannot use Kafka at 127.0.0.1:\d+: .*check kafka.bootstrap"):
        async with Publisher(config.kafka):
            pass
    with pytest.raises(BrokerError, match=r"cannot use Kafka at"):
        await create_topics(config)


async def test_kafka_refuses_a_record_from_the_future(kafka: Kafka, unique_name: str) -> None:
    """One record from a wrong clock would make all that follows late; its publisher is told."""
    config = config_for(kafka.bootstrap, unique_name)
    await create_topics(config, partitions=1)
    publisher = Publisher(config.kafka)

    async def publish() -> None:
        async with publisher:
            future_ms = time.time_ns() // 1_000_000 + 600_000
            await publisher.publish(config.kafka.topics.tickets, b"T1", b"{}", future_ms)

    refused = r"did not take a batch for .*tickets, partition 0: InvalidTimestamp"
    with pytest.raises(BrokerError, match=refused):
        await publish()
    assert publisher.acknowledged == 0


@pytest.mark.parametrize(("clock", "kept_ms"), [("wall", "35251200000"), ("events", "-1")])
async def test_the_log_is_kept_as_long_as_a_rebuild_needs(
    kafka: Kafka, unique_name: str, clock: str, kept_ms: str
) -> None:
    """400 days of panes and 8 of lateness; history, whose timestamps are old, for ever."""
    config = replace(config_for(kafka.bootstrap, unique_name), clock=clock)
    await create_topics(config, partitions=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        asked = ConfigResource(ConfigResourceType.TOPIC, config.kafka.topics.tickets)
        (answer,) = await admin.describe_configs([asked])
    finally:
        await admin.close()
    settings = {setting[0]: setting[1] for setting in answer.resources[0][4]}
    assert settings["retention.ms"] == kept_ms
    assert settings["message.timestamp.type"] == "CreateTime"
    assert settings["message.timestamp.after.max.ms"] == "300000"


async def test_an_older_kafka_gets_the_topics_without_what_it_does_not_know(
    kafka: Kafka, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 3.6 it refuses message.timestamp.after.max.ms, as this one does an invented name."""
    monkeypatch.setattr("stream.sources.topics.AFTER_MAX", "message.timestamp.unheard.of")
    config = config_for(kafka.bootstrap, unique_name)
    reports = await create_topics(config, partitions=1)
    assert [report.outcome for report in reports] == ["created"] * len(topic_settings(config))
    assert reports[0].note == "without message.timestamp.unheard.of, which this broker refuses"
    assert reports[-1].note == ""


async def test_a_killed_broker_loses_and_doubles_nothing(
    new_kafka: Callable[[], Kafka], unique_name: str
) -> None:
    """kill -9 while events are under way, a restart some seconds later: each is in the log once, in order.

    Of live events: a broker that comes back forgets producers whose last records have old timestamps, so an
    import interrupted like this may be in the log twice in places (they count once).
    """
    began_ms = int(time.time() * 1000) - 60_000
    kafka = new_kafka()
    config = config_for(kafka.bootstrap, unique_name)
    await create_topics(config, partitions=2)
    topic = config.kafka.topics.tickets

    async def restart() -> None:
        kafka.kill9()
        await asyncio.sleep(1)  # the publisher tries in vain
        kafka.start()  # in this thread: a server dies with the thread that started it

    async with Publisher(config.kafka) as publisher:
        restarting = None
        for n in range(30_000):
            await publisher.publish(topic, b"T%d" % (n % 50), b"%d" % n + b" " * 300, began_ms + n)
            if n == 12_000:
                restarting = asyncio.create_task(restart())
                await asyncio.sleep(0.005)
        assert restarting is not None
        await restarting
    seen: dict[bytes, list[int]] = defaultdict(list)
    for record in await read_log(kafka.bootstrap, [topic], 30_000):
        assert record.key is not None
        seen[record.key].append(record.timestamp - began_ms)
    assert seen == {b"T%d" % s: list(range(s, 30_000, 50)) for s in range(50)}
