"""The worker's side of Kafka: runs the Faust app over a Handler, watches it, and ends it within bounds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from aiokafka.errors import KafkaConnectionError

from stream.sources.security import client_options
from stream.worker.consumer import Consumer
from stream.worker.delivery import Delivery
from stream.worker.faust_app import App, Settings, build_app
from stream.worker.ownership import Ownership
from stream.worker.ports import Handler, Partition, Position, WorkerFailed
from stream.worker.quiet import quiet_libraries
from stream.worker.watchdog import Limits, Seen, Watchdog

if TYPE_CHECKING:
    from stream.config import KafkaConfig

log = logging.getLogger("floorcast.worker")

WATCH_INTERVAL_S = 1.0
STOP_TIMEOUT_S = 12.0  # above what leaving takes at worst (consumer.LEAVE_TIMEOUT_S, three times)


class KafkaWorker:
    """Delivers the records of the topics to the handler, as one member of the consumer group.

    `session_timeout_ms`: after how long a killed worker's partitions go to others (6,000 for the embedded
    broker, which delays every join by half of it). One `run` an object.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        topics: Sequence[str],
        handler: Handler,
        *,
        max_poll_records: int,
        session_timeout_ms: int = 10_000,
        claim_timeout_s: float = 30.0,
        release_timeout_s: float = 20.0,
        limits: Limits | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigError or OSError for files that it cannot read."""
        self._settings = Settings(
            group=kafka.group,
            topics=tuple(topics),
            client_arguments=client_options(kafka),
            max_poll_records=max_poll_records,
            session_timeout_ms=session_timeout_ms,
        )
        self._delivery = Delivery(handler, self._fail)
        self._ownership = Ownership(
            handler,
            self._delivery,
            self._fail,
            claim_timeout_s=claim_timeout_s,
            release_timeout_s=release_timeout_s,
        )
        self._watchdog = Watchdog(limits or Limits(), WATCH_INTERVAL_S)
        self._app: App | None = None
        self._failure: WorkerFailed | None = None
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Join the group and deliver until `stop`. Raises WorkerFailed for anything else that ends it."""
        assert self._app is None, "one run a KafkaWorker"
        if self._ending.is_set():
            return
        quiet_libraries()
        app = self._app = build_app(self._settings, self._delivery, self._ownership, self._fail)
        # As tasks: start() returns only after the first assignment, and never when that fails.
        start = asyncio.create_task(self._start(app), name="start")
        tasks = {
            start,
            asyncio.create_task(self._watch(app)),
            asyncio.create_task(self._until_crash(app, start)),
        }
        try:
            await self._ending.wait()
        finally:
            await self._close(app)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)
            self._ended.set()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """End cleanly: let the handler finish, leave the group. Returns when `run` is through."""
        self._ending.set()
        if self._app is not None:
            await self._ended.wait()

    def position(self, partition: Partition) -> Position | None:
        """See Transport. Up to 0.1 s old, and never ahead of what was delivered."""
        lane = self._delivery.lanes.get((partition.topic, partition.partition))
        # The mark first: what is drained after it stands in `held`, or is delivered, when we look there.
        mark = self._consumer.mark(partition) if lane is not None else None
        if lane is None or mark is None:
            return None
        return mark._replace(next_offset=min(lane.held[0], mark.next_offset)) if lane.held else mark

    def assignment(self) -> frozenset[Partition]:
        """See Transport."""
        return self._ownership.assignment

    @property
    def _consumer(self) -> Consumer:
        assert self._app is not None
        return cast(Consumer, self._app.consumer)

    async def _start(self, app: App) -> None:
        try:
            await app.start()
        except Exception as e:
            self._fail(self._cannot_start(e), e)

    def _cannot_start(self, cause: BaseException) -> str:
        servers = self._settings.client_arguments["bootstrap_servers"]
        return f"cannot start on Kafka at {servers}: {cause or type(cause).__name__}"

    async def _until_crash(self, app: App, start: asyncio.Task[None]) -> None:
        await app.wait_until_stopped()
        # A crash while starting may be seen here first; start() mostly knows more, but need not say it.
        await asyncio.wait({start}, timeout=3.0)
        cause = app.crash_reason
        if isinstance(cause, KafkaConnectionError):  # only a client that starts raises it
            self._fail(self._cannot_start(cause), cause)
        self._fail(f"Faust ended: {cause or type(cause).__name__}", cause)

    async def _watch(self, app: App) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            reason = self._watchdog.check(self._look(app), time.monotonic())
            if reason is not None:
                self._fail(reason, None)

    def _look(self, app: App) -> Seen:
        flowing = not app.rebalancing and app.flow_control.is_active()
        if not flowing:
            return Seen(flowing=False)
        lanes = list(self._delivery.lanes.values())
        return Seen(
            flowing=True,
            positions={lane.partition: self.position(lane.partition) for lane in lanes},
            full=frozenset(lane.partition for lane in lanes if lane.full),
        )

    def _fail(self, reason: str, cause: BaseException | None) -> None:
        """The first reason counts: what follows it is mostly its consequence."""
        if not self._ending.is_set():
            self._failure = WorkerFailed(reason)
            self._failure.__cause__ = cause
            log.error("the worker stops: %s", reason, extra={"reason": reason})
            self._ending.set()

    async def _close(self, app: App) -> None:
        if app._consumer is not None:
            app.consumer.stop_flow()
        # Faust sends no revocation when it stops.
        unreleased = await self._ownership.release()
        self._failure = self._failure or unreleased
        try:
            await asyncio.wait_for(app.stop(), STOP_TIMEOUT_S)
        except TimeoutError:
            log.warning("Kafka's client did not end within %g s; it is left behind", STOP_TIMEOUT_S)
        except Exception as e:
            log.warning("while leaving Kafka: %r", e)
