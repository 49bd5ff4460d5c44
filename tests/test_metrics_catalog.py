"""The catalog: every metric with what people need to act on it, as data, as a page, as agreed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stream.cli.main import cli
from stream.config import MetricConfig, parse
from stream.metrics.catalog import Metric, load_catalog
from stream.metrics.page import catalog_markdown

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
CATALOG = load_catalog()
AGREED = """\
metrics:
  first_response_time:
    target: mean under 30 min
    owner: Tier [1] leads
    next_action: Move two people | from chat.
"""


@pytest.fixture
def agreed(tmp_path: Path) -> str:
    """A configuration file with targets of its own."""
    (tmp_path / "floorcast.yaml").write_text(AGREED)
    return str(tmp_path / "floorcast.yaml")


def metrics(*words: str) -> str:
    """What `floorcast metrics` prints."""
    result = CliRunner().invoke(cli, ["metrics", *words], env={"FLOORCAST_CONFIG": None})
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(*words: str) -> dict[str, dict[str, Any]]:
    """The entries of the JSON, by id."""
    return {entry["id"]: entry for entry in json.loads(metrics("--json", *words))["metrics"]}


@pytest.mark.parametrize("metric", list(CATALOG), ids=lambda metric: metric.id)
def test_every_metric_can_be_acted_on(metric: Metric) -> None:
    """Nothing about it is left empty; it is read with other metrics of the catalog."""
    for name in ("id", "kind", "unit", "group", "family", "help", "owner", "target", "next_action"):
        assert getattr(metric, name).strip(), name
    assert metric.formula.default in metric.formula.stats
    assert metric.pairs
    assert [pair for pair in metric.pairs if pair not in CATALOG or pair == metric.id] == []
    assert len(set(metric.pairs)) == len(metric.pairs)


SPEEDS = [metric for metric in CATALOG if metric.kind == "duration" and metric.group == "speed"]


@pytest.mark.parametrize("metric", SPEEDS, ids=lambda metric: metric.id)
def test_speed_is_read_with_quality(metric: Metric) -> None:
    """A time that is pushed down alone is paid for by customers."""
    assert {CATALOG.get(pair).group for pair in metric.pairs} & {"quality", "experience"}


def test_the_page_is_current() -> None:
    """Every metric is on it, as the catalog has it."""
    current = PAGE.read_text(encoding="utf-8") == catalog_markdown(CATALOG)
    assert current, "renew it: floorcast metrics --format markdown > docs/metrics.md"


def test_the_page_is_what_the_command_prints() -> None:
    """With every metric, and a link to each that it is read with."""
    page = metrics("--format", "markdown")
    assert page == catalog_markdown(CATALOG)
    assert [metric.id for metric in CATALOG if page.count(f"### {metric.id}\n") != 1] == []
    assert "[csat](#csat)" in page


def test_the_json_tells_everything() -> None:
    """All fields of every metric; labels with their values, where there are any beside the segments."""
    entries = listed()
    assert tuple(entries) == CATALOG.ids()
    assert [
        name for entry in entries.values() for name, value in entry.items() if not value and name != "labels"
    ] == []
    assert entries["ces"]["labels"] == {"polarity": ["ease", "effort"]}
    assert set(entries["csat"]) == {
        "id", "kind", "unit", "group", "family", "help", "stats", "default_stat", "labels", "owner", "target",
        "next_action", "pairs",
    }  # fmt: skip
    assert (entries["csat"]["stats"], entries["csat"]["default_stat"]) == (
        ["value", "numerator", "denominator"],
        "value",
    )
    assert metrics("--format", "json") == metrics("--json")


def test_what_people_agreed_on_stands_in_place_of_the_catalogs() -> None:
    """Field by field; other metrics and fields keep theirs."""
    catalog = load_catalog(parse({"metrics": {"csat": {"target": "at least 90 %"}}}).metrics)
    csat, plain = catalog.get("csat"), CATALOG.get("csat")
    assert (csat.target, csat.owner, csat.next_action) == ("at least 90 %", plain.owner, plain.next_action)
    assert [metric for metric in catalog if metric != CATALOG.get(metric.id)] == [csat]
    assert list(load_catalog({"csat": MetricConfig()})) == list(CATALOG)


def test_every_form_shows_what_was_agreed(agreed: str) -> None:
    """Table, page and JSON; the text means nothing to the terminal."""
    table, page = metrics("--config", agreed), metrics("--config", agreed, "--format", "markdown")
    for text in (table, page):
        assert "Tier [1] leads" in text
        assert "mean under 30 min" in text
        assert "Move two people | from chat." in text
    entry = listed("--config", agreed)["first_response_time"]
    assert (entry["target"], entry["owner"]) == ("mean under 30 min", "Tier [1] leads")


def test_an_unknown_metric_in_the_configuration_is_refused(tmp_path: Path) -> None:
    """Before anything is shown."""
    (tmp_path / "f.yaml").write_text("metrics: {cast: {owner: Ann}}\n")
    result = CliRunner().invoke(cli, ["metrics", "--config", str(tmp_path / "f.yaml")])
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {tmp_path}/f.yaml:1: metrics.cast: unknown metric; the nearest known one is metrics.csat\n"
    )
