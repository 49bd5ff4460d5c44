"""Looks at live numbers all the time, as a wallboard does: are they there, and do they move?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from stream.config import Config
from stream.metrics.catalog import load_catalog
from stream.query.model import Question
from stream.query.query import Queries
from stream.shard.family import COUNTED
from stream.store import RedisStore, StoreError
from stream.store.reports import WorkerReport

EVERY_S = 0.2
PATIENCE_S = 1.0
SETTLED_MS = 3_000
"""Numbers that have been up to date for so long after a fault have recovered from it."""
WINDOW_MS = 3_600_000


@dataclass
class Trouble:
    """One fault, and the longest stall of live numbers while it was open. Instants in s of the run."""

    kind: str
    alone: bool
    began_s: float
    ended_s: float | None = None
    stall_ms: int = 0
    note: str = ""


@dataclass
class Watch:
    """A stall is the time for which not all numbers have been known any further than before. (When Redis goes
    back to a snapshot they go back with it: that, too, lasts until they are further than ever.)"""

    config: Config
    troubles: list[Trouble] = field(default_factory=list)
    answers: int = 0
    refused: int = 0
    """Questions that got no answer."""
    commits: dict[str, int] = field(default_factory=dict)
    """By process, as its last report said: what it did after that is missing."""
    refusals: dict[str, int] = field(default_factory=dict)
    known_ms: int = 0
    """Up to this instant all numbers have been known: what is behind every answer's `fresh_ms`."""

    def __post_init__(self) -> None:
        self._open: list[Trouble] = []
        self._began_s = time.monotonic()

    @property
    def stall_ms(self) -> int:
        """Of now; about a second when all is well, as that is how often freshness is noted."""
        return _wall_ms() - self.known_ms if self.known_ms else 0

    @property
    def at_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began_s

    def begin(self, kind: str, alone: bool) -> Trouble:
        """From now on stalls are this fault's (too)."""
        trouble = Trouble(kind, alone, self.at_s)
        self._open.append(trouble)
        self.troubles.append(trouble)
        return trouble

    def end(self, trouble: Trouble) -> None:
        """Until now."""
        trouble.ended_s = self.at_s
        self._open.remove(trouble)

    async def settled(self) -> None:
        """Returns when all numbers have been up to date for a while from now on."""
        now_ms = _wall_ms()
        while self.known_ms < now_ms + SETTLED_MS:
            await asyncio.sleep(EVERY_S)

    async def run(self) -> None:
        """Until cancelled."""
        store = RedisStore(self.config.redis, PATIENCE_S)
        queries = Queries(load_catalog(), self.config, store)
        try:
            while True:
                await self._look(store, queries)
                for trouble in self._open:
                    trouble.stall_ms = max(trouble.stall_ms, self.stall_ms)
                await asyncio.sleep(EVERY_S)
        finally:
            await store.close()

    async def _look(self, store: RedisStore, queries: Queries) -> None:
        now_ms = _wall_ms()
        try:
            await queries.ask(Question("ticket_volume", now_ms, now_ms - WINDOW_MS, now_ms))
            fences = await store.fences_of(COUNTED)
            reports = await store.reports()
        except StoreError:
            self.refused += 1
            return
        self.answers += 1
        fresh = [fence.fresh for shards in fences.values() for fence in shards.values()]
        self.known_ms = max(self.known_ms, min(fresh, default=0))
        for report in reports:
            if isinstance(report, WorkerReport):
                self.commits[report.name] = sum(report.commits.counts)
                self.refusals[report.name] = report.refusals


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
