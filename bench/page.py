"""From a ticket's instant to its number on the page, in a real Chromium."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from msgspec import json

from bench.events import now_ms
from bench.results import percentile
from bench.servers import Deployment
from bench.serving import serving
from bench.workers import Progress, workers
from stream.floor.telling import rfc3339
from stream.sources.publish import Publisher
from stream.sources.topics import PARTITIONS, create_topics
from tests.rig.browser import browser, chromium_program, seen

BETWEEN_S = 0.2
AFTER_S = 3.0
_WATCH = """
window.changes = [];
const tiles = [...document.querySelectorAll("section")];
const backlog = tiles.find((one) => one.querySelector("h2")?.textContent === "Backlog");
const value = backlog.querySelector(".tile-value");
const note = () => window.changes.push([Date.now(), Number(value.textContent.replaceAll(",", ""))]);
new MutationObserver(note).observe(value, { childList: true, characterData: true, subtree: true });
note();
"""


@dataclass(frozen=True, slots=True)
class OnPage:
    """Percentiles over all events, ms."""

    events: int
    p50_ms: int
    p99_ms: int
    max_ms: int


async def on_page(of: Deployment, events: int, cores: tuple[int, int]) -> OnPage:
    """Opens tickets one by one, and watches the backlog on the page of the board `tickets`. `cores`: the
    worker's and the server's. Raises MissingPart without Chromium."""
    await create_topics(of.config, PARTITIONS)
    with workers(of, [cores[0]]) as running, serving(of, cores[1]) as served:
        async with Progress(of, running) as progress:
            await progress.claimed()
        async with (
            browser(chromium_program()) as chromium,
            Publisher(of.config.kafka) as publisher,
            seen(chromium, served.address, "/boards/tickets") as sight,
        ):
            await _open(of, publisher, "first")
            await sight.until("document.querySelector('.tile-value')?.textContent === '1'")
            await sight.page.evaluate(_WATCH)
            opened = []
            for number in range(events):
                opened.append(await _open(of, publisher, f"{number:05d}"))
                await asyncio.sleep(BETWEEN_S)
            await asyncio.sleep(AFTER_S)
            changes = await sight.page.evaluate("window.changes")
    waits = sorted(
        next(at for at, count in changes if count >= 1 + number) - at_ms
        for number, at_ms in enumerate(opened, 1)
    )
    return OnPage(events, percentile(waits, 50), percentile(waits, 99), waits[-1])


async def _open(of: Deployment, publisher: Publisher, name: str) -> int:
    """Opens a ticket now: its instant."""
    at_ms = now_ms()
    event = {
        "specversion": "1.0", "id": name, "source": "bench", "type": "ticket.created",
        "subject": f"page:{name}", "time": rfc3339(at_ms), "data": {"ticket": {"channel": "email"}},
    }  # fmt: skip
    await publisher.publish(
        of.config.kafka.topics.tickets, f"page:{name}".encode(), json.encode(event), at_ms
    )
    return at_ms
