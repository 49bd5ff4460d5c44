"""What Prometheus gets: how long a scrape of very many series takes, and what reading them costs."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from dataclasses import dataclass

import httpx

from bench.machine import cpu_s, memory_mb
from bench.results import percentile
from bench.servers import Deployment
from bench.serving import going_on
from bench.workers import Progress, floorcast, workers
from stream.embedded.probe import HOST

PAUSE_S = 0.1
_OF_EACH_TOPIC = ("tickets_backlog", "calls_waiting", "csat_ratio", "selfservice_sessions", "agents")
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
"""As Prometheus asks; and for gzip."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """Of scrapes one after the other: times (ms), and what they were of."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    series: int
    sent_bytes: int
    reading_s: float
    cpu_share: float
    rss_mb: float


def settings(port: int) -> dict[str, object]:
    """What is exported without any configuration: of the mix more than 10,000 series."""
    return {"exporter": {"port": port}}


async def scrapes(of: Deployment, times: int, cores: tuple[int, int]) -> Scraped:
    """Scrapes so often, while a worker goes on counting 100 events a second. `cores`: the worker's and the
    exporter's."""
    url = f"http://{HOST}:{of.config.exporter.port}/metrics"
    headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip"}
    with workers(of, [cores[0]]) as running, floorcast("exporter", of, cores[1], "exporter") as child:
        async with Progress(of, running) as progress:
            await progress.claimed()
        child.wait_ready(lambda: _answers(url), 60)
        took_ms = []
        async with going_on(of, "scraped"), httpx.AsyncClient(timeout=60) as client:
            await client.get(url, headers=headers)
            await asyncio.sleep(5)
            cpu, began = cpu_s(child.pid), time.perf_counter()
            for _ in range(times):
                start = time.perf_counter()
                async with client.stream("GET", url, headers=headers) as answer:
                    answer.raise_for_status()
                    sent = b"".join([part async for part in answer.aiter_raw()])
                took_ms.append(1000 * (time.perf_counter() - start))
                await asyncio.sleep(PAUSE_S)
            share = (cpu_s(child.pid) - cpu) / (time.perf_counter() - began)
        memory = memory_mb(child.pid, "VmRSS")
    took_ms.sort()
    text = gzip.decompress(sent).decode()
    series = sum(not line.startswith("#") for line in text.splitlines())
    reading = re.search(r"^support_scrape_seconds (\S+)", text, re.MULTILINE)
    return Scraped(
        percentile(took_ms, 50), percentile(took_ms, 99), took_ms[-1], series, len(sent),
        float(reading[1]) if reading else 0.0, share, memory,
    )  # fmt: skip


def _answers(url: str) -> bool:
    try:
        answer = httpx.get(url, timeout=30)
    except httpx.HTTPError:
        return False
    # Until the shards of a topic have caught up its numbers are left out.
    return answer.status_code == 200 and all(f"\nsupport_{name}" in answer.text for name in _OF_EACH_TOPIC)
