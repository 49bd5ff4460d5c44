"""Everything that the processes of one run share: log, server, clocks, luck, and what has happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stream.config import Config, parse
from stream.worker.ports import Partition
from tests.simulation.ledger import Ledger
from tests.simulation.log import Log, Part
from tests.simulation.plan import Json, Plan
from tests.simulation.process import CURRENT
from tests.simulation.server import Server

if TYPE_CHECKING:
    from tests.simulation.group import Group

START_MS = 1_772_450_000_000
"""2026-03-02, a Monday."""
USUAL_S = (0.0002, 0.003)
SLOW_S = (0.05, 0.8)
SLOW_SHARE = 0.01
SLA_PARTITIONS = 2


@dataclass(frozen=True)
class Delivery:
    """What a destination was given."""

    to: str
    id: str
    key: str
    kind: str
    again: bool
    by: str


@dataclass
class World:
    """One run's."""

    plan: Plan
    server: Server
    random: Random = field(init=False)
    config: Config = field(init=False)
    """What a process that starts now is given."""
    log: Log = field(init=False)
    ledger: Ledger = field(init=False)
    group: Group = field(init=False)
    jump_ms: int = 0
    furthest_ms: int = 0
    later_s: float = 0.0
    """When the hour at the end passes."""
    redis_down: bool = False
    kafka_silent: bool = False
    remembered: bool = False
    refusing: bool | None = None
    """Destinations fail; true: what they were given arrives all the same."""
    repeating: bool = False
    """What is produced comes twice."""
    deliveries: list[Delivery] = field(default_factory=list)
    committed: dict[int, int] = field(default_factory=dict)
    """Of the dispatchers' group, by partition of the topic of clocks."""
    happened: Counter[str] = field(default_factory=Counter)
    history: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(f"run {self.plan.seed}")
        self.config = configured(self.plan.settings, self.server)
        topics = self.config.kafka.topics
        counted = ("tickets", "calls", "surveys", "selfservice", "agents", "contacts")
        partitions = {getattr(topics, name): self.plan.families.get(name, 0) for name in counted}
        partitions |= {
            topics.sla: SLA_PARTITIONS, topics.alerts: 1, topics.acknowledgements: 1, topics.config: 1,
            topics.deadletters: 1,
        }  # fmt: skip
        if not partitions[topics.contacts]:
            partitions[topics.contacts] = 1
        self.log = Log(partitions)
        self.ledger = Ledger(self.config.worker.batch_records)

    def wall_ms(self) -> int:
        """The clock of the process at hand; without one the true time."""
        process = CURRENT.get(None)
        skew_ms = process.skew_ms if process is not None else 0
        return START_MS + self.jump_ms + skew_ms + round(asyncio.get_running_loop().time() * 1000)

    def part(self, family: str, partition: int) -> Part:
        """The log of a shard."""
        return self.log.part(Partition(getattr(self.config.kafka.topics, family), partition))

    def unread_since_ms(self, family: str, partition: int, offset: int) -> int | None:
        """When the record at an offset came, by every clock; `None` if there is none, or clocks were set."""
        part = self.part(family, partition)
        if self.happened["jump"] or offset >= part.end:
            return None
        return START_MS + self.jump_ms + round(part.came_s[offset] * 1000)

    def jump(self, ms: int) -> None:
        """All clocks are set."""
        self.jump_ms += ms
        self.furthest_ms = max(self.furthest_ms, self.jump_ms)

    def told(self, text: str) -> None:
        """Something happened."""
        self.history.append(f"{asyncio.get_running_loop().time():8.3f} s  {text}")

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.random.random() < share

    async def delay(self) -> None:
        """The network takes its time."""
        await asyncio.sleep(self.random.uniform(*(SLOW_S if self.chance(SLOW_SHARE) else USUAL_S)))

    def quietly(self, act: Callable[[], object]) -> None:
        """What a request does that comes again, whose answer nobody waits for."""
        with suppress(Exception):
            act()


def configured(settings: Json, server: Server) -> Config:
    """The configuration of a deployment on this server."""
    config = parse(settings)
    return replace(config, redis=replace(config.redis, url=server.url, namespace="simulated"))
