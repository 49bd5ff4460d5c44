"""A deployment of one test's own on real servers: topics, group, namespace, and `floorcast` processes."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.config import Config, load
from stream.embedded.child import Child
from stream.floor.mix import mix
from stream.metrics.catalog import load_catalog
from stream.metrics.formula import Values
from stream.query.model import Question
from stream.query.query import Queries
from stream.shard.changes import Fence
from stream.shard.family import INPUTS
from stream.sources.broker import partition_counts
from stream.sources.publish import Publisher
from stream.sources.topics import create_topics, topic_names
from stream.store import RedisStore
from tests.rig.kafka import PROJECT_ROOT

PATIENCE_S = 300.0
RATE = 20.0
"""Events of a mix per second of event time."""
SUPERVISED = (
    "import sys; from stream.cli.supervise import Part, Supervisor, ended_by_signals\n"
    "with ended_by_signals(): sys.exit(Supervisor([Part('worker', ['worker'])]).run())"
)
"""A worker that is started again when it fails, as `floorcast run` does."""

Told = tuple[str, dict[str, Any]]
"""(topic family, CloudEvent), as the floor tells them."""
Sent = tuple[str, bytes, bytes]
"""(topic, key, value)."""


class Process:
    """A `floorcast` process, by pid, and what it has said."""

    def __init__(self, child: Child, log: Path) -> None:
        self._child = child
        self._log = log
        self.pid = child.pid

    @property
    def output(self) -> str:
        """Everything that it has printed so far, its children's lines too."""
        return self._log.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.exit_code

    def children(self) -> list[int]:
        """Process ids of its children."""
        return children_of(self.pid)

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, SIGCONT)

    def kill9(self) -> None:
        """SIGKILL: nothing is released."""
        assert self.exit_code is None, self.output
        os.kill(self.pid, SIGKILL)
        self._child.kill()

    def ask_to_end(self) -> None:
        """SIGTERM, and no waiting."""
        self._child.terminate()

    def stop(self) -> None:
        """SIGTERM; fails when it does not end clean."""
        assert self.exit_code is None, self.output
        self._child.stop(timeout_s=60)
        assert self.exit_code == 0, self.output

    def end(self) -> None:
        """Whatever state it is in."""
        self._child.kill()

    async def ended(self) -> int:
        """Its exit status, when it has ended by itself."""
        await until(lambda: self.exit_code is not None)
        assert self.exit_code is not None
        return self.exit_code


@dataclass(frozen=True)
class Verdict:
    """What `floorcast verify` said: exit status and output."""

    status: int
    output: str

    @property
    def same(self) -> bool:
        """Equal, and something was compared."""
        return self.status == 0 and "no differences" in self.output


class Pipeline:
    """Configuration by environment alone, like a container's. `settings` are further FLOORCAST_ variables."""

    def __init__(
        self, bootstrap: str, redis_url: str, name: str, directory: Path, cleanup: ExitStack,
        settings: dict[str, str],
    ) -> None:  # fmt: skip
        topics = {
            f"FLOORCAST_KAFKA_TOPICS_{family.upper()}": f"{name}.{family}"
            for family in (*Config().kafka.topics.__struct_fields__,)
        }
        self.settings = {
            "FLOORCAST_KAFKA_BOOTSTRAP": bootstrap,
            "FLOORCAST_KAFKA_GROUP": name,
            "FLOORCAST_REDIS_URL": redis_url,
            "FLOORCAST_REDIS_NAMESPACE": name,
            **topics,
            **settings,
        }
        self.config = load(None, self.settings)
        self._directory = directory
        self._cleanup = cleanup
        self._started = 0

    async def create_topics(self, partitions: int = 2) -> None:
        """All of the contract's."""
        await create_topics(self.config, partitions)

    async def publish(self, events: Iterable[Told], per_second: float | None = None) -> None:
        """Puts events into the log, as `put` does."""
        await self.put((self.record(family, event) for family, event in events), per_second)

    def record(self, family: str, event: dict[str, Any]) -> Sent:
        """An event as it is sent."""
        topic = topic_names(self.config.kafka)[family]
        return topic, event["subject"].encode(), msgspec.json.encode(event)

    async def put(self, records: Iterable[Sent], per_second: float | None = None) -> None:
        """Puts records into the log, with the wall's time; not faster than `per_second`."""
        began = time.monotonic()
        async with Publisher(self.config.kafka) as publisher:
            for n, record in enumerate(records):
                await publisher.publish(*record)
                if per_second is not None and n % 50 == 49:
                    await asyncio.sleep(max(0.0, began + n / per_second - time.monotonic()))

    def worker(self, *arguments: str, **settings: str) -> Process:
        """Starts `floorcast worker`; `settings` are further variables for it alone."""
        return self.start("worker", *arguments, **settings)

    def start(self, *arguments: str, **settings: str) -> Process:
        """Starts any `floorcast` command."""
        return self._start(["-m", "stream", *arguments], settings)

    def start_python(self, *arguments: str) -> Process:
        """Starts another program: arguments of the interpreter."""
        return self._start(arguments, {})

    def supervised(self) -> Process:
        """Starts a supervisor of one `floorcast worker`."""
        return self.start_python("-c", SUPERVISED)

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Runs a `floorcast` command to its end: exit status and output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "stream", *arguments, env=self._environment({}),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 2 * PATIENCE_S)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def wait(self) -> None:
        """`floorcast wait`: returns when all that is in the log is in Redis."""
        status, output = await self.run("wait", "--timeout", str(PATIENCE_S))
        assert status == 0, output + self.told()

    async def verify(self) -> Verdict:
        """`floorcast verify`."""
        return Verdict(*await self.run("verify"))

    @asynccontextmanager
    async def store(self) -> AsyncIterator[RedisStore]:
        """The store, for looking."""
        store = RedisStore(self.config.redis, patience_s=10)
        try:
            yield store
        finally:
            await store.close()

    async def ends(self) -> dict[TopicPartition, int]:
        """The next offset of every partition that is counted, as a real broker tells it (Tansu errs)."""
        topics = [getattr(self.config.kafka.topics, family) for family in INPUTS]
        async with AIOKafkaConsumer(bootstrap_servers=self.config.kafka.bootstrap) as consumer:
            counts = await partition_counts(consumer._client)
            places = [TopicPartition(topic, p) for topic in topics for p in range(counts[topic])]
            ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
            return ends

    async def fences(self) -> dict[str, Fence]:
        """`family:partition` -> fence, of all shards that there are."""
        async with self.store() as store:
            return {
                f"{family}:{partition}": fence
                for family in INPUTS
                for partition, fence in (await store.fences(family)).items()
            }

    async def read(self) -> int:
        """How many records of the log are in Redis."""
        return sum(fence.offset for fence in (await self.fences()).values())

    async def until_read(self, count: int) -> None:
        """Returns when so many records are in Redis."""
        async with self.store() as store, asyncio.timeout(PATIENCE_S):
            while True:
                shards = [fence for family in INPUTS for fence in (await store.fences(family)).values()]
                if sum(fence.offset for fence in shards) >= count:
                    return
                await asyncio.sleep(0.01)

    async def journal(self) -> Counter[str]:
        """The journals of all shards, added up."""
        total: Counter[str] = Counter()
        async with self.store() as store:
            for family in INPUTS:
                for counts in (await store.journals(family)).values():
                    total.update(counts)
        return total

    async def ask(self, metric: str) -> Values:
        """All values of a metric over the last two hours, ungrouped."""
        now_ms = time.time_ns() // 10_000_000_000 * 10_000 + 10_000
        question = Question(metric, now_ms, now_ms - 7_200_000, now_ms)
        async with self.store() as store:
            (row,) = (await Queries(load_catalog(), self.config, store).ask(question)).rows
        return row.values

    def told(self) -> str:
        """What all processes have printed, for the message of a failure."""
        logs = sorted(self._directory.glob("*.log"))
        return "".join(f"\n--- {log.name}\n{log.read_text(errors='replace')}" for log in logs)

    def _start(self, arguments: Sequence[str], settings: dict[str, str]) -> Process:
        self._started += 1
        log = self._directory / f"{self.config.kafka.group}-{self._started}.log"
        child = Child("floorcast", [sys.executable, *arguments], log, self._environment(settings))
        process = Process(child, log)
        self._cleanup.callback(process.end)
        return process

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("FLOORCAST_")}
        return {**ours, "PYTHONPATH": str(PROJECT_ROOT), **self.settings, **settings}


@contextmanager
def pipeline(
    bootstrap: str, redis_url: str, name: str, directory: Path, **settings: str
) -> Iterator[Pipeline]:
    """A deployment; what still runs of it is killed at the end. `settings`: e.g. `HORIZON="9d"`."""
    with ExitStack() as cleanup:
        variables = {f"FLOORCAST_{key}": value for key, value in settings.items()}
        yield Pipeline(bootstrap, redis_url, name, directory, cleanup, variables)


def recent_mix(count: int, seed: int = 1) -> list[Told]:
    """So many events, the last of them some seconds ago."""
    start_ms = time.time_ns() // 1_000_000 - int(count * 1000 / RATE) - 5_000
    return list(mix(count, seed, start_ms=start_ms, rate=RATE))


def expected(events: Iterable[Told]) -> dict[str, int]:
    """What the metrics must say of a mix, counted from its events by type (see stream/floor/stories.py)."""
    by_type = Counter(event["type"] for _, event in events)
    resolved = by_type["ticket.resolved"] - by_type["ticket.reopened"]
    return {
        "ticket_volume": by_type["ticket.created"],
        "tickets_reopened": by_type["ticket.reopened"],
        "tickets_resolved": resolved,
        "backlog": by_type["ticket.created"] - resolved,
        "calls_offered": by_type["call.offered"],
        "calls_answered": by_type["call.answered"],
        "calls_abandoned": by_type["call.abandoned"],
        "surveys_sent": by_type["survey.sent"],
        "surveys_answered": by_type["survey.responded"],
    }


async def counted(deployment: Pipeline) -> dict[str, float | None]:
    """The same figures as `expected`, read from Redis as every reader does."""
    names = [name for name in expected([]) if not name.startswith("surveys_")]
    figures = {name: (await deployment.ask(name))["value"] for name in names}
    surveys = await deployment.ask("survey_response_rate")
    return {
        **figures,
        "surveys_sent": surveys["denominator"],
        "surveys_answered": surveys["numerator"],
    }


def children_of(pid: int) -> list[int]:
    """Process ids of a process's children (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def until(what: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Returns when it is true."""
    async with asyncio.timeout(patience_s):
        while not what():
            await asyncio.sleep(0.02)


async def a_moment(least_s: float, most_s: float) -> None:
    """A random pause: faults come when they like."""
    await asyncio.sleep(random.uniform(least_s, most_s))
