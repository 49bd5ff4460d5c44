"""What is measured, in which order, and on how much."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

from redis import Redis

from bench.baselines import limit, stock_faust
from bench.breaches import breaches
from bench.catch_up import CatchUp, catch_up
from bench.core import events_per_cpu_s
from bench.events import BUSY_RATE, DAY_RATE, DAY_S, Log, mean_bytes, mix_log, ticket_log
from bench.exact import check_effect
from bench.latency import latency
from bench.machine import Cores, core_is_compiled, has_pgo, interpreter, processor, share_out, versions
from bench.page import on_page
from bench.rebuild import rebuild
from bench.results import Results, percentile
from bench.scrapes import scrapes
from bench.scrapes import settings as scraped
from bench.servers import Deployment, Servers, deployment, fill, servers
from bench.serving import HISTORY_DAYS, METRICS, TIMED, boards, history, load, questions, viewers
from bench.sizes import Sizes, sizes
from stream.embedded.probe import free_ports
from stream.embedded.redis import SMALL_HASHES
from stream.sources.topics import PARTITIONS, create_topics

TURNS = 3
STOCK_EVENTS = 60_000
CHECKED_EVENTS = 40_000
LIVE_RATE = 5_000
LIVE_S = 20
OPEN_CLOCKS = 100_000
BREACHES_S = 60
DAY_TICKETS = 100_000
DAY_CALLS = 50_000
ASKED = (("7d", None, 50), ("28d", "team", 200))
"""Window, dimension, and what the 99th percentile is to stay under (ms)."""
QUESTIONS = 60
ON_PAGE = 300
BOARDS = 50
WATCHED_RATE = 2_000
WATCHED_S = 20
SCRAPES = 100
REBUILT_RATE = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: events of the mix, and whether the long parts have their full length."""

    events: int
    long: bool

    @property
    def day_events(self) -> int:
        """At 14 a second: the six hours for which 10 s panes are kept, or a whole day."""
        hours = 24 if self.long else 6
        return int(DAY_RATE * DAY_S * hours / 24)

    @property
    def history(self) -> int:
        """Events of four weeks, for what is asked and shown."""
        return 1_000_000 if self.long else 120_000

    @property
    def tickets(self) -> int:
        """For the worker's memory."""
        return 1_000_000 if self.long else 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """What every measurement needs."""

    at: Servers
    cores: Cores
    size: Size
    results: Results
    mix: Log
    busy: Deployment
    """The deployment whose topics hold the mix."""

    def fresh(self, name: str, settings: dict[str, object] | None = None) -> Deployment:
        """A deployment in an empty Redis."""
        self._empty()
        return deployment(self.at, name, settings=settings)

    async def again(self, name: str) -> Deployment:
        """A deployment in an empty Redis that reads the mix."""
        self._empty()
        of = deployment(self.at, name, topics_of=self.busy.name)
        await create_topics(of.config, PARTITIONS)
        return of

    def _empty(self) -> None:
        with Redis.from_url(self.at.redis_url) as redis:
            redis.flushall()


Measurement = Callable[[Run], Awaitable[None]]


async def run(size: Size, wanted: Sequence[str], results: Results) -> None:
    """Measures; every figure goes to the results as it is found. Raises MissingPart, NotExact."""
    cores = share_out()
    _machine(cores, results)
    with servers(cores) as at:
        mix = mix_log(size.events, BUSY_RATE)
        check_effect(mix.head(CHECKED_EVENTS))
        busy = deployment(at, "busy")
        await fill(busy, mix)
        everything = Run(at, cores, size, results, mix, busy)
        for name in wanted:
            print(f"{name} ...", file=sys.stderr, flush=True)
            await MEASUREMENTS[name](everything)


def _machine(cores: Cores, results: Results) -> None:
    print(f"{interpreter()}; {versions()}")
    print(
        f"{processor()}; worker on core {cores.workers[0]}, a second one on {cores.workers[1]}, "
        f"Kafka, Redis and the rest on {', '.join(map(str, cores.others))}"
    )
    results.add("cores", len({*cores.workers, *cores.others}), "cores", processor())
    results.add("core_compiled", int(core_is_compiled()), "1 = by mypyc", interpreter())
    results.add("interpreter_pgo", int(has_pgo()), "1 = built with PGO", interpreter())


async def _pipeline(run: Run) -> None:
    """Ours and stock Faust in turn, as the machine is not always as quick: medians, of the ratios too."""
    ours, stock = [], []
    for turn in range(TURNS):
        of = await run.again(f"pipeline{turn}")
        ours.append(await catch_up(of, run.mix, run.cores.workers[:1]))
        events = min(STOCK_EVENTS, len(run.mix.events))
        stock.append(await stock_faust(run.busy, events, run.cores.workers[0]))
    size = f"{len(run.mix.events):,} events of {mean_bytes(run.mix.events):.0f} B"
    middle = sorted(ours, key=lambda took: took.per_cpu_s)[TURNS // 2]
    seen = ", ".join(f"{took.per_cpu_s:,.0f}" for took in ours)
    note = f"mix 60/35/5, {size}, {BUSY_RATE:g}/s of event time; median of {seen}"
    _note(run, "pipeline", middle, note)
    seen = ", ".join(f"{took.per_cpu_s:,.0f}" for took in stock)
    note = f"Faust as it comes, `async for`, value_serializer json, counts only; median of {seen}"
    run.results.add(
        "stock_faust_events_per_cpu_s", median(took.per_cpu_s for took in stock), "events/CPU-s", note
    )
    ratios = [a.per_cpu_s / b.per_cpu_s for a, b in zip(ours, stock, strict=True)]
    seen = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    run.results.add("pipeline_to_stock_faust", median(ratios), "times", f"never under 7; median of {seen}")


async def _day(run: Run) -> None:
    """The same mix at the rate of a real day: fewer events share a pane. What is left in Redis is weighed."""
    log = mix_log(run.size.day_events, DAY_RATE)
    of = run.fresh("day")
    await fill(of, log)
    took = await catch_up(of, log, run.cores.workers[:1])
    hours = len(log.events) / DAY_RATE / 3600
    _note(run, "catch_up_day", took, f"the mix at {DAY_RATE:g}/s of event time: {hours:.1f} h of a day's log")
    _weigh(run, await sizes(of), log, hours)


def _note(run: Run, name: str, took: CatchUp, note: str) -> None:
    times = (
        f"{took.wall_s:.1f} s, of which CPU {took.cpu_s:.1f} s and {took.waited_s:.1f} s waiting for the core"
    )
    run.results.add(f"{name}_events_per_cpu_s", took.per_cpu_s, "events/CPU-s", note)
    run.results.add(f"{name}_events_per_s", took.per_s, "events/s", times)


def _weigh(run: Run, found: Sizes, log: Log, hours: float) -> None:
    add = run.results.add
    tickets, calls = found.entities["tickets"], found.entities["calls"]
    per_ticket, per_call = found.of_entity("tickets"), found.of_entity("calls")
    told = sum(count for kind, count in log.types.items() if kind.startswith("ticket.")) / max(1, tickets)
    add(
        "redis_bytes_per_ticket",
        per_ticket,
        "B",
        f"state, timer, drop day; {told:.1f} events a ticket, {tickets:,} of them",
    )
    add("redis_bytes_per_call", per_call, "B", f"{calls:,} calls")
    numbers, cells = sum(found.numbers.values()), sum(found.cells.values())
    by_size = ", ".join(f"{size} {count:,}" for size, count in found.numbers.items())
    add(
        "redis_bytes_per_number",
        found.of_cells() / numbers,
        "B",
        f"{numbers:,} numbers in {cells:,} cells ({by_size}); {_settings()}",
    )
    add("redis_cells_mb", found.of_cells() / 1e6, "MB", f"after {hours:.1f} h")
    # 10 s panes are kept for 6 h, so all of them are there; the longer ones grow with the hours of the log.
    longer = 24 / hours
    day = found.of_cells("10s") + longer * (found.of_cells() - found.of_cells("10s"))
    total = day + DAY_TICKETS * per_ticket + DAY_CALLS * per_call
    how = "cells as measured" if longer <= 1.01 else f"longer panes scaled from {hours:.1f} h"
    add("redis_day_mb", total / 1e6, "MB", f"{DAY_TICKETS:,} tickets, {DAY_CALLS:,} calls and cells; {how}")


def _settings() -> str:
    return "Redis with " + ", ".join(f"{name} {value}" for name, value in SMALL_HASHES.items())


async def _core(run: Run) -> None:
    events = run.mix.head(200_000)
    per_cpu_s = await asyncio.to_thread(events_per_cpu_s, events)
    run.results.add(
        "core_events_per_cpu_s", per_cpu_s, "events/CPU-s", "the pure core, no Kafka and no Redis"
    )


async def _limit(run: Run) -> None:
    took = await limit(run.busy, len(run.mix.events), run.cores.workers[0])
    run.results.add(
        "limit_events_per_cpu_s", took.per_cpu_s, "events/CPU-s", "getmany, decode, one dict update"
    )


async def _two(run: Run) -> None:
    took = await catch_up(await run.again("two"), run.mix, run.cores.workers)
    where = "cores of their own" if run.cores.apart else "the second shares its core with Kafka and Redis"
    run.results.add("two_workers_events_per_s", took.per_s, "events/s", where)
    if "pipeline_events_per_s" in run.results.values:
        ratio = took.per_s / run.results.value("pipeline_events_per_s")
        run.results.add("two_workers_to_one", ratio, "times", f"wall; {where}")


async def _memory(run: Run) -> None:
    log = ticket_log(run.size.tickets, BUSY_RATE)
    of = run.fresh("memory")
    await fill(of, log)
    took = await catch_up(of, log, run.cores.workers[:1])
    note = f"after {run.size.tickets:,} tickets of two events, caught up with; at most {took.peak_mb:.0f} MB"
    run.results.add("worker_memory_mb", took.rss_mb, "MB", note)


async def _latency(run: Run) -> None:
    found = await latency(run.fresh("live"), LIVE_RATE, LIVE_S, run.cores.workers[0])
    note = (
        f"event's instant to readable in Redis, {LIVE_RATE:,}/s for {LIVE_S} s; at most {found.max_ms:.0f} ms"
    )
    run.results.add("latency_p50_ms", found.p50_ms, "ms", note)
    busy = f"the worker used {found.cpu_share:.0%} of its core, and waited {found.waited_share:.0%} for it"
    run.results.add("latency_p99_ms", found.p99_ms, "ms", busy)


async def _breaches(run: Run) -> None:
    seconds = 300 if run.size.long else BREACHES_S
    policy = {"name": "all", "targets": {"first_reply": "1h"}, "warn": ["75%"]}
    of = run.fresh("breaches", settings={"policies": [policy]})
    found = await breaches(of, OPEN_CLOCKS, seconds, run.cores.workers[0])
    note = (
        f"due instant to readable in support.sla, {OPEN_CLOCKS:,} clocks that come due over ten minutes, "
        f"{found.calm:,} of them looked at"
    )
    run.results.add("breach_p50_ms", found.p50_ms, "ms", note)
    run.results.add("breach_p99_ms", found.p99_ms, "ms", f"aim 300; at most {found.max_ms} ms")
    run.results.add(
        "breach_after_kill_max_ms", found.after_kill_max_ms, "ms",
        "kill -9 of the worker, another one started at once; includes Kafka's session timeout",
    )  # fmt: skip
    run.results.add("breaches_missing", found.missing, "breaches", f"told twice, under one id: {found.twice}")


async def _serving(run: Run) -> None:
    worker, server = run.cores.workers
    (port,) = free_ports(1)
    shown = {"boards": boards(BOARDS), "serve": {"port": port, "requests_per_second": 100_000}}
    of = run.fresh("serving", settings=shown)
    await load(of, history(run.size.history), worker)
    for (window, by, aim), asked in zip(
        ASKED, await questions(of, server, [(window, by) for window, by, _ in ASKED], QUESTIONS), strict=True
    ):
        name = f"query_{window}" + (f"_by_{by}" if by else "")
        over = f"{len(METRICS)} metrics, {HISTORY_DAYS} days in 8 shards, {len(asked.warm_ms)} times"
        warm_ms = sorted(asked.warm_ms)
        run.results.add(f"{name}_p50_ms", percentile(warm_ms, 50), "ms", f"GET /api/v1/query, {over}")
        cold = f"aim {aim}; the first question of each metric at most {max(asked.cold_ms):.0f} ms"
        run.results.add(f"{name}_p99_ms", percentile(warm_ms, 99), "ms", cold)
    names = list(boards(BOARDS))
    for name, each, shows in (("one_board", 1_000, names[:1]), ("fifty_boards", 20, names)):
        # On the worker's core: the other one is busy with Kafka, Redis and the viewers.
        found = await viewers(of, each, shows, WATCHED_RATE, WATCHED_S, (worker, worker))
        note = (
            f"{found.viewers:,} viewers, {WATCHED_RATE:,} events/s; a ticket to its message ({TIMED} timed)"
        )
        run.results.add(f"{name}_p50_ms", found.p50_ms, "ms", note)
        run.results.add(f"{name}_p99_ms", found.p99_ms, "ms", f"at most {found.max_ms:.0f} ms")
        run.results.add(f"{name}_cpu", found.cpu_share, "cores", f"of serve; {found.messages:,} messages")
        run.results.add(f"{name}_memory_mb", found.rss_mb, "MB", "of serve")


async def _exporter(run: Run) -> None:
    (port,) = free_ports(1)
    of = run.fresh("exporter", settings=scraped(port))
    worker, exporter = run.cores.workers
    await load(of, history(run.size.history), worker)
    found = await scrapes(of, SCRAPES, (worker, exporter))
    add = run.results.add
    add("scrape_series", found.series, "series", f"{found.sent_bytes:,} B sent, OpenMetrics, gzip")
    add("scrape_p50_ms", found.p50_ms, "ms", f"GET /metrics, {SCRAPES} times, while a worker counts")
    add("scrape_p99_ms", found.p99_ms, "ms", f"aim 50; at most {found.max_ms:.0f} ms")
    add("scrape_reading_s", found.reading_s, "s", "reading all of it, beside the scrapes")
    add("exporter_cpu", found.cpu_share, "cores", "reading, writing and sending")
    add("exporter_memory_mb", found.rss_mb, "MB", "of the exporter")


async def _page(run: Run) -> None:
    (port,) = free_ports(1)
    of = run.fresh("page", settings={"serve": {"port": port}})
    worker, server = run.cores.workers
    found = await on_page(of, ON_PAGE, (worker, server))
    note = f"a ticket's instant to the number on the page, {found.events} tickets, Chromium"
    run.results.add("page_p50_ms", found.p50_ms, "ms", note)
    run.results.add("page_p99_ms", found.p99_ms, "ms", f"aim 1,000; at most {found.max_ms} ms")


async def _rebuild(run: Run) -> None:
    of = run.fresh("rebuilt")
    await fill(of, run.mix)
    found = await rebuild(of, run.mix, REBUILT_RATE, run.cores.workers)
    note = f"{found.events:,} events in {found.wall_s:.1f} s, while {REBUILT_RATE:,} a second arrive"
    run.results.add("rebuild_events_per_cpu_s", found.events / found.cpu_s, "events/CPU-s", note)
    run.results.add("rebuild_swap_ms", found.swap_ms, "ms", "aim 100")
    note = "the most that live numbers fell back, at the swap; at most what arrives in a second"
    run.results.add("rebuild_back_events", found.back_events, "events", note)
    run.results.add("rebuild_taken_over_s", found.taken_over_s, "s", "from the swap until the worker has all")


MEASUREMENTS: dict[str, Measurement] = {
    "pipeline": _pipeline,
    "limit": _limit,
    "core": _core,
    "two": _two,
    "latency": _latency,
    "breaches": _breaches,
    "rebuild": _rebuild,
    "page": _page,
    "serving": _serving,
    "exporter": _exporter,
    "day": _day,
    "memory": _memory,
}
"""By name, in the order of the run: what is compared comes close together."""
