"""What the core of the worker and its transport promise each other. Nothing here knows Faust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from stream.shard.changes import LogRecord


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One partition of one topic: one shard."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Position(NamedTuple):
    """How far a partition is read, against what its last answered fetch said.

    `next_offset`: everything below it went through `Handler.batch` (or was a marker or compacted away).
    `end_offset`: the log's last stable offset when the fetch was answered: read to its end when `next_offset`
    is there.
    `answered_ms`: wall time of that answer, Unix milliseconds. Empty answers count, errors do not.
    """

    next_offset: int
    end_offset: int
    answered_ms: int


class WorkerFailed(Exception):
    """The worker cannot go on; `reason` says why. A restart begins again at the handler's offsets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Handler(Protocol):
    """The core behind the transport. All methods are called on the loop that runs the worker.

    Any exception of any method stops the worker with its message as the reason.
    """

    async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        """Claim the shards; returns for each the offset to start from (0 = the start of the log).

        Called at every rebalance with all that this worker now has, after `revoked` for all that it had.
        Idempotent: another rebalance may cancel it midway and call `revoked`, then it again.
        """
        ...

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        """Finish what is under way and forget the shards.

        Called before the group may go on, and at every end. No `batch` runs then and none follows before the
        next `assigned`. One that takes too long is cancelled, and ends the worker.
        """
        ...

    async def batch(self, partition: Partition, records: list[LogRecord]) -> None:
        """Take the records, in offset order; returns when its next batch may come (back-pressure).

        One call at a time for a partition; several partitions may wait at once without holding up each other.
        A call still waiting when the partition is revoked is cancelled; its records go to the next owner.
        """
        ...

    def committed(self) -> dict[Partition, int]:
        """Next offsets that are in Redis: copied to Kafka for lag monitors, never read back."""
        ...


class Transport(Protocol):
    """What the core may ask of the transport while it runs."""

    def position(self, partition: Partition) -> Position | None:
        """See Position; None while the partition is not assigned or no fetch of it was answered yet."""
        ...

    def assignment(self) -> frozenset[Partition]:
        """The partitions claimed and positioned now; empty between `revoked` and the end of `assigned`."""
        ...
