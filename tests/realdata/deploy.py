"""Real data on its way through Kafka, workers and Redis, and what a reader then gets.

Each data set comes in order to one worker, and shuffled within a day, every event twice, to three. What the
numbers must be, expected.py says; that it agrees with the published truth, test_realdata_expected.py.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from stream.metrics.catalog import load_catalog
from stream.query.plain import answer, as_plain
from stream.query.request import Request
from stream.query.windows import Calendar
from stream.shard.family import COUNTED, INPUTS
from stream.sources.prepare import Prepared, prepare
from stream.sources.publish import Publisher
from stream.sources.topics import topic_names
from tests.realdata import adapters
from tests.realdata.where import in_part
from tests.rig.pipeline import Pipeline, Process, pipeline, until

ADAPTERS = {
    "bank": adapters.bank, "bank_week": adapters.bank_week, "servicenow": adapters.servicenow,
    "sfo": adapters.sfo,
}  # fmt: skip
PARTITIONS = 6
SEED = 1999
DAY = timedelta(1)
DAY_MS = 86_400_000

Values = dict[str, Any]


class Way(NamedTuple):
    """How events come in: by `floorcast import`, or `mixed` (shuffled within each day, every event twice)."""

    name: str
    workers: int
    mixed: bool


IN_ORDER = Way("in order", 1, mixed=False)
MIXED = Way("shuffled within a day, doubled, 3 workers", 3, mixed=True)


class Source(NamedTuple):
    """A raw file, the adapter for it, and an instant (RFC 3339) when all of it is over. `every`: only
    the events of about one subject in so many."""

    adapter: str
    file: Path
    over: str
    every: int = 1

    def events(self) -> Iterator[dict[str, Any]]:
        """What the adapter tells, in the order of the file."""
        return (event for event in ADAPTERS[self.adapter](str(self.file)) if self.has(event["subject"]))

    def has(self, subject: str) -> bool:
        """Whether it is one of them."""
        return in_part(subject, self.every)


@contextmanager
def over_one_log(
    bootstrap: str, redis_url: str, directory: Path, *settings: dict[str, str]
) -> Iterator[list[Pipeline]]:
    """Deployments for history that read the same topics, one for each of the settings (see `pipeline`)."""
    log = f"t{uuid4().hex[:12]}"
    topics = {f"KAFKA_TOPICS_{family.upper()}": f"{log}.{family}" for family in (*COUNTED, "deadletters")}
    with ExitStack() as opened:
        yield [
            opened.enter_context(
                pipeline(bootstrap, redis_url, f"{log}-{n}", directory, CLOCK="events", **topics, **own)
            )
            for n, own in enumerate(settings)
        ]


async def bring_in(deployments: list[Pipeline], source: Source, way: Way) -> None:
    """Puts the data into the log, reads it into Redis with so many workers for each deployment, stops them.

    In order, the workers find the log complete, and time stays at its end. Mixed, they share the partitions
    before the first event comes, and time moves to `source.over`.
    """
    await deployments[0].create_topics(PARTITIONS)
    arguments = ("--until", source.over) if way.mixed else ()
    if way.mixed:
        workers = [[one.worker(*arguments) for _ in range(way.workers)] for one in deployments]
        await until(lambda: all(shares(team) for team in workers))
        await publish_mixed(deployments[0], source)
    else:
        assert source.every == 1, "a file is imported whole"
        name = f"{adapters.__file__}:{source.adapter}"
        status, output = await deployments[0].run("import", str(source.file), "--adapter", name)
        assert status == 0, output
        workers = [[one.worker()] for one in deployments]
    await asyncio.gather(*(one.wait() for one in deployments))
    for worker in (worker for team in workers for worker in team):
        worker.stop()


def shares(workers: list[Process]) -> bool:
    """Whether each of the workers has as many partitions as the others, and together they have all."""
    counts = []
    for worker in workers:
        lines = re.findall(r" (assigned|released) (.*)", worker.output)
        has = lines[-1][1].split(", ") if lines and lines[-1][0] == "assigned" else []
        counts.append(sum(len(topic.split("/")[1].split(",")) for topic in has))
    return sum(counts) == PARTITIONS * len(COUNTED) and len(set(counts)) == 1


async def publish_mixed(deployment: Pipeline, source: Source) -> None:
    """Every event twice, shuffled within its day (UTC), under its own time."""
    topics = topic_names(deployment.config.kafka)
    async with Publisher(deployment.config.kafka) as publisher:
        for event in _mixed(prepared(deployment, source)):
            await publisher.publish(topics[event.family], event.key, event.value, event.recorded_ms)


def prepared(deployment: Pipeline, source: Source) -> list[Prepared]:
    """The events of a source, checked, in the order of the file."""
    limit = deployment.config.max_event_bytes
    return [prepare(event, limit) for event in source.events()]


def _mixed(events: Iterable[Prepared]) -> list[Prepared]:
    chance = random.Random(SEED)
    twice = [event for event in events for _ in range(2)]
    return sorted(twice, key=lambda event: (event.recorded_ms // DAY_MS, chance.random()))


async def assert_intact(deployment: Pipeline, source: Source, way: Way) -> None:
    """Every record read, none of them a dead letter, copies found out; of the harder way every key is what
    the log says, which takes as long again."""
    events = events_of(source)
    journal = await journal_of(deployment)
    assert journal["records"] == (2 * events if way.mixed else events)
    assert journal["duplicates"] == (events if way.mixed else 0)
    assert not [name for name in journal if name.startswith(("refused", "lost"))], journal
    if way.mixed:
        verdict = await deployment.verify()
        assert verdict.same, verdict.output


@lru_cache
def events_of(source: Source) -> int:
    """How many events the source has."""
    return sum(1 for _ in source.events())


async def journal_of(deployment: Pipeline) -> Counter[str]:
    """The journals of the shards that read inputs, added up."""
    total: Counter[str] = Counter()
    async with deployment.store() as store:
        for family in INPUTS:
            for partition in range(PARTITIONS):
                total.update((await store.restore(family, partition)).journal)
    return total


class Asked(NamedTuple):
    """What `floorcast query --json` prints as `rows`, easier to find: by end of the window, and group."""

    rows: list[dict[str, Any]]

    def one(self) -> Values:
        """The values of the only row."""
        (row,) = self.rows
        values: Values = row["values"]
        return values

    def by_end(self) -> dict[datetime, Values]:
        """End of a step -> values."""
        found = {datetime.fromisoformat(row["at"]): row["values"] for row in self.rows}
        assert len(found) == len(self.rows)
        return found

    def by(self, dimension: str) -> dict[str, Values]:
        """Value of the dimension -> values."""
        return {row["by"][dimension]: row["values"] for row in self.rows}


async def ask(deployment: Pipeline, metric: str, request: Request) -> Asked:
    """What `floorcast query` answers, without starting a process for it."""
    config = deployment.config
    async with deployment.store() as store:
        now_ms = time.time_ns() // 1_000_000
        told = await answer(config, store, load_catalog(), metric, request, now_ms)
    return Asked(as_plain(told, Calendar(config.timezone))["rows"])


each_way = pytest.fixture(scope="module", params=[IN_ORDER, MIXED], ids=[IN_ORDER.name, MIXED.name])
"""A fixture of a module that has both ways; the way is its parameter."""


class Read(NamedTuple):
    """A data set that is in Redis, and how it came there. `deployments`: one for each of the settings."""

    source: Source
    way: Way
    deployments: list[Pipeline]

    @property
    def only(self) -> Pipeline:
        """The deployment, where there is one."""
        (deployment,) = self.deployments
        return deployment


def read_in(request: pytest.FixtureRequest, source: Source, *settings: dict[str, str]) -> Iterator[Read]:
    """Brings the source in, the way that the fixture's parameter says."""
    kafka, redis = (request.getfixturevalue(name) for name in ("kafka", "redis_server"))
    logs: Path = request.getfixturevalue("tmp_path_factory").mktemp(source.adapter)
    way: Way = request.param
    with over_one_log(kafka.bootstrap, redis.url(), logs, *settings) as deployments:
        asyncio.run(bring_in(deployments, source, way))
        yield Read(source, way, deployments)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)
