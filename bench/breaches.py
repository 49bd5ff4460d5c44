"""From the due instant of a clock to the record in `support.sla` that tells its breach, with many clocks
open; and what a worker's death in the middle costs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from msgspec import json

from bench.events import Event, Log, now_ms
from bench.results import percentile
from bench.servers import Deployment, fill
from bench.workers import Progress, workers
from stream.events.instants import to_ms
from stream.events.sla import decode_sla
from stream.floor.telling import rfc3339
from stream.sources.security import client_options

TARGET_MS = 3_600_000
DUE_OVER_MS = 600_000
"""Over so long all clocks come due, evenly."""
LOADING_MS = 45_000
"""So long before the first comes due the log is made, so that the worker has read it by then."""
LATER_S = 30.0
"""So long after the last one that is looked at came due its breach may still arrive."""


@dataclass(slots=True)
class Breaches:
    """What was seen: how long after its due instant each breach was readable (ms), and how often each id."""

    waits_ms: dict[str, int] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def between(self, from_ms: int, to_ms: int) -> list[int]:
        """The waits of those due in a span, ascending. Ids end with the due instant."""
        due = {ident: int(ident.rsplit("/", 1)[1]) for ident in self.waits_ms}
        return sorted(wait for ident, wait in self.waits_ms.items() if from_ms <= due[ident] < to_ms)


@dataclass(frozen=True, slots=True)
class Found:
    """Percentiles of the calm half, ms, and the longest wait of the half in which a worker died; `missing`
    and `twice`: breaches of which no record, or several, were seen."""

    calm: int
    p50_ms: int
    p99_ms: int
    max_ms: int
    after_kill_max_ms: int
    missing: int
    twice: int


async def breaches(of: Deployment, tickets: int, seconds: float, core: int) -> Found:
    """Opens so many clocks, and looks at those that come due in twice `seconds`."""
    begin_ms = now_ms() + LOADING_MS
    await fill(of, _tickets(tickets, begin_ms))
    middle_ms, end_ms = begin_ms + int(seconds * 1000), begin_ms + int(2 * seconds * 1000)
    found = Breaches()
    watching = asyncio.create_task(_watch(of, found))
    try:
        with workers(of, [core]) as first:
            async with Progress(of, first) as progress:
                await progress.committed(tickets)
            await _until(middle_ms)
            first.children[0].kill()
            with workers(of, [core]):
                await _until(end_ms)
                await asyncio.sleep(LATER_S)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    calm, after = found.between(begin_ms, middle_ms), found.between(middle_ms, end_ms)
    expected = int(2 * seconds * 1000 * tickets / DUE_OVER_MS)
    return Found(
        len(calm), percentile(calm, 50), percentile(calm, 99), calm[-1], after[-1],
        expected - len(calm) - len(after), sum(count > 1 for count in found.seen.values()),
    )  # fmt: skip


def _tickets(tickets: int, begin_ms: int) -> Log:
    """Tickets whose first reply comes due evenly from `begin_ms` on; they arrive now."""
    log = Log()
    at_ms = now_ms()
    for place in range(tickets):
        created_ms = begin_ms + place * DUE_OVER_MS // tickets - TARGET_MS
        subject = f"bench:T{place:06d}"
        event = {
            "specversion": "1.0", "id": f"e{place}", "source": "bench", "type": "ticket.created",
            "subject": subject, "time": rfc3339(created_ms),
            "data": {"ticket": {"channel": "email", "priority": "normal", "team": f"team-{place % 5}"}},
        }  # fmt: skip
        log.events.append(Event("tickets", subject.encode(), json.encode(event), at_ms))
    return log


async def _watch(of: Deployment, found: Breaches) -> None:
    consumer = AIOKafkaConsumer(
        of.config.kafka.topics.sla, **client_options(of.config.kafka), auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )  # fmt: skip
    await consumer.start()
    try:
        async for record in consumer:
            at_ms = now_ms()
            event = decode_sla(record.value)
            if event.kind == "breached":
                found.seen[event.id] += 1
                found.waits_ms.setdefault(event.id, at_ms - to_ms(event.time))
    finally:
        await consumer.stop()


async def _until(at_ms: int) -> None:
    await asyncio.sleep(max(0.0, at_ms / 1000 - time.time()))
