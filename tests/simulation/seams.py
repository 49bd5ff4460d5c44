"""Where the simulation takes the place of Kafka, the network and the clocks. All else is the product."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from stream.alerts import dispatch
from stream.worker import letters, mailbox, process, report, shards, versions
from tests.simulation import kafka
from tests.simulation.process import CURRENT
from tests.simulation.store import NotedStore
from tests.simulation.transport import SimulatedTransport


class Clock:
    """In place of the module `time`."""

    @staticmethod
    def time() -> float:
        """The wall, in s."""
        return CURRENT.get().world.wall_ms() / 1000

    @staticmethod
    def time_ns() -> int:
        """The wall, in ns."""
        return CURRENT.get().world.wall_ms() * 1_000_000

    @staticmethod
    def perf_counter() -> float:
        """Goes on evenly."""
        return asyncio.get_running_loop().time()


class Luck:
    """In place of the module `random`."""

    @staticmethod
    def random() -> float:
        """0 to 1."""
        return CURRENT.get().world.random.random()


REPLACED: tuple[tuple[ModuleType, str, object], ...] = (
    *((module, "time", Clock) for module in (mailbox, report, shards, versions)),
    (dispatch, "random", Luck),
    (letters, "AIOKafkaProducer", kafka.Producer),
    (shards, "KafkaLog", kafka.Identities),
    (versions, "VersionsTopic", kafka.Versions),
    (versions, "read_versions", kafka.read_versions),
    (versions, "publish_version", kafka.publish_version),
    (process, "KafkaWorker", SimulatedTransport),
    (process, "RedisStore", NotedStore),
    (process, "log_identities", kafka.identities),
    (process, "_quiet_garbage_collector", lambda: None),
)


@contextmanager
def in_place() -> Iterator[None]:
    """While it is open, the product runs in the simulation."""
    with ExitStack() as stack:
        for module, name, replacement in REPLACED:
            stack.enter_context(patch.object(module, name, replacement))
        yield
