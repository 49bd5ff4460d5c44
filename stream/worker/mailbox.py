"""One shard at work: its batches and ticks one after the other, each as one commit. Knows no Faust and no
Kafka client."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import Protocol

from stream.shard.changes import Changes, Loaded, LogRecord, Needs
from stream.shard.drive import drive
from stream.shard.shard import Shard
from stream.store import Fenced, new_commit_id
from stream.worker.report import Work

CAUGHT_UP_MS = 2_000
"""So old the answer may be that shows a shard at the end of its log. An unreachable Kafka must not move
time."""
COMMIT_BYTES = 768 * 1024
"""Bytes of events in one commit, so that what they change stays near 1 MiB; a larger event is a batch of its
own."""


UNDELIVERED_MAX = 20_000
"""So many records' dead letters or facts may wait for their topic before reading waits for them."""


UNTOLD_MAX = 1_000
"""So many entries of notices about clocks may; each has up to 200."""


DRAIN_S = 5.0
"""So long a commit may take to come through when its shard is given back. One that is cut off is
in Redis as a whole, or not at all."""


class Store(Protocol):
    """What a shard's owner needs of the store (store/store.py)."""

    async def load(self, family: str, partition: int, needs: Needs) -> Loaded: ...

    async def commit(
        self, family: str, partition: int, expected_commit_id: str, changes: Changes
    ) -> None: ...


class Reading(Protocol):
    """How far the log was read (worker/ports.py, Position)."""

    @property
    def next_offset(self) -> int: ...
    @property
    def end_offset(self) -> int: ...
    @property
    def answered_ms(self) -> int: ...


class Versions(Protocol):
    """What is known of the configuration's history (worker/versions.py)."""

    @property
    def history(self) -> Sequence[object]: ...
    @property
    def until_ms(self) -> int: ...


class HalfDone(Exception):
    """A batch was folded but its commit failed or was cancelled: the shard has to be restored first."""


class Mailbox:
    """Batches, timers and ticks of one shard never interleave: whoever holds the lock is alone with it."""

    def __init__(
        self, shard: Shard, store: Store, position: Callable[[], Reading | None], *, until_ms: int | None,
        by_wall: bool,
        batch_records: int,
        versions: Versions,
        renew: Callable[[Shard], Awaitable[Shard]],
        work: Work,
    ) -> None:  # fmt: skip
        """`by_wall`: time is the wall's once caught up. Else it is the log's, and moves to `until_ms` at its
        end. `renew` gives the shard under the rules of versions that it does not know of."""
        self.shard = shard
        self.delivered = 0
        """Dead letters and facts of records before this offset are in their topics."""
        self.undelivered: dict[int, bytes] = dict(shard.outbox)
        self.told = 0
        """Notices before this number are in their topic."""
        self.untold: dict[int, bytes] = dict(shard.notices)
        self._store = store
        self._position = position
        self._until_ms = until_ms
        self._by_wall = by_wall
        self._batch_records = batch_records
        self._versions = versions
        self._renew = renew
        self._work = work
        self._lock = asyncio.Lock()
        self._carried = asyncio.Event()
        self._half_done = False
        self._closed = False

    async def read(self, records: Sequence[LogRecord]) -> None:
        """Folds records into the shard and commits. Raises what stops the worker."""
        while len(self.undelivered) > UNDELIVERED_MAX or len(self.untold) > UNTOLD_MAX:
            self._carried.clear()
            await self._carried.wait()
        async with self._lock:
            for part in portions(records, self._batch_records):
                await self._commit_whole(part)

    async def tick(self) -> None:
        """Moves the clock without events: timers fire, panes close, freshness is renewed."""
        while True:
            async with self._lock:
                await self._commit([])
            # Of one that is given back the lock is never free again: who waited for it would wait for ever.
            if self._closed or not self.shard.pending(self.shard.fence.clock):
                return

    def carried(self, offsets: Sequence[int]) -> None:
        """What records of these offsets (in order) caused is in its topic: a later commit takes it out of
        the outbox."""
        for offset in offsets:
            self.undelivered.pop(offset, None)
        self.delivered = max(self.delivered, offsets[-1] + 1)
        self._carried.set()

    def noticed(self, numbers: Sequence[int]) -> None:
        """Notices of these numbers (in order) are in their topic: a later commit removes them."""
        for number in numbers:
            self.untold.pop(number, None)
        self.told = max(self.told, numbers[-1] + 1)
        self._carried.set()

    async def close(self) -> None:
        """Returns when the commit under way is through, or given up; none follows. One that reaches Redis
        later is refused by the fence, if there is another owner by then."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._lock.acquire()

    async def _commit_whole(self, records: Sequence[LogRecord]) -> None:
        """One commit, which a cancellation lets come through: then the next owner goes on behind it."""
        committing = asyncio.ensure_future(self._commit(records))
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            await asyncio.wait({committing}, timeout=DRAIN_S)
            committing.cancel()
            await asyncio.gather(committing, return_exceptions=True)
            raise

    async def _commit(self, records: Sequence[LogRecord]) -> None:
        shard = self.shard
        if self._half_done:
            raise HalfDone(f"{shard.topic}/{shard.partition}: the commit before did not come through")
        if self._outdated():
            shard = self.shard = await self._renew(shard)
        began_s = time.perf_counter()
        self._half_done = True  # until it is committed: the memory is ahead of the store
        answered_ms = self._caught_up(records)
        batch = shard.batch(records, self._now(answered_ms), self.delivered, self.told)
        changes = await drive(batch, partial(self._store.load, shard.family.name, shard.partition))
        fence = changes.fence
        fence.commit_id = new_commit_id()
        if answered_ms is not None and not shard.pending(fence.clock):
            fence.fresh = max(fence.fresh, answered_ms)
        try:
            await self._store.commit(shard.family.name, shard.partition, shard.fence.commit_id, changes)
        except Fenced:
            self._work.refusals += 1
            raise
        self._work.committed(time.perf_counter() - began_s, len(records))
        shard.committed(fence)
        self._half_done = False
        self.undelivered.update(changes.outbox_added)
        self.untold.update(changes.notices_added)

    def _caught_up(self, records: Sequence[LogRecord]) -> int | None:
        """When the log's end was seen that these records (or what was read before) reach; `None` while there
        is more to read."""
        position = self._position()
        now_ms = time.time() * 1000
        if position is None or now_ms - position.answered_ms > CAUGHT_UP_MS:
            return None
        if now_ms > self._versions.until_ms:  # policies may have changed: its time is not known to have come
            return None
        reached = records[-1].offset + 1 if records else position.next_offset
        return position.answered_ms if reached >= position.end_offset else None

    def _now(self, answered_ms: int | None) -> int | None:
        if answered_ms is None:
            return None
        return int(time.time() * 1000) if self._by_wall else self._until_ms

    def _outdated(self) -> bool:
        return len(self._versions.history) > self.shard.fence.versions

    def wants_tick(self, freshen_ms: int) -> bool:
        """Whether time should move without events: a timer is due, or freshness is to be noted, and with it
        what was delivered."""
        if self._closed or self._lock.locked() or self._half_done:
            return False
        if self._outdated():
            return True
        answered_ms = self._caught_up([])
        if answered_ms is None:
            return self.delivered > self.shard.fence.delivered or self.told > self.shard.fence.told
        fence = self.shard.fence
        now = self._now(answered_ms) or 0
        return (
            answered_ms - fence.fresh >= freshen_ms
            or fence.clock < (self._until_ms or 0)
            or (self._by_wall and self.shard.next_timer_ms() <= now)
        )


def portions(records: Sequence[LogRecord], most: int) -> Iterator[Sequence[LogRecord]]:
    """Cuts records into commits: at most so many, and about COMMIT_BYTES."""
    ends = [0, *accumulate(len(record.value or b"") for record in records)]
    begin = 0
    while begin < len(records):
        fitting = bisect_right(ends, ends[begin] + COMMIT_BYTES) - 1
        end = min(max(fitting, begin + 1), begin + most)
        yield records[begin:end]
        begin = end
