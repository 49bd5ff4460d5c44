"""Faust's aiokafka consumer, changed to one message per partition and batch, positioned by the handler.

Faust awaits four tasks per message (60-170 us); here it does so once per batch. `Consumer.getmany`,
`perform_seek` and `force_commit` are where it is done; the rest makes positions exact and keeps a stop short.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service
from mode.threads import WorkerThread

from stream.worker.delivery import Lanes
from stream.worker.ports import Partition, Position, WorkerFailed
from stream.worker.records import take_fetched

if TYPE_CHECKING:
    from stream.worker.faust_app import App

log = logging.getLogger("floorcast.worker")

MARKS_INTERVAL_S = 0.1
# With a lane full the others are polled for this long only, so that it is served as soon as it has room.
POLL_WHILE_FULL_S = 0.01
SEEK_TIMEOUT_S = 10.0
COMMIT_TIMEOUT_S = 5.0
LEAVE_TIMEOUT_S = 3.0

Tps = Mapping[TP, int]


class Fetched(dict[TP, list[Any]]):
    """Records by partition, and the lanes of the assignment under which they were drained."""

    def __init__(self, records: Mapping[TP, list[Any]], lanes: Lanes) -> None:
        super().__init__(records)
        self.lanes = lanes


class Thread(WorkerThread):
    """The consumer's thread. It never keeps the process alive: a silent broker must not stop an exit."""

    def __init__(self, service: Any, **kwargs: Any) -> None:
        super().__init__(service, **kwargs)
        self.daemon = True

    def run(self) -> None:
        """As mode's, without a traceback on stderr: the service has told the worker's loop already."""
        try:
            super().run()
        except Exception as e:
            log.debug("the Kafka consumer's thread ended: %r", e)

    def stop(self) -> None:
        """Wait for its end, but not for ever (Faust does, and blocks the loop meanwhile)."""
        if not self.is_stopped.wait(LEAVE_TIMEOUT_S):
            log.warning("Kafka's thread did not end within %g s; it is left behind", LEAVE_TIMEOUT_S)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs the aiokafka consumer on its own loop. Only what is marked so may be called from another."""

    app: App  # Faust says AppT
    shutdown_timeout = 3 * LEAVE_TIMEOUT_S  # of mode: how long stop() waits for this thread (default 60 s)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.marks: Mapping[TP, Position] = {}  # replaced, never changed: readable from any thread
        self._lanes = Lanes()

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        # Faust's own call hard-codes fetch_max_wait_ms=1500 (too rare for "answered less than 2 s ago", and a
        # partition that comes late waits for the answer under way) and read_uncommitted (aborted transactions
        # would count).
        s = self.app.settings
        self._assignor = RoundRobinPartitionAssignor
        return AIOKafkaConsumer(
            **s.client_arguments,
            client_id=f"floorcast-{s.group}",
            group_id=s.group,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # what retention took from under us must not be skipped silently
            max_poll_records=s.max_poll_records,
            max_poll_interval_ms=int(self.app.conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=s.partition_fetch_bytes_max,
            fetch_max_wait_ms=s.fetch_wait_ms_max,
            request_timeout_ms=int(self.app.conf.broker_request_timeout * 1000),
            session_timeout_ms=s.session_timeout_ms,
            heartbeat_interval_ms=s.session_timeout_ms // 4,
            rebalance_timeout_ms=s.rebalance_timeout_ms,
            metadata_max_age_ms=s.metadata_age_ms_max,
            isolation_level="read_committed",
        )

    async def stop(self) -> None:
        """As mode's, which forgets a thread that is only starting (it would join the group for nobody)."""
        # Not an Event's wait: it belongs to the other thread's loop.
        while self._joining_late():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await super().stop()

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Nothing: mode prints a traceback to stderr here. `crash` tells the worker's loop."""

    def _joining_late(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._started.is_set()

    async def on_start(self) -> None:
        """As Faust's, but a stop ends it: bootstrapping a dead broker takes long."""
        self._consumer = self._create_consumer(loop=self.thread_loop)
        self.time_started = self.thread_loop.time()
        starting = asyncio.ensure_future(self._consumer.start())
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not starting.done():
            starting.cancel()
            return
        starting.result()

    async def on_thread_stop(self) -> None:
        """As Faust's, but bounded: aiokafka waits for a JoinGroup under way, up to the rebalance timeout."""
        if self._method_queue is not None:
            await self._method_queue.stop()
        if self._consumer is None:
            return
        if not await _ended(self._consumer.stop()):
            await _ended(self._leave(self._consumer))

    @staticmethod
    async def _leave(consumer: Any) -> None:
        await consumer._coordinator._maybe_leave_group()
        await consumer._client.close()

    @Service.task
    async def _mark(self) -> None:
        # Between two callbacks of this loop, so never after aiokafka has moved a position and before
        # `_fetch_records` has noted the records in `held`.
        while not self.should_stop:
            self.marks = self._read_marks()
            await self.sleep(MARKS_INTERVAL_S)

    def _read_marks(self) -> dict[TP, Position]:
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        marks: dict[TP, Position] = {}
        for tp in self._lanes:
            state = assignment.state_value(tp) if assignment is not None else None
            if state is not None and state.has_valid_position and state.timestamp is not None:
                end = state.highwater if state.lso is None or state.lso < 0 else state.lso
                marks[TP(*tp)] = Position(state.position, end, state.timestamp)
        return marks

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Fetched:
        """As Faust's, with records as they come from their batch."""
        if not self.consumer.flow_active:
            return Fetched({}, self._lanes)
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        try:
            with fetcher._subscriptions.fetch_context():
                records = await take_fetched(
                    fetcher, active_partitions, timeout or 0.0, self.app.settings.max_poll_records
                )
        except NoOffsetForPartitionError:
            records = {}  # just assigned: the seek is to come
        except OffsetOutOfRangeError as e:
            raise WorkerFailed(_not_in_log(e)) from e
        lanes = self._lanes
        for tp, batch in records.items():
            if (lane := lanes.get(tp)) is not None:
                lane.held.append(batch[0].offset)
        return Fetched(records, lanes)

    async def start_lanes(self, lanes: Lanes, offsets: Tps) -> None:
        """(Any thread.) Seek, so that everything drained from now on belongs to these lanes."""
        await self.call_thread(self._start_lanes, lanes, offsets)

    async def _start_lanes(self, lanes: Lanes, offsets: Tps) -> None:
        consumer = self._ensure_consumer()
        self.marks = {}
        self._lanes = Lanes()
        for tp, offset in offsets.items():
            # IllegalStateError when it is not ours any more: Faust takes that as another rebalance.
            consumer.seek(tp, offset)
        self._lanes = lanes

    async def commit_for_monitors(self, offsets: Tps) -> None:
        """(Any thread.) Bounded: one that hangs would hold one of the two workers of Faust's method queue."""
        await self.call_thread(self._commit_for_monitors, offsets)

    async def _commit_for_monitors(self, offsets: Tps) -> None:
        wanted = {driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(o, "") for tp, o in offsets.items()}
        try:
            await asyncio.wait_for(self._ensure_consumer().commit(wanted), COMMIT_TIMEOUT_S)
        except (TimeoutError, KafkaError) as e:
            log.debug("offsets for lag monitors were not committed: %r", e)


class Consumer(driver.Consumer):
    """Faust's consumer on batches."""

    app: App
    _thread: ConsumerThread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon, Worker=Thread)

    async def perform_seek(self) -> None:
        """Claim the partitions and seek to the handler's offsets. Faust undoes a seek made anywhere else."""
        partitions = frozenset(Partition(*tp) for tp in self.assignment())
        claiming = asyncio.ensure_future(self.app.ownership.claim(partitions))
        try:
            offsets = await claiming
        except asyncio.CancelledError:
            if claiming.cancelled() and not _cancelling():
                # A revocation cancelled the claim. Faust's recovery task would die of it, silently.
                raise RebalanceAgain() from None
            claiming.cancel()
            raise
        lanes = self.app.delivery.prepare(offsets)
        seeks = {TP(p.topic, p.partition): offset for p, offset in offsets.items()}
        await asyncio.wait_for(self._thread.start_lanes(lanes, seeks), SEEK_TIMEOUT_S)
        if not self.app.ownership.take(lanes):
            raise RebalanceAgain()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One message per partition: its value is the list of records, its offset the last one's."""
        try:
            fetched = await self._fetch()
        except ConsumerStoppedError:
            raise
        except Exception as e:
            self.app.fail(f"reading from Kafka: {e or type(e).__name__}", e)
            raise
        for tp, records in fetched.items():
            # Not seeking back as Faust does: the flow stops only for a rebalance or the end, and what was
            # drained before the next claim belongs to lanes that are gone.
            if not self.flow_active or fetched.lanes is not self.app.delivery.lanes:
                break
            lane = fetched.lanes[tp]
            try:
                lane.check(records[0].offset, records[-1].offset)
            except Exception as e:
                self.app.fail(str(e), e)
                raise
            # Faust would silently drop what is below it; the lane's check is stricter.
            self._read_offset.pop(tp, None)
            yield tp, self._message(tp, records)

    async def _fetch(self) -> Fetched:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # an asyncio.Event; as Faust does
        delivery = self.app.delivery
        delivery.room.clear()
        lanes = delivery.lanes
        active = {TP(*tp) for tp, lane in lanes.items() if not lane.full}
        if not active:
            # Faust sleeps 1 s here. Without partitions there is nothing to be woken by but the next look.
            await self._wait_for_room(timeout_s=0.25)
            return Fetched({}, lanes)
        poll_s = 1.0 if len(active) == len(lanes) else POLL_WHILE_FULL_S
        return cast(Fetched, await self._getmany(active_partitions=active, timeout=poll_s))

    async def _wait_for_room(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.app.delivery.room.wait(), timeout_s)

    def _message(self, tp: TP, records: list[Any]) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            cast(Any, None),  # headers and key: each record has its own
            cast(Any, None),
            cast(Any, records),
            None,
            0,
            0,
            TP(*tp),
            generation_id=self.app.consumer_generation_id,
        )

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Copy the handler's offsets to Kafka for lag monitors. Never fails the worker."""
        if self._thread._consumer is None:
            return False
        ours, done = self.assignment(), self._committed_offset
        in_redis = {TP(p.topic, p.partition): o for p, o in self.app.ownership.committed().items()}
        offsets = {tp: o for tp, o in in_redis.items() if tp in ours and o > (done[tp] or 0)}
        if not offsets:
            return False
        self._committed_offset.update(offsets)
        await self._thread.commit_for_monitors(offsets)
        return True

    def mark(self, partition: Partition) -> Position | None:
        """What aiokafka's position was at its last look, records not yet delivered included."""
        return self._thread.marks.get(TP(partition.topic, partition.partition))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's livelock check compares clocks of two kinds and cries wolf. See watchdog.py."""


class Transport(driver.Transport):
    """The aiokafka transport with our consumer."""

    Consumer = Consumer


async def _ended(step: Coroutine[Any, Any, None]) -> bool:
    """Whether it ended well and in time. Not wait_for: aiokafka's stop may end in its own CancelledError."""
    task = asyncio.ensure_future(step)
    await asyncio.wait({task}, timeout=LEAVE_TIMEOUT_S)
    if task.done() and not task.cancelled() and task.exception() is None:
        return True
    log.debug("leaving Kafka: %r", task)
    task.cancel()
    return False


def _not_in_log(error: OffsetOutOfRangeError) -> str:
    ((tp, offset),) = error.args[0].items()
    return (
        f"{tp.topic}/{tp.partition}: offset {offset} is not in the log. Either retention deleted it before "
        "it was read: a restart goes on behind the gap and counts it. Or the log was truncated or made anew"
    )


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
