"""What `/metrics` is made of: names of the catalog, windows, groupings, formats, and what is left out."""

import asyncio
import gzip
import math
import re
import urllib.request
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest

from stream.config import Config, ConfigError, parse
from stream.metrics.catalog import catalog_of, load_catalog
from stream.query.model import Question
from stream.query.query import Queries
from stream.query.windows import Calendar
from stream.serve.families import NO_COUNTERS, ONLY_BY_GROUP, blocks, values_of
from stream.serve.names import names_markdown
from tests.answers import TEAM_A, FloorReader, Told, floor, image, ms
from tests.scraped import AGENTS, CALLS, CONFIG, NOW, SURVEYS, TICKETS, Serve, lint, serving

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts exporters; by default of the small floor."""
    async with serving() as start:
        yield start


async def test_it_packs_for_who_unpacks(serve: Serve) -> None:
    """As Prometheus asks; the same text as without."""
    served = serve()
    plain = await served.get("/metrics")
    request = urllib.request.Request(served.url + "/metrics", headers={"Accept-Encoding": "gzip"})

    def fetch() -> tuple[str | None, bytes]:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers["Content-Encoding"], answer.read()

    encoding, body = await asyncio.to_thread(fetch)
    assert encoding == "gzip"
    text = gzip.decompress(body).decode()
    assert text.count("\n") == plain[1].count("\n")
    assert len(body) < len(text) / 5


async def test_promtool_finds_nothing_to_mend(serve: Serve) -> None:
    """Names, units, help and types are as Prometheus' own linter wants them."""
    _, text = await serve().get("/metrics")
    assert await lint(text) == ""


async def test_what_nobody_keeps_up_to_date_is_left_out(serve: Serve) -> None:
    """Prometheus marks it stale then, instead of drawing it flat. How fresh each topic is stays, so do
    the numbers of other topics; those that read more than one need all of them."""
    source = floor(CONFIG, NOW, None, tickets=TICKETS, calls=CALLS, surveys=SURVEYS, agents=AGENTS)
    source._images["calls", 0].fence.fresh = ms(NOW) - 29_000
    served = serve(source=source)
    before = await served.scrape()
    assert before.value("calls_waiting") == 1
    source._images["calls", 0].fence.fresh -= 2_000
    await served.read()
    after = await served.scrape()
    gone = before.families.keys() - after.families.keys()
    for name in ("calls_waiting", "queue_calls_waiting", "service_level_ratio", "calls_offered"):
        assert f"support_{name}" in gone
    assert "support_sla_compliance_ratio" in gone, "queue_wait is one of its clocks"
    assert after.value("fresh_seconds", topic="calls") == 32
    assert after.value("tickets_backlog", definition="all") == 3
    assert "support_arrivals_in_window" in after.families
    assert "calls" not in after.all("arrivals_in_window", "topic")


async def test_a_topic_that_nobody_tells_of_is_no_trouble_for_others(serve: Serve) -> None:
    """Without any shard of calls there is no number of calls; clocks of tickets are told."""
    images = {("tickets", 0): image("tickets", CONFIG, TICKETS, NOW)}
    scraped = await serve(source=FloorReader(images)).scrape()
    assert scraped.value("sla_breaches_in_window", clock="first_reply", window="1h") == 0
    assert "support_calls_waiting" not in scraped.families


async def test_what_usually_comes_in(serve: Serve) -> None:
    """The median of the same hour of the four weeks before, by topic and channel."""
    told: list[Told] = [
        (f"2026-0{month}-{day:02}T09:{minute:02}:00", "ticket.created", f"{day}-{minute}", TEAM_A)
        for month, day, count in ((2, 2, 5), (2, 9, 3), (2, 16, 4), (2, 23, 9))
        for minute in range(20, 20 + count)
    ]
    told += TICKETS
    scraped = await serve(tickets=told).scrape()
    assert scraped.value("arrivals_in_window", topic="tickets", window="1h") == 2
    assert scraped.value("arrivals_expected_in_window", topic="tickets", window="1h") == 4.5
    by_channel = scraped.all("channel_arrivals_expected_in_window", "channel", topic="tickets")
    assert by_channel == {"email": 4.5, "": 0}


async def test_windows_and_groupings_are_configuration(serve: Serve) -> None:
    """Only what is asked for; several dimensions are joined in the name."""
    exporter = {
        "port": 0,
        "windows": {"tickets": ["30m"]},
        "group_windows": {"tickets": ["2h"]},
        "groupings": {"tickets": [["team", "priority"]], "calls": []},
    }
    scraped = await serve(parse({"exporter": exporter})).scrape()
    assert scraped.all("tickets_created_in_window", "window") == {"30m": 1}
    by_both = scraped.all("team_priority_tickets_created_in_window", "team", window="2h")
    assert by_both == {"a": 1, 'b "quoted"\n': 1, "": 1}
    assert not [name for name in scraped.families if name.startswith(("support_team_t", "support_queue_"))]


def test_exporter_settings_are_checked() -> None:
    """With what can be set instead."""
    wrong = {
        "windows": {"tickets": ["5x", "15s", "1h", "1h"]},
        "groupings": {"calls": [["plan"]]},
    }
    with pytest.raises(ConfigError) as error:
        parse({"exporter": wrong})
    assert str(error.value).splitlines() == [
        "exporter.windows.tickets[0]: expected a length (5m, 1h), a number of days (7d), today, yesterday or "
        'month, got "5x"',
        'exporter.windows.tickets[1]: expected a length of whole panes of 10 s, got "15s"',
        "exporter.windows.tickets[3]: names 1h twice: remove one",
        "exporter.groupings.calls[0]: no grouping in groupings.calls ([queue], [team], [agent], "
        "[team, queue], [channel]) holds [plan]: add one there, or remove it here",
    ]


async def test_every_metric_of_the_catalog_is_exported(serve: Serve) -> None:
    """In a real answer, with each value of its labels; what is left out says why."""
    config = parse(
        {
            "exporter": {"port": 0},
            "policies": [{"name": "p", "targets": {"resolution": "1h"}, "warn": ["50%"]}],
        }
    )
    scraped = await serve(config).scrape()
    catalog = catalog_of(config)
    whole = {
        one.metric.id: one for block in blocks(catalog, config) if not block.by for one in block.exported
    }
    assert whole.keys() | ONLY_BY_GROUP.keys() == set(catalog.ids())
    assert len(whole) >= 70
    for metric in catalog:
        assert metric.id not in ONLY_BY_GROUP or scraped.families["support_channel_contacts_ratio"].samples
    for one in whole.values():
        for gauge in one.gauges:
            names = set(one.label_names()) | ({"window"} if one.windows else set())
            samples = scraped.families[gauge.name].samples
            assert samples, gauge.name
            assert {frozenset(sample.labels) - {"quantile"} for sample in samples} == {frozenset(names)}
        has_pairs = one.metric.id not in NO_COUNTERS and one.metric.kind not in ("level", "gauge")
        assert bool(one.pairs) == has_pairs, one.metric.id
        for pair in one.pairs:
            assert scraped.families[pair.name].type == "counter"
            assert scraped.families[f"{pair.name}_retracted"].type == "counter"
    assert scraped.value("sla_at_risk", clock="resolution", level="50%") >= 0
    assert scraped.value("sla_target_seconds", policy="p", clock="resolution") == 3600
    assert scraped.all("tickets_backlog_by_age", "age") == {
        "<1h": 2, "<4h": 1, "<24h": 0, "<3d": 0, "<7d": 0, "older": 0,
    }  # fmt: skip


async def test_every_number_is_what_a_query_says(serve: Serve) -> None:
    """Whole and by group, of every metric, window and label, though they share what they read."""
    source = floor(CONFIG, NOW, None, tickets=TICKETS, calls=CALLS, surveys=SURVEYS, agents=AGENTS)
    catalog, now_ms = load_catalog(), ms(NOW) + 1_000
    scraped = await serve(source=source).scrape()
    queries, calendar = Queries(catalog, CONFIG, source), Calendar(CONFIG.timezone)
    compared = 0
    for block in blocks(catalog, CONFIG):
        for one in block.exported:
            for word, (labels, where) in product(one.windows or ("",), values_of(one)):
                begin, end = calendar.window(word, now_ms) if word else (None, None)
                question = Question(one.metric.id, now_ms, begin, end, one.by, dict(where))
                for row in (await queries.ask(question)).rows:
                    named = {**dict(labels), **{name: row.by[name] or "" for name in one.by}}
                    named |= {"window": word} if word else {}
                    for gauge in one.gauges:
                        quantile = gauge.stat == "quantile"
                        value = row.values["p90" if quantile else gauge.stat]
                        more = {"quantile": "0.9"} if quantile else {}
                        said = scraped.value(gauge.name.removeprefix("support_"), **named, **more)
                        assert math.isnan(said) if value is None else said == value * gauge.scale, gauge.name
                        compared += 1
    assert compared > 1_000


def test_the_pages_name_everything(tmp_path: Path) -> None:
    """What is of the catalog on the generated page, what is about floorcast on the other."""
    page = DOCS / "prometheus-names.md"
    current = page.read_text() == names_markdown(load_catalog(), Config())
    assert current, "renew it: floorcast metrics --format prometheus > docs/prometheus-names.md"


async def test_what_is_about_floorcast_is_in_the_docs(serve: Serve) -> None:
    """Every family of an answer is named on one of the pages, without `_total`."""
    told = "".join((DOCS / name).read_text() for name in ("prometheus.md", "prometheus-names.md"))
    named = {name.removesuffix("_total") for name in re.findall(r"`(support_[a-z0-9_]+)`", told)}
    scraped = await serve().scrape()
    assert {name.removesuffix("_retracted") for name in scraped.families} - named == set()
