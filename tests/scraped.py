"""A running exporter of a small floor, and what a scrape of it says, for the tests of `/metrics`."""

import asyncio
import shutil
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.config import Config, ExporterConfig
from stream.serve.exporter import Exporter
from tests.answers import REPLY, TEAM_A, Told, floor, ms

NOW = "2026-03-02T10:00:00"
CONFIG = Config(exporter=ExporterConfig(port=0))
GROUPS = CONFIG.exporter.groups_max
TICKETS: list[Told] = [
    ("2026-03-02T08:30:00", "ticket.created", "T1", TEAM_A),
    ("2026-03-02T09:30:00", "ticket.created", "T2", {"ticket": {"team": 'b "quoted"\n'}}),
    ("2026-03-02T09:40:00", "ticket.message_added", "T1", REPLY),
    ("2026-03-02T09:45:00", "ticket.created", "T3", {}),
    ("2026-03-02T09:45:00", "ticket.message_added", "T3", {"message": {}}),
]
CALLS: list[Told] = [
    ("2026-03-02T09:10:00", "call.queued", "C1", {"call": {"queue": "sales"}}),
    ("2026-03-02T09:10:15", "call.answered", "C1", {}),
    ("2026-03-02T09:20:00", "call.queued", "C2", {"call": {"queue": "sales"}}),
    ("2026-03-02T09:21:00", "call.abandoned", "C2", {}),
    ("2026-03-02T09:58:00", "call.queued", "C3", {"call": {"queue": "help"}}),
]
SURVEYS: list[Told] = [
    ("2026-03-02T09:00:00", "survey.responded", "S1", {"survey": {"kind": "csat"}, "response": {"score": 5}}),
    ("2026-03-01T09:00:00", "survey.responded", "S2", {"survey": {"kind": "nps"}, "response": {"score": 9}}),
]
AGENTS: list[Told] = [
    ("2026-03-02T09:00:00", "agent.logged_in", "ann", {}),
    ("2026-03-02T09:45:00", "agent.state_changed", "ann", {"state": "busy"}),
]


class Scraped:
    """The samples of one answer."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = {family.name: family for family in families}
        self._samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }
        assert len(self._samples) == sum(len(family.samples) for family in families), "no series twice"

    def value(self, name: str, **labels: str) -> float:
        """The value of one series."""
        return self._samples[f"support_{name}", tuple(sorted(labels.items()))]

    def all(self, name: str, label: str, **where: str) -> dict[str, float]:
        """The values of a name by one label, of the series whose other labels are these."""
        found = {}
        for (family, labels), value in self._samples.items():
            if family == f"support_{name}" and where.items() <= dict(labels).items():
                assert dict(labels)[label] not in found, "more than one series"
                found[dict(labels)[label]] = value
        return found


class Served:
    """A running exporter of a floor whose worker had last caught up at NOW."""

    def __init__(self, config: Config, source: Any) -> None:
        self.wall = "2026-03-02T10:00:01"
        self._exporter = Exporter(config, source, lambda: ms(self.wall))
        self.url = self._exporter.start()

    async def get(self, path: str, accept: str = "text/plain") -> tuple[int, str]:
        """Status and body."""
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        return await asyncio.to_thread(fetch, request)

    async def scrape(self) -> Scraped:
        """All samples."""
        status, text = await self.get("/metrics")
        assert status == 200, text
        return Scraped(list(parse_text(text)))

    async def read(self) -> None:
        """Has it read everything anew."""
        await self._exporter.read()

    async def stop(self) -> None:
        """Ends it."""
        await self._exporter.stop()


def fetch(request: urllib.request.Request) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def lint(text: str) -> str:
    """What `promtool check metrics` finds to mend."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    process = await asyncio.create_subprocess_exec(
        tool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate(text.encode())
    return said.decode() or (f"status {process.returncode}" if process.returncode else "")


Serve = Callable[..., Served]


@asynccontextmanager
async def serving() -> AsyncIterator[Serve]:
    """Starts exporters, by default of the small floor, and ends them."""
    running: list[Served] = []

    def start(config: Config = CONFIG, source: Any = None, **events: list[Told]) -> Served:
        told = events or {"tickets": TICKETS, "calls": CALLS, "surveys": SURVEYS, "agents": AGENTS}
        running.append(Served(config, source or floor(config, NOW, None, **told)))
        return running[-1]

    try:
        yield start
    finally:
        for served in running:
            await served.stop()
