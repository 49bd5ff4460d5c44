"""The topic of versions on real brokers: Apache Kafka and the embedded one."""

from __future__ import annotations

import asyncio
import time

import pytest

from stream.config import Config, parse
from stream.config.history import next_version
from stream.sources.topics import create_topics
from stream.sources.versions import publish_version, read_versions
from tests.test_sources_kafka import config_for


@pytest.fixture(params=["kafka", "embedded_pair"])
def config(request: pytest.FixtureRequest, unique_name: str) -> Config:
    """A deployment on each of the brokers."""
    return config_for(request.getfixturevalue(request.param).bootstrap, unique_name)


async def test_what_is_published_is_read_by_everybody_and_at_once_the_first_counts(config: Config) -> None:
    """Whichever of two was first, both publishers learn the same of it, and go on from there."""
    await create_topics(config, partitions=1)
    assert await read_versions(config.kafka) == ()
    one, two, three = (
        parse({"policies": [{"name": "all", "targets": {"first_reply": target}}]})
        for target in ("1h", "2h", "3h")
    )
    now_ms = time.time_ns() // 1_000_000
    offered = [next_version(one, (), now_ms), next_version(two, (), now_ms)]
    await asyncio.gather(*(publish_version(config.kafka, version) for version in offered))
    history = await read_versions(config.kafka)
    assert len(history) == 1
    assert history[0] in offered
    third = next_version(three, history, now_ms)
    assert await publish_version(config.kafka, third) == (*history, third)
