"""From the consumer to Handler.batch: one lane a partition, so that a slow shard holds up only itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from stream.worker.ports import Handler, Partition, WorkerFailed

if TYPE_CHECKING:
    from stream.shard.changes import LogRecord

# One in Handler.batch, one ready behind it: more adds memory and latency, not speed.
LANE_BATCHES_MAX = 2


class Lane:
    """The batches of one partition between two rebalances.

    `held` has the first offset of every batch drained from aiokafka that did not yet come back from
    Handler.batch. The consumer's thread appends, the worker's loop removes (both are atomic), so a position
    never overlooks a batch on its way between the two.
    """

    def __init__(self, partition: Partition, start: int) -> None:
        self.partition = partition
        self.held: deque[int] = deque()
        self.closed = False
        self._next_offset = start
        self._batches: deque[list[LogRecord]] = deque()
        self._arrived = asyncio.Event()

    @property
    def full(self) -> bool:
        """No more may be fetched for this partition at the moment."""
        return len(self.held) >= LANE_BATCHES_MAX

    def check(self, first: int, last: int) -> None:
        """Raises WorkerFailed when the log goes back. A jump forward is normal (markers) or for the core."""
        if first < self._next_offset:
            raise WorkerFailed(
                f"{self.partition}: the log gave offset {first} where {self._next_offset} was next: "
                "it was truncated or created anew; what is in Redis belongs to the old log"
            )
        self._next_offset = last + 1

    def put(self, records: list[LogRecord]) -> None:
        """Hand over the next batch; its first offset is in `held` already."""
        self._batches.append(records)
        self._arrived.set()

    async def run(self, handler: Handler, on_room: Callable[[], None]) -> None:
        """Give the batches to the handler one after another, until closed and cancelled."""
        # Cancelled is not enough: before Python 3.12, asyncio.wait_for swallows a cancellation that comes
        # when
        # what it waits for is done, and libraries below the handler use it.
        while not self.closed:
            if not self._batches:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await handler.batch(self.partition, self._batches.popleft())
            self.held.popleft()
            on_room()


class Lanes(dict[tuple[str, int], Lane]):
    """The lanes of one assignment. Its identity tells one assignment's fetches from another's."""


class Delivery:
    """The lanes of the current assignment and the tasks that empty them."""

    def __init__(self, handler: Handler, on_failure: Callable[[str, BaseException], None]) -> None:
        self.lanes = Lanes()
        self.room = asyncio.Event()
        self._handler = handler
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()

    @staticmethod
    def prepare(offsets: Mapping[Partition, int]) -> Lanes:
        """Lanes that start at these offsets, not yet open."""
        return Lanes({(p.topic, p.partition): Lane(p, offset) for p, offset in offsets.items()})

    def open(self, lanes: Lanes) -> None:
        """Start delivering; `close` came before."""
        self.lanes = lanes
        self._tasks = {asyncio.create_task(self._run(lane)) for lane in lanes.values()}
        self.room.set()

    async def close(self) -> None:
        """Forget what waits and cancel what is in Handler.batch; returns when no call is left."""
        for lane in self.lanes.values():
            lane.closed = True
        self.lanes = Lanes()
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run(self._handler, self.room.set)
        except Exception as e:
            self._on_failure(f"{lane.partition}: {_said(e)}", e)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
