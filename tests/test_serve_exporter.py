"""What Prometheus scrapes: names, values, labels with a bound, and whether the numbers are fit to be read."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.config import RedisConfig, parse
from stream.metrics.catalog import load_catalog
from stream.metrics.targets import target_of
from stream.store import Unavailable
from tests.answers import FloorReader, Told, floor, image, ms, put
from tests.scraped import CONFIG, GROUPS, NOW, TICKETS, Scraped, Serve, fetch, serving


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts exporters; by default of the small floor."""
    async with serving() as start:
        yield start


async def test_the_numbers_of_now(serve: Serve) -> None:
    """The metrics of the catalog under the names that a user of Prometheus expects."""
    scraped = await serve().scrape()
    value = scraped.value
    assert value("tickets_backlog", definition="all") == 3
    assert value("tickets_backlog", definition="unanswered") == 2
    assert value("tickets_created_in_window", window="1h") == 2
    assert value("tickets_created_in_window", window="today") == 3
    assert value("frt_seconds_mean", window="1h") == 4200
    assert value("frt_seconds", quantile="0.9", window="1h") == pytest.approx(4200, rel=0.01)
    assert value("frt_seconds_samples", window="1h") == 1
    assert value("calls_waiting") == 1
    assert value("calls_longest_wait_seconds") == 121
    assert value("calls_abandoned_in_window", stage="queue", window="1h") == 1
    assert scraped.all("agents", "state") == {
        "available": 0, "ringing": 0, "busy": 1, "hold": 0, "wrapup": 0, "break": 0,
    }  # fmt: skip
    assert value("occupancy_ratio", window="today") == pytest.approx(0.25, rel=0.01)
    assert value("csat_ratio", window="7d") == 1
    assert value("nps_score", window="28d") == 100
    assert value("nps_score_answers", window="28d") == 1


async def test_a_ratio_has_its_parts_beside_it(serve: Serve) -> None:
    """And is NaN, not 0 or 1, when its denominator is 0."""
    scraped = await serve().scrape()
    labels = {"method": "excl_abandon_in_threshold", "window": "1h"}
    assert scraped.value("service_level_ratio", **labels) == 0.5
    assert scraped.value("service_level_ratio_numerator", **labels) == 1
    assert scraped.value("service_level_ratio_denominator", **labels) == 2
    assert scraped.value("service_level_floor_ratio_denominator", window="1h") == 3, "one waits for too long"
    labels["window"] = "15m"
    assert math.isnan(scraped.value("service_level_ratio", **labels))
    assert scraped.value("service_level_ratio_denominator", **labels) == 0
    ratios = [name for name in scraped.families if name.endswith("_ratio")]
    assert len(ratios) > 8
    for name in ratios:
        for part in ("numerator", "denominator"):
            assert f"{name}_{part}" in scraped.families


async def test_what_there_is_none_of_is_not_a_number(serve: Serve) -> None:
    """A mean of nothing, the longest of no waits, an effort score that nobody gave."""
    scraped = await serve(tickets=[]).scrape()
    for name, labels in (
        ("frt_seconds_mean", {"window": "1h"}),
        ("calls_longest_wait_seconds", {}),
        ("ces_mean", {"polarity": "effort", "window": "7d"}),
    ):
        assert math.isnan(scraped.value(name, **labels))


async def test_groups_have_names_of_their_own(serve: Serve) -> None:
    """So that a sum over a name never counts twice; the groups of a count sum up to the whole."""
    scraped = await serve().scrape()
    created = scraped.all("team_tickets_created_in_window", "team", window="1h")
    assert created == {"a": 0, 'b "quoted"\n': 1, "": 1}
    assert sum(created.values()) == scraped.value("tickets_created_in_window", window="1h")
    assert scraped.all("queue_calls_waiting", "queue") == {"sales": 0, "help": 1}
    assert scraped.all("queue_service_level_ratio", "queue", window="1h")["sales"] == 0.5
    assert scraped.all("channel_csat_ratio_denominator", "channel", window="7d") == {"": 1}


async def test_the_number_of_groups_is_bounded(serve: Serve) -> None:
    """The greatest have series of their own, all others together one; nothing is lost or counts twice."""
    many: list[Told] = [
        ("2026-03-02T09:30:00", "ticket.created", f"T{n}-{k}", {"ticket": {"team": f"team {n:02}"}})
        for n in range(GROUPS + 5)
        for k in range(1 if n < 5 else 2)
    ]
    many.append(("2026-03-02T09:30:00", "ticket.created", "X", {"ticket": {"team": "other"}}))
    scraped = await serve(tickets=many).scrape()
    created = scraped.all("team_tickets_created_in_window", "team", window="1h")
    assert len(created) == GROUPS + 1
    assert created.pop("other") == 6
    assert set(created.values()) == {2}
    assert scraped.all("team_tickets_backlog", "team", definition="all")["other"] == 6


async def test_ratios_and_means_of_the_others_are_put_together(serve: Serve) -> None:
    """From their parts, not from ratios."""
    calls: list[Told] = []
    for n in range(GROUPS):
        calls += [
            ("2026-03-02T09:10:00", "call.queued", f"B{n}{k}", {"call": {"queue": f"q{n}"}}) for k in "ab"
        ]
    for n, wait in enumerate((10, 10, 40)):
        calls.append(("2026-03-02T09:10:00", "call.queued", f"C{n}", {"call": {"queue": f"small{n // 2}"}}))
        calls.append((f"2026-03-02T09:10:{wait}", "call.answered", f"C{n}", {}))
    calls.append(("2026-03-02T09:10:00", "call.queued", "D", {"call": {"queue": "small0"}}))
    calls.sort(key=lambda told: told[0])
    scraped = await serve(calls=calls).scrape()
    top = GROUPS - 1  # small0 has three calls, so one of the queues with two is among the others
    assert len(scraped.all("queue_calls_offered_in_window", "queue", window="1h")) == top + 2
    others = {"queue": "other", "window": "1h"}
    assert scraped.value("queue_service_level_ratio", method="excl_abandon_in_threshold", **others) == 0
    assert scraped.value("queue_call_wait_seconds_mean", **others) == 40
    assert scraped.value("queue_call_wait_seconds_mean", queue="small0", window="1h") == 10
    assert scraped.value("queue_calls_longest_wait_seconds", queue="other") == 3001


async def test_without_the_grouping_there_are_no_groups(serve: Serve) -> None:
    """The whole is always there."""
    config = replace(parse({"groupings": {"tickets": [["agent"]]}}), exporter=CONFIG.exporter)
    scraped = await serve(config).scrape()
    assert scraped.value("tickets_backlog", definition="all") == 3
    assert "support_team_tickets_backlog" not in scraped.families


async def test_clocks_and_the_journal(serve: Serve) -> None:
    """How far each topic is, how fresh, and what became of the records read."""
    scraped = await serve().scrape()
    assert scraped.value("watermark_timestamp_seconds", topic="tickets") * 1000 == ms(NOW)
    assert scraped.value("fresh_seconds", topic="calls") == 1
    assert scraped.value("shards", topic="calls") == 1
    assert scraped.value("events_total", topic="tickets", result="applied") == 4
    assert scraped.value("events_total", topic="tickets", result="missing") == 1
    assert scraped.families["support_events"].type == "counter"


async def test_what_the_store_counted_does_not_fall_with_it(serve: Serve) -> None:
    """Set back to a snapshot, the journal is behind; what is read again is counted again."""
    source = floor(CONFIG, NOW, tickets=TICKETS)
    served = serve(source=source)
    journal = source._images["tickets", 0].journal
    labels = {"topic": "tickets", "result": "applied"}
    assert (await served.scrape()).value("events_total", **labels) == 4
    for records, told in ((journal["records"] - 2, 4), (journal["records"] + 1, 7)):
        journal["records"] = records
        await served.read()
        assert (await served.scrape()).value("events_total", **labels) == told


async def test_the_catalog_is_exported(serve: Serve) -> None:
    """Each metric with owner, target and version; targets that are numbers as numbers."""
    scraped = await serve().scrape()
    assert scraped.all("metric_info", "metric").keys() == {metric.id for metric in load_catalog()}
    assert scraped.value("metric_target", metric="service_level", bound="lower") == 0.8


async def test_agreed_targets_and_owners_are_exported(serve: Serve) -> None:
    """Those of the configuration, in place of the catalog's."""
    agreed = {"owner": "Tier 1 leads", "target": "mean under 30 min"}
    scraped = await serve(
        parse({"exporter": {"port": 0}, "metrics": {"first_response_time": agreed}})
    ).scrape()
    assert scraped.value("metric_target", metric="first_response_time", bound="upper") == 1800
    owned = scraped.all("metric_info", "owner", metric="first_response_time")
    assert owned == {"Tier 1 leads": 1}


def test_targets_are_read_only_where_they_are_numbers() -> None:
    """In the metric's unit; a target that says when or what else is none."""
    found = {metric.id: target_of(metric) for metric in load_catalog()}
    numbers = {name: (target.value, target.bound) for name, target in found.items() if target}
    assert numbers["first_response_time"] == (3600, "upper")
    assert numbers["abandonment_rate"] == (0.05, "upper")
    assert numbers["nps"] == (30, "lower")
    for name in ("ticket_volume", "tickets_reopened", "backlog", "ces", "call_talk_time", "time_to_abandon"):
        assert name not in numbers


async def test_it_speaks_openmetrics(serve: Serve) -> None:
    """To who asks for it, valid by the library's strict parser."""
    status, text = await serve().get("/metrics", "application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert text.endswith("# EOF\n")
    parse_open: Any = openmetrics.text_string_to_metric_families  # the library did not annotate it
    assert Scraped(list(parse_open(text))).value("tickets_backlog", definition="all") == 3


async def test_scrapes_within_a_second_cost_one_read(serve: Serve) -> None:
    """Many at the same time get the same."""

    class Counting(FloorReader):
        looks = 0

        async def fences(self, family: str) -> Any:
            Counting.looks += family == "tickets"
            return await super().fences(family)

    served = serve(source=Counting(floor(CONFIG, NOW, tickets=TICKETS)._images))
    answers = await asyncio.gather(*(served.get("/metrics") for _ in range(8)))
    assert len(set(answers)) == 1
    assert Counting.looks < 8


async def test_ready_says_which_shard_is_not(serve: Serve) -> None:
    """Every shard must have caught up within 30 s; being up asks for nothing."""
    served = serve()
    assert await served.get("/readyz") == (200, "ready\n")
    served.wall = "2026-03-02T10:00:31"
    status, text = await served.get("/readyz")
    assert (status, text.splitlines()[0]) == (503, "tickets/0 had last caught up with its log 31 s ago")
    assert await served.get("/healthz") == (200, "up\n")
    assert (await serve(source=FloorReader({})).get("/readyz"))[0] == 503
    assert await served.get("/") == (404, "there are /metrics, /healthz and /readyz\n")


async def test_without_the_store_it_says_so(serve: Serve) -> None:
    """No numbers rather than old ones."""

    class Gone(FloorReader):
        async def fences(self, family: str) -> Any:
            raise Unavailable("Redis at redis://x: no usable answer for 3 s")

    served = serve(source=Gone({}))
    for path in ("/metrics", "/readyz"):
        assert await served.get(path) == (503, "Redis at redis://x: no usable answer for 3 s\n")
    assert (await served.get("/healthz"))[0] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_interrupted(
    redis_config: RedisConfig, tmp_path: Path, number: int
) -> None:
    """It prints its address, serves what stands in Redis, and ends clean."""
    config = replace(CONFIG, redis=redis_config)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    images = {("tickets", 0): image("tickets", config, TICKETS, NOW, fresh=now)}
    asyncio.run(put(redis_config, images))
    (tmp_path / "floorcast.yaml").write_text(
        f"redis: {{url: '{redis_config.url}', namespace: {redis_config.namespace}}}\nexporter: {{port: 0}}\n"
    )
    root = Path(__file__).parents[1]
    command = [
        sys.executable, "-c", "from stream.cli.main import main; main()",
        "exporter", "--config", str(tmp_path / "floorcast.yaml"),
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        said = child.stdout.readline()
        url = said.removeprefix("metrics at ").strip()
        status, text = fetch(urllib.request.Request(url))
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    assert (status, child.returncode, errors) == (200, 0, "")
    assert Scraped(list(parse_text(text))).value("tickets_backlog", definition="all") == 3
