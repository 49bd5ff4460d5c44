"""What events say is the value of a label in `/metrics`, to every parser, and of a matcher in PromQL; what
people say in the configuration is text in the generated rules and routes."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.config import parse
from stream.generate.alerts_metrics import WATCHED, alerts_metrics
from stream.generate.rules import Group, Links, quoted, rules_plain, trials_plain
from stream.generate.servers import alertmanager, receiver_of
from stream.generate.text import as_yaml
from stream.generate.vocabulary import Vocabulary
from stream.metrics.catalog import load_catalog
from stream.metrics.targets import target_of
from tests.answers import Told
from tests.conftest import _part
from tests.exported import ROOT, known
from tests.fuzz.mutate import TEXTS
from tests.rig.prometheus import PrometheusServer, prometheus_program, promtool
from tests.scraped import lint, serving
from tests.test_generate_rules import _amtool

NAMES = [text for text in TEXTS if 0 < len(text) <= 256]
"""What may be a segment."""
LINES = [text for text in NAMES if re.fullmatch(r"(?=.*[^\w .,:/])[^\x00-\x1f\x7f]{1,200}", text)]
"""What may be an owner and a next action in the configuration, and is more than words."""
TICKETS: list[Told] = [
    ("2026-03-02T09:30:00", "ticket.created", f"T{place}", {"ticket": {"team": text}})
    for place, text in enumerate(NAMES)
]
CALLS: list[Told] = [
    ("2026-03-02T09:30:00", "call.queued", f"C{place}", {"call": {"queue": text}})
    for place, text in enumerate(NAMES)
]
SMALL = {"tickets": ["1h"], "calls": ["1h"]}
CONFIG = parse(
    {
        "groupings": {
            "tickets": [["team"]], "calls": [["queue"]], "surveys": [], "selfservice": [], "agents": [],
            "contacts": [],
        },
        "exporter": {"port": 0, "groups_max": 200, "windows": SMALL, "group_windows": SMALL},
    }
)  # fmt: skip
CREATED = "support_team_tickets_created_in_window"
WATCHED_METRICS = sorted({one.metric for one in WATCHED if target_of(load_catalog().get(one.metric))})


async def test_a_label_is_the_text_to_every_parser_and_in_promql(tmp_path: Path) -> None:
    """Those of prometheus_client, promtool, and a real Prometheus, which asks for OpenMetrics: a series each,
    and a matcher of the text finds that series alone."""
    async with serving() as start:
        served = start(CONFIG, tickets=TICKETS, calls=CALLS)
        _, text = await served.get("/metrics")
        _, openmetrics = await served.get("/metrics", "application/openmetrics-text; version=1.0.0")
        source, exporter = ROOT / "grafana" / "prometheus", served.url.removeprefix("http://")
        prometheus = PrometheusServer(tmp_path, _part(prometheus_program), source, exporter)
        try:
            prometheus.start()
            found = await asyncio.to_thread(_teams, prometheus)
        finally:
            prometheus.stop()
    assert found == {name: [name] for name in NAMES}
    assert await lint(text) == ""
    labels = known(CONFIG)
    for families in (parse_text(text), parse_openmetrics(openmetrics)):  # type: ignore[no-untyped-call]
        samples = [sample for family in families for sample in family.samples]
        assert {one.name for one in samples} <= labels.keys()
        assert all(one.labels.keys() <= labels[one.name] for one in samples)
        created = [one for one in samples if one.name == CREATED and one.labels["window"] == "1h"]
        assert sorted(one.labels["team"] for one in created) == sorted(NAMES)
        assert {one.labels["queue"] for one in samples if "queue" in one.labels} == set(NAMES)


def _teams(prometheus: PrometheusServer) -> dict[str, list[str]]:
    """The teams that are found by each text."""
    prometheus.until(CREATED)
    asked = {name: f'{CREATED}{{window="1h",team={quoted(name)}}}' for name in NAMES}
    return {name: [one["team"] for one, _ in prometheus.query(expr)] for name, expr in asked.items()}


def owned(lines: Sequence[str]) -> list[Group]:
    """The alerts of a configuration in which these are owners and next actions, each with the trial that
    fires it."""
    metrics = {
        metric: {"owner": line, "next_action": line}
        for metric, line in zip(WATCHED_METRICS, lines, strict=False)
    }
    return [
        Group(group.name, tuple(replace(alert, trials=alert.trials[:1]) for alert in group.alerts()))
        for group in alerts_metrics(Vocabulary(parse({"metrics": metrics})))
    ]


def test_words_of_the_configuration_are_text_in_rules_and_routes(tmp_path: Path) -> None:
    """promtool finds the owner of an alert that fires to be the text; amtool routes it to the receiver of its
    owner."""
    _part(prometheus_program)
    alerts = []
    for at in range(0, len(LINES), len(WATCHED_METRICS)):
        groups = owned(LINES[at : at + len(WATCHED_METRICS)])
        alerts += [alert for group in groups for alert in group.alerts()]
        (tmp_path / "rules.yml").write_text(as_yaml(rules_plain(groups, Links("", ""))))
        (tmp_path / "tests.yml").write_text(as_yaml(trials_plain({"rules": groups}, directory=".")))
        promtool("test", "rules", "tests.yml", directory=tmp_path)
    assert {alert.owner for alert in alerts} >= set(LINES)
    (tmp_path / "alertmanager.yml").write_text(as_yaml(alertmanager(alerts)))
    for line in LINES:
        asked = ("routes", "test", "--config.file=alertmanager.yml", f"owner={quoted(line)}")
        assert _amtool("config", *asked, directory=tmp_path).strip() == receiver_of(line)
