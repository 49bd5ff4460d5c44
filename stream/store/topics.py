"""Which shards a deployment has, so that readers know without asking Kafka."""

from __future__ import annotations

from typing import NamedTuple


class StoredTopic(NamedTuple):
    """The topic of a family, and how many partitions (so shards) it has."""

    name: str
    partitions: int


def pack_topic(topic: StoredTopic) -> str:
    """A topic as it is stored."""
    return f"{topic.partitions} {topic.name}"


def read_topic(stored: bytes) -> StoredTopic:
    """A stored topic."""
    partitions, _, name = stored.decode().partition(" ")
    return StoredTopic(name, int(partitions))
