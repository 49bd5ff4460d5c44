"""The Faust application: one agent over all topics that puts every batch into its partition's lane."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.app.base import BootStrategy
from faust.types import StreamT

from stream.worker.consumer import Transport
from stream.worker.delivery import Delivery

if TYPE_CHECKING:
    from stream.worker.ownership import Ownership

log = logging.getLogger("floorcast.worker")

FOR_EVER_S = 31_536_000.0  # a year


@dataclass(frozen=True, slots=True)
class Settings:
    """What the worker asks of Kafka. Judgement, not tuned, but for what the field's comment says."""

    group: str
    topics: Sequence[str]
    client_arguments: dict[str, Any] = field(repr=False)  # holds the password
    max_poll_records: int
    session_timeout_ms: int
    rebalance_timeout_ms: int = 60_000
    metadata_age_ms_max: int = 30_000  # how soon a topic that grew is noticed
    fetch_wait_ms_max: int = 250  # see ConsumerThread._create_worker_consumer
    partition_fetch_bytes_max: int = 1_600 * 1024  # two full commits (mailbox.COMMIT_BYTES) and their framing


class ConsumerOnly(BootStrategy):
    """No producer and no web server: the worker writes to Redis alone through Faust."""

    enable_kafka_producer = False
    enable_web = False


class BatchSchema(faust.Schema[Any, Any]):
    """Passes the list of records on: Faust's own decoding walks through lists looking for models."""

    def compile(
        self,
        app: Any,
        *,
        on_key_decode_error: Any = None,
        on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Callable[..., Any]:
        """The decoder of this schema (Faust's interface)."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return create_event(None, message.value, None, message)

        return decode


class App(faust.App):
    """A Faust app on our transport. `fail` takes the reason for which the worker has to end."""

    BootStrategy = ConsumerOnly

    settings: Settings
    delivery: Delivery
    ownership: Ownership
    fail: Callable[[str, BaseException | None], None]

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """None: they are for tables."""


def build_app(
    settings: Settings,
    delivery: Delivery,
    ownership: Ownership,
    fail: Callable[[str, BaseException | None], None],
) -> App:
    """The app, not yet started. Needs a running loop."""
    session_s = settings.session_timeout_ms / 1000
    servers: str = settings.client_arguments["bootstrap_servers"]
    app = App(
        settings.group,
        broker=[f"kafka://{server.strip()}" for server in servers.split(",")],
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,  # else Faust's own assignor, which can leave workers without partitions
        agent_supervisor="mode.CrashingSupervisor",  # the default restarts an agent behind the batch it lost
        broker_max_poll_interval=FOR_EVER_S,  # an idle worker leaves the group after it and never comes back
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 4,
        broker_rebalance_timeout=settings.rebalance_timeout_ms / 1000,
        broker_request_timeout=max(60.0, session_s),
        broker_commit_interval=5.0,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
        datadir=Path(gettempdir()) / "floorcast-faust-unused",
    )
    app.settings, app.delivery, app.ownership, app.fail = settings, delivery, ownership, fail
    _add_agent(app, settings.topics)
    _add_revocation(app)
    return app


def _add_agent(app: App, topics: Sequence[str]) -> None:
    source = app.topic(*topics, schema=BatchSchema(), acks=False)

    async def deliver(batches: StreamT[Any]) -> None:
        async for event in batches.events():
            lane = app.delivery.lanes.get(event.message.tp)
            if lane is not None:
                lane.put(cast(Any, event.value))

    app.agent(source, name="floorcast.deliver")(deliver)


def _add_revocation(app: App) -> None:
    # aiokafka awaits this signal before it sends JoinGroup, and goes on with heartbeats meanwhile.
    async def on_revoked(sender: Any, revoked: Any, **_: Any) -> None:
        await app.ownership.release()

    cast(Any, app.on_partitions_revoked).connect(on_revoked, weak=False)
