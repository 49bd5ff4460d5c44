"""Takes what aiokafka fetched, as the records that its C code makes of the bytes.

aiokafka (0.14.0, pinned) wraps each once more, in a ConsumerRecord: 1.5 us, where reading it from its batch
takes 0.15 us. Nothing here needs the topic, partition and sizes that this adds. The rules of
`PartitionRecords` and of `Fetcher.fetched_records` stand here for whole batches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from stream.shard.changes import LogRecord
from stream.worker.rawbatch import keep_bytes, read_leniently

keep_bytes()


class BatchedRecords:
    """A partition's part of a fetch, from which records are taken by the list. Their `headers` are lists."""

    def __init__(self, fetched: PartitionRecords) -> None:
        """Takes the place of `fetched`, from which nothing was read yet."""
        fetched._records_iterator = None  # refers to it, so that a large buffer would wait for the collector
        self.next_fetch_offset: int = fetched.next_fetch_offset
        """Behind what was taken, and behind markers and what compaction left of a batch."""
        self._fetched = fetched
        self._batches = fetched._records
        self._bytes: bytes = fetched._records.data
        self._rest: list[LogRecord] = []
        """What is not taken yet of the batch that was read last."""
        self._batch_end = self.next_fetch_offset

    def take(self, count_max: int) -> tuple[list[LogRecord], bool]:
        """The next records, and whether the end was reached."""
        taken: list[LogRecord] = []
        while len(taken) < count_max:
            if not self._rest and not self._read_batch():
                return taken, True
            room = count_max - len(taken)
            taken += self._rest[:room]
            self._rest = self._rest[room:]
            self.next_fetch_offset = self._rest[0].offset if self._rest else self._batch_end
        return taken, False

    def _read_batch(self) -> bool:
        """False at the end, which is there, too, after an exception: aiokafka then fetches once more from its
        position, as that is not `next_fetch_offset` or nothing was taken."""
        batches, self._batches = self._batches, None
        if batches is None or not batches.has_next():
            return False
        batch = batches.next_batch()
        if self._fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {self._fetched._tp}")
        records = [] if self._is_skipped(batch) else self._records_of(batch)
        if records and records[0].offset < self.next_fetch_offset:
            records = [record for record in records if record.offset >= self.next_fetch_offset]
        # Not behind the last record: compaction may have removed the batch's tail.
        self._batches, self._rest, self._batch_end = batches, records, batch.next_offset
        return True

    def _records_of(self, batch: Any) -> list[LogRecord]:
        try:
            return list(batch)
        except UnicodeDecodeError:
            return read_leniently(self._bytes, batch.base_offset)

    def _is_skipped(self, batch: Any) -> bool:
        """Whether it holds a marker, or belongs to an aborted transaction."""
        fetched = self._fetched
        if fetched._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            fetched._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and fetched._contains_abort_marker(batch):
                fetched._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in fetched._aborted_producers:
                return True
        return bool(batch.is_control_batch)


async def take_fetched(
    fetcher: Any, partitions: Collection[Any], timeout_s: float, count_max: int
) -> dict[Any, list[LogRecord]]:
    """`Fetcher.fetched_records`, but for what records are, and how many: `count_max` is for each of the
    partitions, where aiokafka gives the second one what the first has left. Waits for the first record; moves
    the positions behind them; raises what a fetch failed with."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        taken = _take_ready(fetcher, partitions, count_max)
        left_s = deadline_s - time.monotonic()
        if taken or left_s <= 0:
            return taken
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=left_s)
        if not waiter.done() or fetcher._closed:
            waiter.cancel()
            return {}
        waiter.result()  # an authorization error


def _take_ready(fetcher: Any, partitions: Collection[Any], count_max: int) -> dict[Any, list[LogRecord]]:
    taken: dict[Any, list[LogRecord]] = {}
    for tp, result in list(fetcher._records.items()):
        if tp not in partitions:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        if not isinstance(result, FetchResult):
            if not taken:  # else it is raised by the next call
                _forget(fetcher, tp)
                result.check_raise()
            break
        records = _take(result, tp, count_max)
        if not result.has_more():
            _forget(fetcher, tp)
        if records:
            taken[tp] = records
    return taken


def _take(result: FetchResult, tp: Any, count_max: int) -> list[LogRecord]:
    """`FetchResult.getall`."""
    if not result.has_more() or not result.check_assignment(tp):
        return []
    if not isinstance(result._partition_records, BatchedRecords):
        result._partition_records = BatchedRecords(result._partition_records)
    records, at_end = result._partition_records.take(count_max)
    result._update_position()
    if at_end:
        result._partition_records = None
    return records


def _forget(fetcher: Any, tp: Any) -> None:
    """More may be fetched of this partition."""
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)
