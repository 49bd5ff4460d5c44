"""What the product asks of Kafka apart from its records, answered from the simulation's log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from stream.config import KafkaConfig
from stream.config.history import encode_version, read_history
from stream.config.published import History, Version
from stream.events.sla import decode_sla
from stream.sources.alerting import AT_ONCE, POLL_S, Portion
from stream.worker.log import LogIdentity
from stream.worker.ports import Partition
from tests.simulation.process import CURRENT, Answer, Lost
from tests.simulation.world import World


def world() -> World:
    """Of the process at hand."""
    return CURRENT.get().world


async def surely(act: Callable[[], Answer], kind: str = "") -> Answer:
    """As Kafka's clients do: asked again until there is an answer, so that it may be done twice."""
    while True:
        try:
            return await CURRENT.get().call(act, kind=kind)
        except Lost:
            continue


class Context:
    """What is connected while it is open."""

    async def __aenter__(self) -> Any:
        await CURRENT.get().call(lambda: None, lossy=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is left behind."""


class Identities(Context):
    """In place of `KafkaLog`."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._log = world().log

    async def identities(self, topics: Iterable[str]) -> dict[str, LogIdentity]:
        """As of KafkaLog."""
        names = list(topics)
        return await surely(
            lambda: {name: LogIdentity("sim", f"id-{name}", len(self._log.topics[name])) for name in names}
        )

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """As of KafkaLog."""
        wanted = sorted(partitions)
        return await surely(lambda: {partition: self._log.part(partition).start for partition in wanted})


async def identities(kafka: KafkaConfig, topics: Iterable[str]) -> dict[str, LogIdentity]:
    """In place of `log_identities`."""
    return await Identities(kafka).identities(topics)


Sent = tuple[bytes | None, bytes | None, int | None, tuple[tuple[str, bytes | None], ...]]


class Batch:
    """Records on their way to one partition."""

    def __init__(self) -> None:
        self.records: list[Sent] = []

    def append(self, *, key: bytes, value: bytes, timestamp: int) -> object:
        """Always has room."""
        self.records.append((key, value, timestamp, ()))
        return self


class Producer:
    """In place of `AIOKafkaProducer`."""

    def __init__(self, **_: object) -> None:
        self._world = world()
        self._order = asyncio.Lock()  # one request is under way, as aiokafka does it for a partition

    async def start(self) -> None:
        """Connects."""
        await CURRENT.get().call(lambda: None, lossy=False)

    async def stop(self) -> None:
        """Nothing waits."""

    async def partitions_for(self, topic: str) -> set[int]:
        """Of a topic."""
        return set(range(len(self._world.log.topics[topic])))

    def create_batch(self) -> Batch:
        """An empty one."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Task[None]:
        """On its way."""
        return asyncio.create_task(self._append(topic, batch.records, partition))

    async def send(
        self, topic: str, *, value: bytes | None, key: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> asyncio.Task[None]:  # fmt: skip
        """On its way."""
        return asyncio.create_task(self._append(topic, [(key, value, None, tuple(headers))], None))

    async def _append(self, topic: str, records: list[Sent], partition: int | None) -> None:
        def act() -> None:
            for _ in range(2 if self._world.repeating else 1):
                for key, value, timestamp, headers in records:
                    at_ms = self._world.wall_ms() if timestamp is None else timestamp
                    self._world.log.append(topic, key, value, at_ms, headers, partition)

        async with self._order:
            await surely(act)


class Versions(Context):
    """In place of `VersionsTopic`."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self.history: History = ()
        (self._part,) = world().log.topics[kafka.topics.config]

    async def read(self) -> int:
        """As of VersionsTopic."""
        known_ms = world().wall_ms()
        records = await surely(lambda: list(self._part.records))
        self.history = read_history([(record.timestamp, record.value) for record in records])
        return known_ms


async def read_versions(kafka: KafkaConfig) -> History:
    """In place of the function of that name."""
    topic = Versions(kafka)
    await topic.read()
    return topic.history


async def publish_version(kafka: KafkaConfig, version: Version) -> History:
    """In place of the function of that name."""
    here, packed = world(), encode_version(version)
    # Idempotent: twice, the second says the same and does not count.
    await surely(lambda: here.log.append(kafka.topics.config, None, packed, here.wall_ms()))
    return await read_versions(kafka)


class Alerts(Context):
    """In place of `AlertTopics`: one dispatcher has every partition."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._topics = kafka.topics
        self._world = world()
        self._places = dict(self._world.committed)
        self._noted = 0
        self._has_breach = False
        self._reassigned = True
        self._order = asyncio.Lock()

    async def poll(self) -> Portion:
        """As of AlertTopics."""
        await asyncio.sleep(POLL_S)
        return await CURRENT.get().call(self._poll, idle=True)

    def _poll(self) -> Portion:
        portion = Portion(reassigned=self._reassigned, heard_ms=self._world.wall_ms())
        self._reassigned = False
        for number, part in enumerate(self._world.log.topics[self._topics.sla]):
            place = self._places.get(number, 0)
            found = part.records[place : place + AT_ONCE]
            self._places[number] = place + len(found)
            portion.sla += [record.value for record in found if record.value is not None]
        self._has_breach = any(decode_sla(value).kind == "breached" for value in portion.sla)
        (notes,) = self._world.log.topics[self._topics.acknowledgements]
        portion.acknowledgements = [record.value for record in notes.records[self._noted :] if record.value]
        self._noted = notes.end
        portion.at_end = True
        return portion

    async def commit(self) -> None:
        """As of AlertTopics."""
        await surely(
            lambda: self._world.committed.update(self._places),
            "mark a breach" if self._has_breach else "mark",
        )

    async def sent(self) -> list[bytes]:
        """As of AlertTopics."""
        (part,) = self._world.log.topics[self._topics.alerts]
        latest = await surely(lambda: {record.key: record.value for record in part.records})
        return [value for value in latest.values() if value is not None]

    async def keep(self, records: Mapping[str, bytes | None]) -> None:
        """As of AlertTopics."""
        async with self._order:
            for key, value in sorted(records.items()):
                await surely(partial(self._keep, key.encode(), value), "keep")

    def _keep(self, key: bytes, value: bytes | None) -> None:
        self._world.log.append(self._topics.alerts, key, value, self._world.wall_ms())

    def is_ours(self, subject: str) -> bool:
        """All are."""
        return True
