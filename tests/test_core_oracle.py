"""The numbers are those of the contract: shards, panes and queries against the oracle, which knows no
such thing."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.metrics.catalog import Metric, load_catalog
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.memory import ImageReader
from stream.query.model import Answer, Question
from stream.query.query import Queries
from stream.scenario.judge import run_now
from stream.shard.image import Image
from tests import oracle
from tests.core import DECODE_REASONS, letters, play
from tests.strategies import BASE_MS, DAY_MS, FAMILIES, HOUR_MS, MINUTE_MS, Sent, rfc3339, told

CATALOG = load_catalog()
OF_CLOCKS = frozenset(metric.id for metric in CATALOG if "clock" in metric.labels) | {
    "backlog_past_sla",
    "sla_compliance_received",
}
"""A promise in an event alone (`due_at`) makes numbers of clocks: tests/test_core_clocks_oracle.py."""
DAYS = 4
QUEUES = [
    {"when": {"queue": "sales"}, "answer_within": "10s", "short_abandon": "5s"},
    {"when": {"queue": "help", "team": "red"}, "answer_within": "1m", "short_abandon": "30s"},
]
SETTINGS: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "keep_finished": {"tickets": "1d", "calls": "1d", "surveys": "2d", "selfservice": "1d", "agents": "1d"},
    "queues": QUEUES,
    "groupings": {
        "calls": [["queue"], ["team"], ["team", "queue"], ["channel"]],
        "selfservice": [["product"], ["team"], ["channel", "article"], ["article"], ["channel"]],
        "agents": [["team"], ["agent"], ["site", "team"]],
    },
}
CONFIG = parse(SETTINGS)
WITHIN = ("min", "max", "p50", "p75", "p90", "p95", "p99")
"""Read from sketches: at most 1 % off."""
BY: dict[str, list[tuple[str, ...]]] = {
    "tickets": [(), ("channel",), ("team",), ("agent",), ("team", "priority")],
    "calls": [(), ("queue",), ("team",), ("team", "queue"), ("channel",)],
    "surveys": [(), ("kind",), ("channel",), ("team",)],
    "selfservice": [(), ("channel",), ("product",), ("article",), ("channel", "article")],
    "agents": [(), ("agent",), ("team",), ("team", "site")],
}
WHERE: dict[str, list[dict[str, str | None]]] = {
    "tickets": [{}, {"team": "red"}, {"channel": None}],
    "calls": [{}, {"queue": "sales"}, {"team": None}],
    "surveys": [{}, {"kind": "csat"}, {"team": "red"}],
    "selfservice": [{}, {"article": "a1"}, {"article": None}, {"channel": "web", "article": "a2"}],
    "agents": [{}, {"agent": "X1"}, {"site": None}],
}


def oracle_config(config: Config) -> oracle.Config:
    """The same configuration as the oracle has it."""
    rules = tuple(
        oracle.QueueRule(rule.when, rule.answer_within_ms, rule.short_abandon_ms) for rule in config.queues
    )
    return oracle.Config(
        rules, config.keep_finished.tickets_ms, config.keep_finished.calls_ms,
        config.keep_finished.surveys_ms,
        config.lost.waiting_ms, config.lost.unfinished_ms,
        keep_selfservice_ms=config.keep_finished.selfservice_ms,
        keep_agents_ms=config.keep_finished.agents_ms, gone_agents_ms=config.lost.agents_ms,
    )  # fmt: skip


def oracle_image(sent: list[Sent], refused: set[bytes], config: Config, now_ms: int) -> oracle.Image:
    """What the oracle makes of the events that were not refused; contents are told apart by the product's
    checksum."""
    events = []
    for one in sent:
        if one.value not in refused:
            checksum = zlib.adler32(one.value)
            events.append({**oracle.parse(msgspec.json.decode(one.value)), "checksum": checksum})
    return oracle.walk(events, oracle_config(config), now_ms, lambda event: event["checksum"])


def ask(name: str, image: Image, config: Config, question: Question) -> Answer:
    """The product's answer, from memory."""
    return answer_of({(name, 0): image}, question, config)


def answer_of(images: dict[tuple[str, int], Image], question: Question, config: Config = CONFIG) -> Answer:
    """The same of several families."""
    return run_now(Queries(CATALOG, config, ImageReader(images)).ask(question))


def same(stat: str, ours: Any, theirs: Any) -> bool:
    """Whether a stat is what the oracle says: percentiles within 1 %, all else exactly (but for the last
    bit)."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return float(ours) == pytest.approx(float(theirs), rel=0.01 if stat in WITHIN else 1e-12, abs=1e-12)


def check(metric: Metric, answer: Answer, expected: list[oracle.Row]) -> None:
    """Every row and every stat."""
    ours = {tuple(sorted(row.by.items())): row.values for row in answer.rows}
    theirs = {tuple(sorted(row.by.items())): row.values for row in expected}
    assert ours.keys() == theirs.keys(), (metric.id, ours, theirs)
    for key, values in ours.items():
        wrong = {
            stat: (values[stat], theirs[key][stat])
            for stat in values
            if not same(stat, values[stat], theirs[key][stat])
        }
        assert not wrong, (metric.id, key, "ours, theirs:", wrong)


@st.composite
def windows(draw: st.DrawFn, now_ms: int) -> list[tuple[int, int]]:
    """All time until now, and a window on 10 s edges: around the edges of panes, from or to a midnight,
    or anywhere."""
    until_ms = now_ms - now_ms % 10_000 + 10 * MINUTE_MS
    edges = [BASE_MS - HOUR_MS + n * 10_000 for n in (0, 360, 361, 366, 720)]
    days = [BASE_MS - HOUR_MS + n * DAY_MS for n in range(DAYS + 1)]
    edge = st.sampled_from([*edges, *days]) | st.integers(0, DAYS * 8640).map(lambda n: BASE_MS + n * 10_000)
    begin, end = sorted(min(draw(edge), until_ms - 10_000) for _ in range(2))
    return [(BASE_MS - 2 * DAY_MS, until_ms), (begin, max(end, begin + 10_000))]


@pytest.mark.parametrize("name", FAMILIES)  # of contacts: test_core_contacts.py
@given(data=st.data())
def test_every_metric_is_what_the_oracle_says(name: str, data: st.DataObject) -> None:
    """Every stat of every metric, over several windows, by and where; a window is the one that the answer
    says."""
    sent = data.draw(told(name, DAYS))
    now_ms = max(max(one.at_ms, one.sent_ms) for one in sent) + data.draw(
        st.sampled_from([0, 5 * HOUR_MS, DAY_MS])
    )
    image = play(name, CONFIG, sent, now_ms)
    refused = {letter.value or b"" for letter in letters(image) if letter.reason in DECODE_REASONS}
    truth = oracle_image(sent, refused, CONFIG, now_ms)
    asked = data.draw(windows(now_ms))
    by, where = data.draw(
        st.sampled_from([*((by, {}) for by in BY[name]), *(((), where) for where in WHERE[name])])
    )
    for metric in (metric for metric in CATALOG if metric.id not in OF_CLOCKS):
        if metric.family == name and not metric.also:
            check_metric(name, metric, image, truth, now_ms, asked, by, where)
            for label in metric.labels:
                check_metric(name, metric, image, truth, now_ms, asked, (label,), {})


SEVERAL = [
    metric
    for metric in CATALOG
    if metric.also and metric.id not in OF_CLOCKS and "contacts" not in metric.also
]
"""Facts for contacts come from tickets and calls: tests/test_core_contacts.py."""


@pytest.mark.parametrize("metric", SEVERAL, ids=lambda one: str(one.id))
@given(data=st.data())
def test_metrics_over_several_families_are_what_the_oracle_says(metric: Metric, data: st.DataObject) -> None:
    """Contacts by channel, and of them and the sessions the latter: of one window, by and where."""
    sent = {name: data.draw(told(name, DAYS)) for name in (metric.family, *metric.also)}
    now_ms = max(max(one.at_ms, one.sent_ms) for of in sent.values() for one in of)
    images = {(name, 0): play(name, CONFIG, of, now_ms) for name, of in sent.items()}
    refused = {
        letter.value or b""
        for image in images.values()
        for letter in letters(image)
        if letter.reason in DECODE_REASONS
    }
    truth = oracle_image([one for of in sent.values() for one in of], refused, CONFIG, now_ms)
    by = data.draw(st.sampled_from([(), ("channel",), ("team",)]))
    picked: list[dict[str, str | None]] = [{}, {"channel": "phone"}, {"channel": None}]
    where: dict[str, str | None] = {} if by else data.draw(st.sampled_from(picked))
    for from_ms, to_ms in data.draw(windows(now_ms)):
        answer = answer_of(images, Question(metric.id, now_ms, from_ms, to_ms, by, where))
        assert answer.from_ms is not None
        assert answer.from_ms <= from_ms
        expected = oracle.answer(truth, metric.id, answer.from_ms, answer.to_ms, where, by)
        check(metric, answer, expected)


GONE_SOON = parse({**SETTINGS, "lost": {"agents": "1h"}})
KINDS = ("agent.heartbeat", "agent.heartbeat", "agent.heartbeat", "agent.state_changed", "agent.logged_out")


@given(data=st.data())
def test_heartbeats_in_any_order_prolong_what_is(data: st.DataObject) -> None:
    """Many of them between few states, around the length after which an agent is gone: as if all were
    kept."""
    minutes = st.integers(0, 40).map(lambda n: n * 10) | st.integers(0, 400)
    drawn = data.draw(st.lists(st.tuples(minutes, st.sampled_from(KINDS)), min_size=1, max_size=40))
    sent = [agent_event(number, minute, kind) for number, (minute, kind) in enumerate(drawn)]
    now_ms = BASE_MS + 500 * MINUTE_MS
    truth = oracle_image(sent, set(), GONE_SOON, now_ms)
    image = play("agents", GONE_SOON, sent, now_ms)
    begin, end = BASE_MS, BASE_MS + 500 * MINUTE_MS
    for by in ((), ("state",)):
        answer = ask("agents", image, GONE_SOON, Question("agents", now_ms, begin, end, by))
        check(CATALOG.get("agents"), answer, oracle.answer(truth, "agents", begin, end, {}, by))


def agent_event(number: int, minute: int, kind: str) -> Sent:
    """One event of an agent, `minute` after the beginning, all sent at the end."""
    data = {"state": "busy"} if kind == "agent.state_changed" else {}
    event = {
        "specversion": "1.0", "id": f"e{number}", "source": "acd", "type": kind, "subject": "X1",
        "time": rfc3339(BASE_MS + minute * MINUTE_MS), "data": data,
    }  # fmt: skip
    return Sent(BASE_MS + minute * MINUTE_MS, BASE_MS + 500 * MINUTE_MS, event, msgspec.json.encode(event))


def check_metric(
    name: str, metric: Metric, image: Image, truth: oracle.Image, now_ms: int, asked: list[tuple[int, int]],
    by: tuple[str, ...], where: dict[str, str | None],
) -> None:  # fmt: skip
    """One metric by one grouping, over the windows, and now when it is a level or gauge."""
    if isinstance(metric.formula, Oldest | Ages):
        answer = ask(name, image, CONFIG, Question(metric.id, now_ms, by=by, where=where))
        check(metric, answer, oracle.answer(truth, metric.id, None, now_ms, where, by))
        return
    if isinstance(metric.formula, Level):
        answer = ask(name, image, CONFIG, Question(metric.id, now_ms, by=by, where=where))
        assert answer.to_ms == now_ms - now_ms % 10_000 + 10_000
        expected = oracle.answer(truth, metric.id, answer.to_ms - 10_000, answer.to_ms, where, by)
        at_end = [row for row in expected if row.values["value"] or not by]
        check(metric, answer, at_end)
    for from_ms, to_ms in asked:
        answer = ask(name, image, CONFIG, Question(metric.id, now_ms, from_ms, to_ms, by, where))
        assert answer.from_ms is not None
        assert answer.from_ms <= from_ms
        assert answer.to_ms >= to_ms
        check(metric, answer, oracle.answer(truth, metric.id, answer.from_ms, answer.to_ms, where, by))
