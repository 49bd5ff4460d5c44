"""What the broker tells about a log, so that another one under the same name is noticed."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from stream.config import KafkaConfig
from stream.embedded.pair import Pair
from stream.worker.log import KafkaLog, LogIdentity, LogUnreadable, log_identities
from stream.worker.ports import Partition
from tests.rig.kafka import Kafka
from tests.rig.worker import PATIENCE_S, create_topic, fill


async def identity(bootstrap: str, topic: str) -> LogIdentity:
    """The identity of one topic."""
    return (await log_identities(KafkaConfig(bootstrap=bootstrap), [topic]))[topic]


async def another(bootstrap: str, topic: str, before: LogIdentity) -> LogIdentity:
    """The identity after this one: the broker learns of a change a little later than the controller."""
    async with asyncio.timeout(PATIENCE_S):
        while (after := await identity(bootstrap, topic)) == before:
            await asyncio.sleep(0.1)
    return after


async def test_a_topic_made_anew_has_another_identity(kafka: Kafka, unique_name: str) -> None:
    """The same name and as many partitions, but another topic id."""
    await create_topic(kafka.bootstrap, unique_name, partitions=2)
    before = await identity(kafka.bootstrap, unique_name)
    assert before == await identity(kafka.bootstrap, unique_name)
    assert before.cluster_id
    assert before.topic_id
    assert before.partitions == 2
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_topics([unique_name])
    await admin.close()
    await create_topic(kafka.bootstrap, unique_name, partitions=2)
    after = await another(kafka.bootstrap, unique_name, before)
    assert after.topic_id != before.topic_id
    assert replace(after, topic_id=before.topic_id) == before


async def test_a_topic_that_grew_shows_its_partitions(kafka: Kafka, unique_name: str) -> None:
    """It is the same topic, but keys are elsewhere now."""
    await create_topic(kafka.bootstrap, unique_name, partitions=2)
    before = await identity(kafka.bootstrap, unique_name)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_partitions({unique_name: NewPartitions(3)})
    await admin.close()
    assert await another(kafka.bootstrap, unique_name, before) == replace(before, partitions=3)


async def test_a_missing_topic_is_said_with_what_to_do(kafka: Kafka, unique_name: str) -> None:
    """And asking does not create it."""
    for _ in range(2):
        with pytest.raises(LogUnreadable, match=f"topic {unique_name}: .*floorcast topics create"):
            await identity(kafka.bootstrap, unique_name)


async def test_the_start_of_a_log_moves_with_retention(kafka: Kafka, unique_name: str) -> None:
    """By partition."""
    await fill(kafka.bootstrap, unique_name, partitions=2, records=10)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(unique_name, 1): RecordsToDelete(before_offset=4)})
    await admin.close()
    shards = [Partition(unique_name, 0), Partition(unique_name, 1)]
    async with KafkaLog(KafkaConfig(bootstrap=kafka.bootstrap)) as log:
        assert await log.starts(shards) == {shards[0]: 0, shards[1]: 4}


async def test_the_embedded_broker_tells_too(embedded_pair: Pair, unique_name: str) -> None:
    """Cluster and partitions, and where the log starts."""
    await fill(embedded_pair.bootstrap, unique_name, partitions=2, records=5)
    found = await identity(embedded_pair.bootstrap, unique_name)
    assert found.cluster_id
    assert found.partitions == 2
    async with KafkaLog(KafkaConfig(bootstrap=embedded_pair.bootstrap)) as log:
        assert await log.starts([Partition(unique_name, 1)]) == {Partition(unique_name, 1): 0}
