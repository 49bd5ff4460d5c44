"""What `floorcast generate` writes: the tree is current, names are known, dashboards are whole."""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.cli.generate import command
from stream.config import Config, parse
from stream.generate.dashboards.all import DASHBOARDS
from stream.generate.files import files
from tests.exported import ROOT, known
from tests.promql import filled, selectors

GRAFANA = ROOT / "grafana"
CONFIG = Config()
FILES = files(CONFIG)
BOARDS: dict[str, Any] = {name: json.loads(FILES[f"dashboards/{name}.json"]) for name in DASHBOARDS}
UIDS = {
    "floorcast-executive", "floorcast-floor", "floorcast-calls", "floorcast-tickets", "floorcast-sla",
    "floorcast-surveys", "floorcast-agents", "floorcast-trends", "floorcast-pipeline",
}  # fmt: skip
OTHER = """
grafana: {floorcast_url: "https://boards.example/", url: "https://grafana.example/", runbooks_url: "https://wiki.example/run"}
alerts: {ticket_url: "https://desk.example/{ticket}"}
groupings: {tickets: [[team]], calls: [], surveys: [], agents: [], contacts: [], selfservice: []}
exporter: {windows: {calls: [30m, today], tickets: [2h]}, group_windows: {tickets: [24h]}}
metrics:
  service_level: {target: at least 90 %, owner: 'The "A" {{ team }}', next_action: 'See {{ page }}'}
  abandonment_rate: {target: as low as it goes}
  sla_compliance: {target: at least 99.9 %}
"""


OTHER_CONFIG = parse(yaml.safe_load(OTHER))


def panels(board: Any) -> list[Any]:
    """Those that show numbers."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every expression with where it stands."""
    for path, text in texts.items():
        if path.startswith("dashboards/"):
            board = json.loads(text)
            for panel in panels(board):
                for target in panel["targets"]:
                    yield f"{path}: {panel['title']}", target["expr"]
            for variable in board["templating"]["list"]:
                if variable["type"] == "query":
                    yield f"{path}: {variable['name']}", variable["query"].split("(")[1].split(",")[0]
            for annotation in board["annotations"]["list"]:
                yield f"{path}: {annotation['name']}", annotation["expr"]
        elif path.startswith("prometheus/rules/"):
            for group in yaml.safe_load(text)["groups"]:
                for rule in group["rules"]:
                    yield f"{path}: {rule.get('alert', rule.get('record'))}", rule["expr"]


def test_the_tree_is_current() -> None:
    """`make generate` changes nothing: renew `grafana/` with it after a change."""
    secrets = GRAFANA / "alertmanager" / "secrets"
    there = [path for path in GRAFANA.rglob("*") if path.is_file() and path.parent != secrets]
    assert {str(path.relative_to(GRAFANA)): path.read_text() for path in there} == FILES


@pytest.mark.parametrize("config", [CONFIG, OTHER_CONFIG], ids=["default", "other"])
def test_only_series_that_exist_are_asked_for(config: Config) -> None:
    """Each name in every expression is one that the exporter, a rule or Prometheus makes; each label too."""
    series = known(config)
    scraped = {"job", "instance"}
    wrong = [
        (where, str(selector))
        for where, expr in expressions(files(config))
        for selector in selectors(filled(expr))
        if selector.name not in series
        or not {label for label, _, _ in selector.matchers} <= series[selector.name] | scraped
    ]
    assert wrong == []


def test_ratios_and_percentiles_are_never_averaged() -> None:
    """Sums are divided: there is no mean over series or time of anything."""
    assert [where for where, expr in expressions(FILES) if "avg" in expr] == []


def test_dashboards_are_what_the_models_of_grafana_have() -> None:
    """Read by the SDK's models and written again nothing is lost or changed: no key is unknown to them."""
    register_default_plugins()
    for board in BOARDS.values():
        again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
        assert again == board


def test_uids_are_stable_and_ids_unique() -> None:
    """Links and bookmarks of people hold on to a uid; Grafana mixes up panels of one id."""
    assert {board["uid"] for board in BOARDS.values()} == UIDS
    for board in BOARDS.values():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))


def test_every_panel_has_unit_description_interval_and_source() -> None:
    """And of a table every column has its unit."""
    for name, board in BOARDS.items():
        for panel in panels(board):
            where = f"{name}: {panel['title']}"
            assert len(panel["description"]) > 20, where
            assert panel["interval"], where
            assert panel["datasource"]["uid"] == "${datasource}", where
            refs = [target["refId"] for target in panel["targets"]]
            assert refs, where
            assert len(refs) == len(set(refs)), where
            if panel["type"] == "table":
                columns = panel["fieldConfig"]["overrides"]
                assert len(columns) == len(refs), where
                assert all(column["properties"][0]["id"] == "unit" for column in columns), where
            else:
                assert panel["fieldConfig"]["defaults"]["unit"], where


def test_panels_lie_beside_each_other() -> None:
    """None over another, none beyond the edge."""
    for name, board in BOARDS.items():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = set(product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
            assert at["x"] + at["w"] <= 24, f"{name}: {panel['title']}"
            assert not cells & taken, f"{name}: {panel['title']}"
            taken |= cells


def test_variables_are_used_and_there() -> None:
    """No expression names a variable that its dashboard has not, and none is there for nothing."""
    for name, board in BOARDS.items():
        there = {variable["name"] for variable in board["templating"]["list"]}
        text = json.dumps([board["panels"], board["links"]])
        used = {variable for variable in there if f"${variable}" in text or f"${{{variable}" in text}
        assert used == there, name
        for panel in panels(board):
            for target in panel["targets"]:
                left = filled(target["expr"])
                assert "$" not in left, f"{name}: {panel['title']}"
                asked = {
                    value[1:]
                    for selector in selectors(target["expr"].replace("$__rate_interval", "5m"))
                    for _, _, value in selector.matchers
                    if value.startswith("$")
                }
                assert asked <= there, f"{name}: {panel['title']}"


def test_the_executive_dashboard_has_exactly_the_seven() -> None:
    """Satisfaction, response, resolution, first contact, volume, backlog, SLA; each with the week before."""
    shown = [panel["title"].partition(" (")[0] for panel in panels(BOARDS["executive"])]
    assert shown == [
        "Customer satisfaction", "First response time", "Resolution time", "First contact resolution",
        "Ticket volume", "Backlog", "SLA performance",
    ]  # fmt: skip
    for panel in panels(BOARDS["executive"]):
        assert [target.get("legendFormat") for target in panel["targets"]] == ["now", "a week before"]


def _panel(board: Any, title: str) -> Any:
    return next(panel for panel in board["panels"] if panel["title"].partition(" (")[0] == title)


def test_thresholds_follow_the_target() -> None:
    """Green at the target, yellow a tenth beside it, red beyond; of the deployment's own target too."""
    steps = _panel(BOARDS["floor"], "Service level")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "red"),
        (0.72, "yellow"),
        (0.8, "green"),
    ]
    other = json.loads(files(OTHER_CONFIG)["dashboards/floor.json"])
    steps = _panel(other, "Service level")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 0.81, 0.9]
    wait = _panel(BOARDS["floor"], "Longest wait")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in wait] == [(None, "green"), (60, "yellow"), (66, "red")]


def test_thresholds_are_in_the_unit_that_is_shown() -> None:
    """Ages have a target in hours and are exported in seconds."""
    age = _panel(BOARDS["tickets"], "Mean age")["fieldConfig"]["defaults"]
    assert age["unit"] == "s"
    assert [step["value"] for step in age["thresholds"]["steps"]] == [None, 48 * 3600, 52.8 * 3600]


def test_descriptions_are_the_catalogs() -> None:
    """Meaning, owner, target, next action and what to read it with."""
    words = _panel(BOARDS["executive"], "Customer satisfaction")["description"]
    for part in ("Satisfied answers / answers", "Owner: Quality", "Target: at least 85 %", "Read with:"):
        assert part in words


def test_a_deployment_of_its_own_has_its_own() -> None:
    """Groupings that are not exported have no panel, variable or rule; windows and links are its own."""
    texts = files(OTHER_CONFIG)
    floor = json.loads(texts["dashboards/floor.json"])
    assert [variable["name"] for variable in floor["templating"]["list"]] == ["datasource"]
    assert "queue" not in json.dumps([panel["title"] for panel in floor["panels"]]).lower()
    assert _panel(floor, "Service level")["title"] == "Service level (30m)"
    assert {link["url"] for link in floor["links"] if link["type"] == "link"} == {
        "https://boards.example/boards/floor"
    }
    tickets = json.loads(texts["dashboards/tickets.json"])
    assert "https://desk.example/${ticket:percentencode}" in {link["url"] for link in tickets["links"]}
    rules = texts["prometheus/rules/metrics.yml"]
    assert "SupportQueue" not in rules
    assert "SupportAbandonmentHigh" not in rules
    assert "< 0.9" in rules
    assert "https://wiki.example/run#supportservicelevellow" in rules
    assert "https://grafana.example/d/floorcast-calls" in rules


def test_dashboards_lead_to_each_other_and_to_the_wallboard() -> None:
    """By tag, with variables and time kept; every link of an alert leads to a dashboard that is there."""
    for board in BOARDS.values():
        assert board["tags"] == ["floorcast"]
        (others,) = [link for link in board["links"] if link["type"] == "dashboards"]
        assert others["tags"] == ["floorcast"]
        assert others["keepTime"]
        assert others["includeVars"]
        assert any("/boards/" in link["url"] for link in board["links"])


def test_panels_of_the_past_say_what_prometheus_cannot() -> None:
    """This week against the last is of what was known then."""
    for panel in panels(BOARDS["trends"]):
        assert "cannot restate the past" in panel["description"]
        this, before = (target["expr"] for target in panel["targets"])
        assert before == f"{this} offset 1w"


def test_the_command_writes_checks_and_removes(tmp_path: Path) -> None:
    """`--check` fails before and holds after; what it made before goes, what others put there stays."""
    run = CliRunner(env={"FLOORCAST_CONFIG": None})
    before = run.invoke(command, ["--output", str(tmp_path), "--check"])
    assert before.exit_code == 1
    assert "differs" in before.output
    assert run.invoke(command, ["--output", str(tmp_path)]).exit_code == 0
    old = tmp_path / "dashboards" / "gone.json"
    old.write_text(FILES["dashboards/floor.json"].replace("floorcast-floor", "floorcast-gone"))
    mine = [tmp_path / "dashboards" / "mine.json", tmp_path / "prometheus" / "rules" / "mine.yml"]
    for path in mine:
        path.write_text("{}")
    assert run.invoke(command, ["--output", str(tmp_path), "--check"]).exit_code == 1
    assert run.invoke(command, ["--output", str(tmp_path)]).exit_code == 0
    assert run.invoke(command, ["--output", str(tmp_path), "--check"]).exit_code == 0
    assert not old.exists()
    assert all(path.exists() for path in mine)


def test_without_the_sdk_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: most who run floorcast need none of it."""
    for name in [
        name for name in sys.modules if name.startswith(("grafana_foundation_sdk", "stream.generate"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    told = CliRunner(env={"FLOORCAST_CONFIG": None}).invoke(command, ["--check"])
    assert told.exit_code == 1
    assert "pip install 'floorcast[grafana]'" in told.output


def test_versions_of_one_library_are_pinned_once() -> None:
    """The extras `grafana` and `dev` name the same version of the SDK."""
    lines = [
        line
        for line in (ROOT / "pyproject.toml").read_text().splitlines()
        if "grafana-foundation-sdk" in line
    ]
    assert len(lines) == 2
    assert len({line.split('"')[1] for line in lines}) == 1


def test_groups_of_panels_are_headed() -> None:
    """Rows come in order, each with panels under it, but for the executive's seven."""
    for name, board in BOARDS.items():
        kinds = [panel["type"] for panel in board["panels"]]
        assert name == "executive" or kinds[0] == "row"
        assert kinds[-1] != "row"
        assert ("row", "row") not in set(pairwise(kinds))
