"""The transport in a group: sharing, taking over, and rebalances that come at a bad moment."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from subprocess import PIPE, Popen
from sys import executable
from threading import Thread
from typing import Any

import pytest

from stream.embedded.pair import Pair
from stream.worker.ports import Partition
from tests.rig.kafka import Kafka
from tests.rig.worker import Memory, fill, produce, running, until, worker

ROOT = Path(__file__).parents[1]
LONG_SESSION_MS = 60_000  # far above what anything here takes


class Process:
    """A worker in a process of its own, and what it has printed."""

    def __init__(self, bootstrap: str, name: str, session_timeout_ms: int = 6_000) -> None:
        command = [executable, "-m", "tests.rig.worker_process", bootstrap, name, str(session_timeout_ms)]
        self.child = Popen(command, cwd=ROOT, stdout=PIPE, text=True)
        self.lines: list[list[str]] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def said(self, *words: str) -> bool:
        """Whether a line begins so."""
        return any(line[: len(words)] == list(words) for line in self.lines)

    @property
    def assigned(self) -> list[str]:
        """What it was assigned last."""
        return next((line[1:] for line in reversed(self.lines) if line[0] == "assigned"), [])

    def send(self, signal: int) -> None:
        """Signal it."""
        self.child.send_signal(signal)

    def end(self) -> None:
        """Kill it if it still runs."""
        self.child.kill()
        self.child.wait()
        self._reader.join()
        assert self.child.stdout is not None
        self.child.stdout.close()

    def _read(self) -> None:
        assert self.child.stdout is not None
        self.lines.extend(line.split() for line in self.child.stdout)


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts worker processes; what still runs is killed with the test."""
    processes: list[Process] = []

    def new(*arguments: Any) -> Process:
        processes.append(Process(*arguments))
        return processes[-1]

    yield new
    for process in processes:
        process.end()


async def takes_over(bootstrap: str, name: str, start: Callable[..., Process]) -> None:
    """Two workers share four partitions; when one is killed, the other gets and reads all."""
    await fill(bootstrap, name, partitions=4, records=20)
    killed = start(bootstrap, name)
    await until(lambda: len(killed.assigned) == 4)
    memory = Memory()
    async with running(worker(bootstrap, name, memory)):
        await until(lambda: len(memory.owned) == len(killed.assigned) == 2)
        assert not {str(p) for p in memory.owned} & set(killed.assigned)
        killed.send(SIGKILL)
        await until(lambda: memory.count == 80)
    assert memory.delivered == {Partition(name, p): list(range(20)) for p in range(4)}


async def test_a_killed_workers_partitions_are_taken_over(
    kafka: Kafka, unique_name: str, start: Callable[..., Process]
) -> None:
    """Nothing was released by it: kill -9."""
    await takes_over(kafka.bootstrap, unique_name, start)


async def test_the_embedded_broker_hands_partitions_over_too(
    embedded_pair: Pair, unique_name: str, start: Callable[..., Process]
) -> None:
    """The same on Tansu."""
    await takes_over(embedded_pair.bootstrap, unique_name, start)


async def test_a_worker_that_was_stopped_joins_again(
    kafka: Kafka, unique_name: str, start: Callable[..., Process]
) -> None:
    """SIGSTOP for longer than the session lasts: the other has all, then both share again."""
    await fill(kafka.bootstrap, unique_name, partitions=2, records=20)
    stopped = start(kafka.bootstrap, unique_name)
    await until(lambda: len(stopped.assigned) == 2)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: len(memory.owned) == len(stopped.assigned) == 1)
        stopped.send(SIGSTOP)
        await until(lambda: len(memory.owned) == 2)
        heard = len(stopped.lines)
        stopped.send(SIGCONT)
        await until(lambda: len(memory.owned) == 1 and len(stopped.lines) > heard)
        assert len(stopped.assigned) == 1


async def test_an_idle_standby_takes_over(
    kafka: Kafka, unique_name: str, start: Callable[..., Process]
) -> None:
    """One partition, two workers: the one without partitions stays in the group, ready."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=20)
    active = start(kafka.bootstrap, unique_name)
    await until(lambda: active.said("batch"))
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: sum(line[0] == "assigned" for line in active.lines) == 2 or memory.owned)
        active.send(SIGKILL)
        await until(lambda: memory.count == 20)


async def test_a_worker_that_comes_back_shares_again(kafka: Kafka, unique_name: str) -> None:
    """Leaving cleanly hands the partitions over at once; none is in two hands or in none."""
    await fill(kafka.bootstrap, unique_name, partitions=4, records=5)
    first, second, third = Memory(), Memory(), Memory()
    async with running(worker(kafka.bootstrap, unique_name, first)):
        await until(lambda: len(first.owned) == 4)
        async with running(worker(kafka.bootstrap, unique_name, second)):
            await until(lambda: len(first.owned) == len(second.owned) == 2)
        await until(lambda: len(first.owned) == 4)
        async with running(worker(kafka.bootstrap, unique_name, third)):
            await until(lambda: len(first.owned) == len(third.owned) == 2)
            assert not first.owned & third.owned


async def test_a_worker_that_is_told_to_end_gives_its_partitions_back_at_once(
    kafka: Kafka, unique_name: str, start: Callable[..., Process]
) -> None:
    """SIGTERM: it leaves the group, which else would wait a minute for it; the other goes on."""
    await fill(kafka.bootstrap, unique_name, partitions=4, records=20)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: len(memory.owned) == 4)
        leaving = start(kafka.bootstrap, unique_name, 2 * LONG_SESSION_MS)
        await until(lambda: len(memory.owned) == len(leaving.assigned) == 2)
        leaving.send(SIGTERM)
        await until(lambda: len(memory.owned) == 4)
        assert leaving.child.wait(timeout=30) == 0


async def test_sigterm_while_joining_ends_the_process(
    kafka: Kafka, unique_name: str, start: Callable[..., Process]
) -> None:
    """The group waits a minute for a dead member; the new one does not have to wait with it."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=1)
    dead = start(kafka.bootstrap, unique_name, LONG_SESSION_MS)
    await until(lambda: dead.assigned)
    dead.send(SIGKILL)
    joining = start(kafka.bootstrap, unique_name)
    await until(lambda: joining.said("ready"))
    await asyncio.sleep(2.0)
    assert not joining.assigned
    joining.send(SIGTERM)
    await until(lambda: joining.child.poll() is not None)
    assert joining.child.returncode == 0


async def test_a_waiting_batch_is_cancelled_before_the_handler_releases(
    kafka: Kafka, unique_name: str
) -> None:
    """A rebalance does not wait for back-pressure; the batch comes again afterwards."""

    class Blocked(Memory):
        def __init__(self) -> None:
            super().__init__()
            self.open = asyncio.Event()
            self.waiting = 0

        async def batch(self, partition: Partition, records: list[Any]) -> None:
            self.waiting += 1
            try:
                await self.open.wait()
            finally:
                self.waiting -= 1
            await super().batch(partition, records)

        async def revoked(self, partitions: frozenset[Partition]) -> None:
            assert self.waiting == 0
            await super().revoked(partitions)

    await fill(kafka.bootstrap, unique_name, partitions=2, records=20)
    blocked, other = Blocked(), Memory()
    async with running(worker(kafka.bootstrap, unique_name, blocked)):
        await until(lambda: blocked.waiting == 2)
        async with running(worker(kafka.bootstrap, unique_name, other)):
            await until(lambda: other.count == 20 and blocked.waiting == 1)
            blocked.open.set()
            await until(lambda: blocked.count == 20)
    assert not blocked.delivered.keys() & other.delivered.keys()


async def test_a_claim_under_way_gives_way_to_a_rebalance(kafka: Kafka, unique_name: str) -> None:
    """It is cancelled, released, and made anew: Faust alone would lose its recovery task, silently."""

    class SlowOnce(Memory):
        async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
            offsets = await super().assigned(partitions)
            if self.calls == ["assigned"]:
                try:
                    await asyncio.Event().wait()
                finally:
                    self.calls.append("cancelled")
            return offsets

    await fill(kafka.bootstrap, unique_name, partitions=2, records=20)
    slow, other = SlowOnce(), Memory()
    async with running(worker(kafka.bootstrap, unique_name, slow)):
        await until(lambda: slow.calls)
        async with running(worker(kafka.bootstrap, unique_name, other)):
            await until(lambda: slow.count == other.count == 20)
            assert slow.calls == ["assigned", "cancelled", "revoked", "assigned"]


async def test_a_killed_broker_that_comes_back_is_read_on(
    new_kafka: Callable[[], Kafka], unique_name: str
) -> None:
    """Every record once and in order, across the outage."""
    broker = new_kafka()
    await fill(broker.bootstrap, unique_name, partitions=2, records=50)
    memory = Memory()
    async with running(worker(broker.bootstrap, unique_name, memory)):
        await until(lambda: memory.count == 100)
        broker.kill9()
        broker.start()
        for partition in range(2):
            await produce(broker.bootstrap, unique_name, partition, [b"after"] * 50)
        await until(lambda: memory.count == 200)
    assert memory.delivered == {Partition(unique_name, p): list(range(100)) for p in range(2)}
