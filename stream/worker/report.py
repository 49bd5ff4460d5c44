"""What a worker counts of its own work, for who watches it."""

from __future__ import annotations

import time
from collections.abc import Iterable

import stream
from stream.store.reports import BATCH_RECORDS, COMMIT_S, Histogram, WorkerReport, process_name
from stream.worker.ports import Partition, Position


class Work:
    """Since the process was started."""

    def __init__(self) -> None:
        self.commits = Histogram(COMMIT_S)
        self.batches = Histogram(BATCH_RECORDS)
        self.refusals = 0
        """Commits and claims that Redis refused, as the shard was another worker's by then."""

    def committed(self, seconds: float, records: int) -> None:
        """One commit, from the first record that was folded to the answer of Redis; a tick has no records."""
        self.commits.add(seconds)
        if records:
            self.batches.add(records)

    def report(self, positions: Iterable[tuple[str, Partition, Position | None]]) -> WorkerReport:
        """As of now. `positions`: family, partition and how far it is read, of all shards of this worker."""
        return WorkerReport(
            name=process_name(), at_ms=time.time_ns() // 1_000_000, version=stream.__version__,
            commits=self.commits, batches=self.batches, refusals=self.refusals,
            lag={
                f"{family}/{partition.partition}": max(0, position.end_offset - position.next_offset)
                for family, partition, position in positions
                if position is not None
            },
        )  # fmt: skip
