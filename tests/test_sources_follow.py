"""Following a topic: the latest of everything."""

import asyncio

from stream.sources.broker import BrokerError
from stream.sources.follow import Follower
from stream.sources.publish import Publisher
from stream.sources.topics import create_topics
from tests.rig.kafka import Kafka
from tests.rig.pipeline import PATIENCE_S, until
from tests.test_sources_kafka import config_for


async def test_the_latest_of_everything(kafka: Kafka, unique_name: str) -> None:
    """Of each key the value written last, also while the topic goes on; while Kafka does not answer, none."""
    config = config_for(kafka.bootstrap, unique_name)
    await create_topics(config, partitions=2)
    topic = config.kafka.topics.acknowledgements
    follower = Follower(config.kafka, topic)
    running = asyncio.create_task(follower.run())
    try:
        async with Publisher(config.kafka) as publisher:
            for key, value in ((b"T1", b"first"), (b"T1", b"second"), (b"T2", b"other")):
                await publisher.publish(topic, key, value)
        await until(lambda: follower.changes == 3)
        assert sorted(await follower.values()) == [b"other", b"second"]
        assert (follower.latest(b"T1"), follower.latest(b"T3"), follower.changes) == (b"second", None, 3)
        with kafka.frozen():
            await told(follower, "has not answered")
        await told(follower, None)  # it is back, and that is noticed
        assert sorted(await follower.values()) == [b"other", b"second"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def told(follower: Follower, fault: str | None) -> None:
    """Waits until it has values; with `fault`: none, for that reason."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await follower.values()
                found = None
            except BrokerError as error:
                found = str(error)
            if found == fault or (found and fault and fault in found):
                return
            await asyncio.sleep(0.1)
