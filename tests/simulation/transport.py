"""In place of Faust and Kafka's client: fetches from the simulation's log, claims and releases by its group.

Lanes, claims and their bounds are the product's (worker/delivery.py, worker/ownership.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from stream.config import KafkaConfig
from stream.shard.changes import LogRecord
from stream.worker.delivery import Delivery
from stream.worker.ownership import Ownership
from stream.worker.ports import Handler, Partition, Position, WorkerFailed
from tests.simulation.process import CURRENT

CLAIM_TIMEOUT_S = 8.0
RELEASE_TIMEOUT_S = 6.0
POLL_S = 0.05
RECORDS_MAX = 200


class SimulatedTransport:
    """In place of `KafkaWorker`."""

    def __init__(
        self, kafka: KafkaConfig, topics: Sequence[str], handler: Handler, *, max_poll_records: int,
        session_timeout_ms: int,
    ) -> None:  # fmt: skip
        self.process = CURRENT.get()
        self._world = self.process.world
        self._delivery = Delivery(handler, self._fail)
        self._ownership = Ownership(
            handler, self._delivery, self._fail,
            claim_timeout_s=CLAIM_TIMEOUT_S, release_timeout_s=RELEASE_TIMEOUT_S,
        )  # fmt: skip
        self._places: dict[Partition, int] = {}
        self._marks: dict[Partition, Position] = {}
        self._failure: WorkerFailed | None = None
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()
        self._running = False

    async def run(self) -> None:
        """As of KafkaWorker."""
        self._running = True
        self._world.group.join(self)
        tasks = [asyncio.create_task(self._fetch_on()), asyncio.create_task(self._stay())]
        try:
            await self._ending.wait()
        finally:
            try:
                await self._ownership.release()
            finally:
                self._world.group.leave(self)
                for task in tasks:
                    task.cancel()
                self._ended.set()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """As of KafkaWorker."""
        self._ending.set()
        if self._running:
            await self._ended.wait()

    def position(self, partition: Partition) -> Position | None:
        """As of KafkaWorker."""
        lane = self._delivery.lanes.get((partition.topic, partition.partition))
        mark = self._marks.get(partition) if lane is not None else None
        if lane is None or mark is None:
            return None
        return mark._replace(next_offset=min(lane.held[0], mark.next_offset)) if lane.held else mark

    async def release(self) -> None:
        """The group asks for everything back."""
        await self.process.gate()
        await self._ownership.release()

    async def assign(self, partitions: frozenset[Partition]) -> None:
        """The group gives partitions."""
        with suppress(WorkerFailed, asyncio.CancelledError):
            await self.process.call(lambda: None, lossy=False)
            offsets = await self._ownership.claim(partitions)
            lanes = self._delivery.prepare(offsets)
            await self._world.delay()
            if self._ownership.take(lanes):
                self._places, self._marks = dict(offsets), {}
            else:
                self._world.group.deal()

    async def _stay(self) -> None:
        """One that had been given up finds out after a while, and joins again."""
        while True:
            await asyncio.sleep(0.5)
            await self.process.gate()
            if not self._world.group.has(self) and not self._ending.is_set():
                await self._world.delay()
                await self.release()
                self._world.group.join(self)
                await asyncio.sleep(0.5)

    async def _fetch_on(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if not self._world.kafka_silent:
                await self._fetch()

    async def _fetch(self) -> None:
        lanes = self._delivery.lanes
        wanted = [lane for lane in lanes.values() if not lane.full]
        if not wanted:
            return
        places = {lane.partition: self._places[lane.partition] for lane in wanted}
        found = await self.process.call(
            lambda: {one: self._look(one, at) for one, at in places.items()}, lossy=False
        )
        if lanes is not self._delivery.lanes:
            return
        for lane in wanted:
            records, mark = found[lane.partition]
            if mark is None:
                self._fail(f"{lane.partition}: offset {places[lane.partition]} is not in the log", None)
                return
            self._marks[lane.partition] = mark
            if records:
                lane.held.append(records[0].offset)
                lane.check(records[0].offset, records[-1].offset)
                self._places[lane.partition] = records[-1].offset + 1
                lane.put(records)

    def _look(self, partition: Partition, place: int) -> tuple[list[LogRecord], Position | None]:
        part = self._world.log.part(partition)
        if place < part.start:
            return [], None
        records: list[LogRecord] = list(part.records[place : place + RECORDS_MAX])
        return records, Position(place + len(records), part.end, self._world.wall_ms())

    def _fail(self, reason: str, cause: BaseException | None) -> None:
        if not self._ending.is_set():
            self._failure = WorkerFailed(reason)
            self._failure.__cause__ = cause
            self._ending.set()
