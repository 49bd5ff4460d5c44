"""A real Prometheus scrapes a running exporter: everything that is asked of it is asked, and compared.

A day and a half of the simulated floor is counted, the last tenth of it while Prometheus scrapes, so that
counters move. The clock is that of the events: everybody's now is the floor's end, and nothing changes then.
So what Prometheus has must be what `floorcast query` says.
"""

import asyncio
import csv
import json
import math
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product, takewhile
from typing import Any

import httpx
import pytest

from stream.embedded.pair import Pair
from stream.floor import simulate
from stream.floor.telling import rfc3339
from stream.metrics.catalog import catalog_of
from stream.query.plain import answer
from stream.query.request import Request
from stream.serve.families import QUANTILES, Exported, blocks, values_of
from stream.sources.live import event_ms
from stream.sources.publish import Publisher
from tests.conftest import _part
from tests.exported import ROOT
from tests.promql import filled, metric_names, selectors
from tests.rig.pipeline import Pipeline, Told, pipeline
from tests.rig.prometheus import PrometheusServer, prometheus_program
from tests.test_generate_files import BOARDS, panels

START_MS = 1_772_409_600_000
"""2026-03-02T00:00Z, a Monday."""
HOURS = 36
RATE = 0.2
WHILE_SCRAPED = 0.1
COMPARED_LEAST = 3_000
POLICIES = """
- name: everything
  targets: {first_reply: 1h, next_reply: 4h, resolution: 24h, assignment: 15m}
  warn: [50%, 75%]
"""
SETTINGS = {"CLOCK": "events", "POLICIES": POLICIES, "QUEUES": "[{max_wait: 2m}]", "EXPORTER_PORT": "0"}

WAITS = {
    "specversion": "1.0", "id": "waits", "source": "/sim/calls", "subject": "sim:waits",
    "type": "call.queued",
    "data": {"call": {"queue": "billing", "direction": "inbound"}},
}  # fmt: skip
"""At its end somebody waits, whatever the floor does."""

A_WEEK = "Prometheus has run for less than a week: the same is asked for ten seconds before"
NO_DISPATCHER = "nobody is alerted of history, so no dispatcher runs"
NO_DATA = {
    "support_dispatcher_up": NO_DISPATCHER,
    "support_deliveries_total": NO_DISPATCHER,
    "support_delivery_circuit_open": NO_DISPATCHER,
    "support_alerts_too_old_total": NO_DISPATCHER,
    "support_replay_drift": "`floorcast verify` has not run",
}
"""Metric -> why nothing of it is there in this test. Whatever else is asked for must have data."""


@dataclass
class Live:
    """What runs: a pipeline, its exporter and Prometheus."""

    deployment: Pipeline
    prometheus: PrometheusServer
    serve_url: str


@pytest.fixture(scope="module")
def live(embedded_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """All of it, when the floor has ended and Prometheus has scraped what that left."""
    program = _part(prometheus_program)
    directory = tmp_path_factory.mktemp("live")
    until_ms = START_MS + HOURS * 3_600_000
    floor = list(takewhile(lambda told: event_ms(told[1]) < until_ms, simulate(1, START_MS, RATE)))
    floor.append(("calls", {**WAITS, "time": rfc3339(until_ms - 30_000)}))
    cut = int(len(floor) * (1 - WHILE_SCRAPED))
    pair = embedded_pair
    with pipeline(pair.bootstrap, pair.redis_url, "generated", directory, **SETTINGS) as deployment:
        asyncio.run(deployment.create_topics(1))
        deployment.worker()
        _count(deployment, floor[:cut])
        exporter, serve = (
            deployment.start("exporter"),
            deployment.start("serve", **{"FLOORCAST_SERVE_PORT": "0"}),
        )
        address = _said(exporter, r"metrics at http://([^/]+)/metrics")
        prometheus = PrometheusServer(
            directory / "prometheus", program, ROOT / "grafana" / "prometheus", address
        )
        try:
            prometheus.start()
            prometheus.until("support_tickets_created_total")
            _count(deployment, floor[cut:])
            _settled(prometheus)
            yield Live(deployment, prometheus, _said(serve, r"(http://[^\s/]+)"))
        finally:
            prometheus.stop()


def _count(deployment: Pipeline, floor: list[Told]) -> None:
    """Returns when these events are in the numbers. Their records have their own times, as imported ones."""

    async def publish() -> None:
        async with Publisher(deployment.config.kafka) as publisher:
            # One that is refused.
            await publisher.publish(
                deployment.config.kafka.topics.surveys, b"broken", b"{", int(event_ms(floor[0][1]))
            )
            for told in floor:
                await publisher.publish(*deployment.record(*told), int(event_ms(told[1])))
        await deployment.wait()

    asyncio.run(publish())


def _said(process: Any, pattern: str) -> str:
    deadline = time.monotonic() + 60
    while not (found := re.search(pattern, process.output)):
        assert time.monotonic() < deadline, process.output
        time.sleep(0.05)
    return found.group(1)


def _settled(prometheus: PrometheusServer) -> None:
    """Returns when two readings that began after the last event were scraped, and rules evaluated since."""
    seen = {value for _, value in prometheus.until("support_scrape_timestamp_seconds")}
    last = time.time()
    while len([one for one in seen if one > last]) < 2:
        seen |= {value for _, value in prometheus.until("support_scrape_timestamp_seconds")}
        time.sleep(0.3)
    time.sleep(5)


def test_every_expression_of_every_panel_has_data(live: Live) -> None:
    """With all variables at `All`; what is of a week before is asked for ten seconds before."""
    empty = {}
    for name, board in BOARDS.items():
        for panel in panels(board):
            for target in panel["targets"]:
                expr = filled(target["expr"], "5m")
                expr = expr.replace("offset 1w", "offset 10s").replace("[5m:1m]", "[5m:2s]")
                values = [value for _, value in live.prometheus.query(expr) if not math.isnan(value)]
                if not values:
                    empty[f"{name}: {panel['title']}"] = expr
    without = {where: expr for where, expr in empty.items() if not set(metric_names(expr)) & set(NO_DATA)}
    assert without == {}


def test_what_is_of_a_week_before_is_asked_as_it_stands(live: Live) -> None:
    """The expression itself is valid, and empty: A_WEEK."""
    asked = [
        target["expr"]
        for board in BOARDS.values()
        for panel in panels(board)
        for target in panel["targets"]
        if "offset 1w" in target["expr"]
    ]
    assert asked
    assert [expr for expr in asked if live.prometheus.query(filled(expr))] == [], A_WEEK


def test_every_rule_is_evaluated_and_what_it_reads_is_there(live: Live) -> None:
    """No rule fails; every recorded series has values; every selector of an alert finds series."""
    rules = live.prometheus.rules()
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
    assert all(rule["health"] == "ok" for rule in rules)
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    empty = [name for name in recorded if all(math.isnan(value) for _, value in live.prometheus.query(name))]
    assert empty == []
    read = {
        str(selector): selector.name
        for rule in rules
        if rule["type"] == "alerting"
        for selector in selectors(rule["query"])
    }
    unseen = {name for expr, name in read.items() if not live.prometheus.query(expr)}
    assert unseen <= set(NO_DATA), "with a reason"


def test_what_is_listed_as_missing_is_missing(live: Live) -> None:
    """The table of reasons says nothing of what is there."""
    assert [name for name in NO_DATA if live.prometheus.query(name)] == []


def test_variables_have_values(live: Live) -> None:
    """`label_values(...)` of every dashboard finds some."""
    for name, board in BOARDS.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]
                found = live.prometheus.query(f"count by ({label}) ({metric})")
                assert any(labels.get(label) for labels, _ in found), f"{name}: {variable['name']}"


async def test_prometheus_has_what_floorcast_query_says(live: Live) -> None:
    """Every gauge of the catalog, of groups over one window, equals the answer to what it stands for."""
    config = live.deployment.config
    catalog = catalog_of(config)
    scraped = _scraped(live.prometheus)
    compared, wrong, absent = 0, [], -1.5
    async with live.deployment.store() as store:
        for block in blocks(catalog, config):
            for exported in block.exported:
                windows = (exported.windows or ("",))[: 1 if block.by else None]
                for window, (labels, where) in product(windows, values_of(exported)):
                    request = Request(
                        window=window or None,
                        by=block.by,
                        where=[f"{name}={value}" for name, value in where.items()],
                        stats=_stats(exported),
                    )
                    told = await answer(config, store, catalog, exported.metric.id, request, _now_ms())
                    fixed = dict(labels) | ({"window": window} if window else {})
                    for name, own, value in _expected(exported, fixed, told):
                        have = scraped.get((name, own), absent)
                        if have is absent:
                            continue  # counted in `other`
                        compared += 1
                        if not _same(have, value):
                            wrong.append((name, own, have, value))
    assert wrong == []
    assert compared > COMPARED_LEAST, "every gauge has some series"


Labels = frozenset[tuple[str, str]]


def _scraped(prometheus: PrometheusServer) -> dict[tuple[str, Labels], float]:
    """Every series of the exporter, without what Prometheus adds."""
    found = {}
    for labels, value in prometheus.query('{__name__=~"support_.*"}'):
        name = labels["__name__"]
        own = {label for label in labels.items() if label[0] not in ("__name__", "job", "instance")}
        found[name, frozenset(own)] = value
    return found


def _stats(exported: Exported) -> tuple[str, ...]:
    """The stats that its gauges show."""
    plain = [gauge.stat for gauge in exported.gauges if gauge.stat != "quantile"]
    return (*plain, *(QUANTILES if len(plain) < len(exported.gauges) else ()))


def _expected(
    exported: Exported, fixed: dict[str, str], told: Any
) -> Iterator[tuple[str, Labels, float | None]]:
    """Names, labels and values that Prometheus should have, from an answer. Empty labels are none to it."""
    for point in told.series.points:
        labels = {**{name: value or "" for name, value in point.row.by.items()}, **fixed}
        for gauge in exported.gauges:
            stats = QUANTILES if gauge.stat == "quantile" else {gauge.stat: ""}
            for stat, quantile in stats.items():
                own = {**labels, "quantile": quantile}
                value = point.row.values[stat]
                scaled = None if value is None else value * gauge.scale
                yield gauge.name, frozenset((name, text) for name, text in own.items() if text), scaled


def _same(have: float, value: float | None) -> bool:
    return math.isnan(have) if value is None else math.isclose(have, value, rel_tol=1e-12)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "questions.md").read_text(), re.DOTALL)


def test_the_page_of_questions_has_ten() -> None:
    """Each under a heading that ends in a question mark, with at least one block that is run."""
    text = (ROOT / "docs" / "questions.md").read_text()
    sections = re.findall(r"^## \d+\. ([^\n]*\?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(sections) == 10
    assert all("```" in body for _, body in sections)
    assert {kind for kind, _ in BLOCKS} == {"promql", "sh", "http"}


@pytest.mark.parametrize("expr", [body.strip() for kind, body in BLOCKS if kind == "promql"])
def test_questions_in_promql_are_answered(live: Live, expr: str) -> None:
    """With numbers."""
    found = live.prometheus.query(expr)
    assert any(not math.isnan(value) for _, value in found)


LINES = [line for kind, body in BLOCKS if kind == "sh" for line in body.strip().splitlines()]


@pytest.mark.parametrize("line", LINES)
async def test_questions_to_the_command_are_answered(live: Live, line: str) -> None:
    """With numbers."""
    program, *arguments = shlex.split(line)
    assert program == "floorcast"
    as_json = [] if "--csv" in arguments else ["--json"]
    status, output = await live.deployment.run(*arguments, *as_json)
    assert status == 0, output
    if as_json:
        rows = json.loads(output)["rows"]
        assert any(value for row in rows for value in row["values"].values()), output
    else:
        rows = list(csv.DictReader(output.splitlines()))
        assert any(float(row["denominator"]) for row in rows), output


@pytest.mark.parametrize("line", [body.strip() for kind, body in BLOCKS if kind == "http"])
def test_questions_to_the_api_are_answered(live: Live, line: str) -> None:
    """By `floorcast serve`."""
    method, path = line.split()
    told = httpx.request(method, live.serve_url + path, timeout=60).raise_for_status().json()
    assert any(value for row in told["rows"] for value in row["values"].values())
