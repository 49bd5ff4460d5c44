"""What events say is the value of a label in `/metrics`, to every parser, and of a matcher in PromQL; what
people say in the configuration is text in the generated rules and routes."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stream.config import parse
from stream.generate.alerts_metrics import alerts_metrics
from stream.generate.rules import Group, Links, quoted, rules_plain, trials_plain
from stream.generate.servers import alertmanager, receiver_of
from stream.generate.text import as_yaml
from stream.generate.vocabulary import Vocabulary
from tests.answers import Told
from tests.conftest import _part
from tests.exported import ROOT, known
from tests.fuzz.mutate import SEGMENTS as NAMES
from tests.rig.prometheus import PrometheusServer, prometheus_program, promtool
from tests.scraped import lint, serving
from tests.test_generate_rules import _amtool

LINES = [text for text in NAMES if re.fullmatch(r"(?=.*[^\w .,:/])[^\x00-\x1f\x7f]{1,200}", text)]
"""What may be an owner and a next action in the configuration, and is more than words."""
TICKETS: list[Told] = [
    ("2026-03-02T09:30:00", "ticket.created", f"T{place}", {"ticket": {"team": text}})
    for place, text in enumerate(NAMES)
]
CONFIG = parse(
    {
        "groupings": {
            "tickets": [["team"]], "calls": [], "surveys": [], "selfservice": [], "agents": [],
            "contacts": [],
        },
        "exporter": {"port": 0, "groups_max": 200, "windows": {"tickets": ["1h"]}},
    }
)  # fmt: skip
CREATED = "support_team_tickets_created_in_window"


async def test_a_label_is_the_text_to_every_parser_and_in_promql(tmp_path: Path) -> None:
    """Those of prometheus_client, promtool, and a real Prometheus, which asks for OpenMetrics: a series each,
    and a matcher of the text finds that series alone."""
    async with serving() as start:
        served = start(CONFIG, tickets=TICKETS)
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


def _teams(prometheus: PrometheusServer) -> dict[str, list[str]]:
    """The teams that are found by each text."""
    prometheus.until(CREATED)
    asked = {name: f'{CREATED}{{window="1h",team={quoted(name)}}}' for name in NAMES}
    return {name: [one["team"] for one, _ in prometheus.query(expr)] for name, expr in asked.items()}


def test_words_of_the_configuration_are_text_in_rules_and_routes(tmp_path: Path) -> None:
    """promtool finds the owner of an alert that fires to be the text; amtool routes it to the receiver of its
    owner."""
    _part(prometheus_program)
    one = next(alert for alert in alerts_metrics(Vocabulary(CONFIG))[0].alerts() if alert.lasts == "15m")
    owned = [
        replace(one, name=f"Owned{place}", owner=line, next_action=line, trials=one.trials[:1])
        for place, line in enumerate(LINES)
    ]
    groups = [Group("owned", tuple(owned))]
    (tmp_path / "rules.yml").write_text(as_yaml(rules_plain(groups, Links("", ""))))
    trials: dict[str, Any] = trials_plain({"rules": groups}, directory=".")
    fired = [check for test in trials["tests"] for check in test["promql_expr_test"]]
    trials["tests"] = [trials["tests"][0] | {"promql_expr_test": fired}]  # all fire by the same series
    (tmp_path / "tests.yml").write_text(as_yaml(trials))
    promtool("test", "rules", "tests.yml", directory=tmp_path)
    (tmp_path / "alertmanager.yml").write_text(as_yaml(alertmanager(owned)))
    for line in LINES:
        asked = ("routes", "test", "--config.file=alertmanager.yml", f"owner={quoted(line)}")
        assert _amtool("config", *asked, directory=tmp_path).strip() == receiver_of(line)
