"""A real Apache Kafka and a real Redis, set up as docs/redis.md recommends, and deployments on them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.events import Log
from bench.machine import Cores
from stream.config import Config, parse
from stream.config.connections import TopicNames
from stream.embedded.redis import SMALL_HASHES
from stream.shard.family import INPUTS
from stream.sources.publish import Publisher
from stream.sources.topics import PARTITIONS, create_topics, topic_names
from tests.rig.kafka import Kafka, kafka_libs
from tests.rig.redis import RedisServer, redis_program

TOPICS = TopicNames.__struct_fields__
TOLD = frozenset({"contacts", "sla", "alerts", "acknowledgements", "config", "deadletters"})
"""Of them, those that workers and dispatchers write."""

SHARDS = [(family, partition) for family in INPUTS for partition in range(PARTITIONS)]


@dataclass(frozen=True, slots=True)
class Servers:
    """What everything is measured against; `directory` is for configurations and the output of processes."""

    bootstrap: str
    redis_url: str
    directory: Path


@dataclass(frozen=True, slots=True)
class Deployment:
    """A configuration, as defaults are but for names and addresses, and the file that has it."""

    name: str
    config: Config
    path: Path

    def topics(self) -> list[str]:
        """The topics that are counted."""
        names = topic_names(self.config.kafka)
        return [names[family] for family in INPUTS]


@contextmanager
def servers(cores: Cores) -> Iterator[Servers]:
    """Started on the cores that workers leave, where this process goes as well, and ended with the context.

    Raises MissingPart when a program is not there.
    """
    libs, program = kafka_libs(), redis_program()
    os.sched_setaffinity(0, cores.others)  # before they start: children have their parent's
    with ExitStack() as cleanup:
        directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="floorcast-bench-")))
        for part in ("kafka", "redis", "work"):
            (directory / part).mkdir()
        kafka = Kafka(directory / "kafka", libs, options=())
        redis = RedisServer(directory / "redis", program, settings=SMALL_HASHES)
        cleanup.callback(kafka.kill9)
        cleanup.callback(redis.kill9)
        kafka.start()
        redis.start()
        yield Servers(kafka.bootstrap, redis.url(), directory / "work")


def deployment(
    at: Servers, name: str, topics_of: str | None = None, settings: dict[str, object] | None = None
) -> Deployment:
    """Group, namespace and topics of this name. `topics_of`: the deployment whose events it reads instead;
    what its workers tell, the facts about contacts too, stays apart. `settings`: further keys of the
    configuration."""
    prefixes = {family: name if family in TOLD else topics_of or name for family in TOPICS}
    document: dict[str, object] = {
        "kafka": {
            "bootstrap": at.bootstrap,
            "group": name,
            "topics": {family: f"{prefix}.{family}" for family, prefix in prefixes.items()},
        },
        "redis": {"url": at.redis_url, "namespace": name},
        **(settings or {}),
    }
    path = at.directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return Deployment(name, parse(document), path)


async def fill(into: Deployment, log: Log) -> None:
    """Creates the topics, as `floorcast topics create` does, and publishes; with the events' times."""
    await create_topics(into.config, PARTITIONS)
    names = topic_names(into.config.kafka)
    async with Publisher(into.config.kafka) as publisher:
        for event in log.events:
            await publisher.publish(names[event.family], event.key, event.value, event.at_ms)
