"""The log in place of Kafka: records stay for ever, also those that a reader cannot see any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from stream.events.partition import partition_of
from stream.shard.changes import Record
from stream.worker.ports import Partition


@dataclass
class Part:
    """One partition. Records before `start` are deleted to readers."""

    records: list[Record] = field(default_factory=list)
    came_s: list[float] = field(default_factory=list)
    """When each of them came."""
    start: int = 0

    @property
    def end(self) -> int:
        """The next record's offset."""
        return len(self.records)


class Log:
    """All topics, by name."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self.topics = {name: [Part() for _ in range(count)] for name, count in partitions.items()}

    def part(self, partition: Partition) -> Part:
        """A partition."""
        return self.topics[partition.topic][partition.partition]

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int,
        headers: tuple[tuple[str, bytes | None], ...] = (), partition: int | None = None,
    ) -> None:  # fmt: skip
        """One more record, where its key belongs if not told otherwise."""
        parts = self.topics[topic]
        part = parts[partition_of(key or b"", len(parts)) if partition is None else partition]
        part.records.append(Record(part.end, timestamp, value, headers, key))
        part.came_s.append(asyncio.get_running_loop().time())
