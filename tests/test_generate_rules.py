"""The generated rules under Debian's promtool and amtool, Prometheus and Alertmanager."""

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml

from stream.alerts.channels.alertmanager import NAMES
from stream.config import Config, parse
from stream.doctor.finding import Section
from stream.generate.alerts_floorcast import WATCHDOG
from stream.generate.dashboards.all import DASHBOARDS
from stream.generate.files import files, rule_files
from stream.generate.rules import Alert
from stream.generate.servers import receiver_of
from stream.generate.vocabulary import Vocabulary
from tests.conftest import _part
from tests.exported import ROOT
from tests.rig.alertmanager import AlertmanagerServer, alertmanager_program
from tests.rig.prometheus import PrometheusServer, prometheus_program, promtool
from tests.test_generate_files import FILES, OTHER_CONFIG

RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
QUICK = re.compile(r"\b(group_wait|group_interval): \S+")


def alerts_of(config: Config) -> list[Alert]:
    """Every alert of a deployment."""
    found = rule_files(Vocabulary(config)).values()
    return [alert for groups in found for group in groups for alert in group.alerts()]


ALERTS = alerts_of(Config())


def written(texts: dict[str, str], directory: Path) -> Path:
    """The files in a directory."""
    for path, text in texts.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


@pytest.fixture
def tools() -> None:
    """The tools of Prometheus and Alertmanager."""
    _part(prometheus_program)
    _part(alertmanager_program)


def test_every_alert_has_all_that_its_reader_needs() -> None:
    """Summary, description, owner, next action, a runbook and a dashboard; and each name is there once."""
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        for words in (alert.summary, alert.description, alert.owner, alert.next_action):
            assert len(words) > 3, alert.name
        assert alert.board in DASHBOARDS, alert.name
    rules = yaml.safe_load(FILES["prometheus/rules/metrics.yml"])["groups"][0]["rules"]
    wanted = {"summary", "description", "next_action", "runbook_url", "dashboard_url"}
    assert all(set(rule["annotations"]) == wanted and "owner" in rule["labels"] for rule in rules)


def test_every_alert_and_finding_has_a_runbook_and_no_runbook_is_left_over() -> None:
    """docs/runbooks.md has a section for each, with what to do; `floorcast doctor` finds things, too."""
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
    assert set(sections) == {alert.name for alert in ALERTS} | set(get_args(Section))
    assert all(len(text) > 80 for text in sections.values())
    linked = set(re.findall(r"\]\(#(\w+)\)", RUNBOOKS))
    assert linked <= {name.lower() for name in sections}


def test_every_alert_is_tried_both_ways() -> None:
    """At least one trial that must fire it and one that must not; the watchdog always fires."""
    for alert in ALERTS:
        fires = [trial for trial in alert.trials if trial.labels is not None]
        quiet = [trial for trial in alert.trials if trial.labels is None]
        assert fires, alert.name
        assert quiet or alert.name == WATCHDOG, alert.name


@pytest.mark.usefixtures("tools")
def test_promtool_is_content_with_the_tree() -> None:
    """Rules and configuration are valid, and every alert passes its trials."""
    directory = ROOT / "grafana" / "prometheus"
    promtool("check", "config", "prometheus.yml", directory=directory)
    rules = sorted(str(path.relative_to(directory)) for path in directory.glob("rules/*.yml"))
    promtool("check", "rules", *rules, directory=directory)
    tests = sorted(str(path.relative_to(directory)) for path in directory.glob("tests/*.yml"))
    assert "FAILED" not in promtool("test", "rules", *tests, directory=directory)


@pytest.mark.usefixtures("tools")
def test_trials_fail_when_a_threshold_is_wrong(tmp_path: Path) -> None:
    """They would see it: with another number in the rules promtool is not content."""
    directory = written(FILES, tmp_path) / "prometheus"
    rules = directory / "rules" / "metrics.yml"
    rules.write_text(rules.read_text().replace('window="1h"} < 0.8', 'window="1h"} < 0.7'))
    with pytest.raises(AssertionError, match="SupportServiceLevelLow"):
        promtool("test", "rules", "tests/metrics.yml", directory=directory)


@pytest.mark.usefixtures("tools")
def test_a_deployment_of_its_own_passes_too(tmp_path: Path) -> None:
    """With other targets, groupings and windows, and with braces and quotes in people's words."""
    directory = written(files(OTHER_CONFIG), tmp_path)
    promtool("check", "config", "prometheus.yml", directory=directory / "prometheus")
    promtool("test", "rules", "tests/metrics.yml", "tests/sla.yml", directory=directory / "prometheus")
    _amtool("check-config", "alertmanager.yml", directory=directory / "alertmanager")


def test_burn_rates_that_cannot_be_reached_are_left_out() -> None:
    """At 80 % 14.4 times the budget would be more than everything; without a number there is no alert."""

    def expressions(target: str) -> dict[str, str]:
        config = parse({"metrics": {"sla_compliance": {"target": target}}})
        return {alert.name: alert.expr for alert in alerts_of(config) if "Burning" in alert.name}

    assert "> 0.72" in expressions("at least 95 %")["SupportSlaBurningFast"]
    assert "> 0.3\n" in expressions("at least 95 %")["SupportSlaBurningFast"]
    assert set(expressions("at least 80 %")) == {"SupportSlaBurningSlowly"}
    assert set(expressions("at least 90 %")) == {"SupportSlaBurningFast", "SupportSlaBurningSlowly"}
    assert "increase1h" not in expressions("at least 90 %")["SupportSlaBurningFast"]
    assert expressions("as good as last year") == {}


def test_no_secret_stands_in_any_file() -> None:
    """Receivers name files; nothing else has an address with a path or a password."""
    config = yaml.safe_load(FILES["alertmanager/alertmanager.yml"])
    for receiver in config["receivers"]:
        (told,) = receiver["slack_configs"]
        assert told["api_url_file"] == f"/etc/alertmanager/secrets/{receiver['name']}"
        assert not {"api_url", "http_config"} & set(told)
    for path, text in FILES.items():
        assert not re.search(r"password|token|secret(?!s/)|https?://[^/\s\"]*@", text, re.IGNORECASE), path


@pytest.mark.usefixtures("tools")
def test_alerts_are_routed_to_owner_and_pager() -> None:
    """Critical ones to the pager and the owner, others to the owner, the watchdog alone to its own; those of
    `floorcast alerts`, which come to the same Alertmanager, to the team leads and the pager."""
    for alert in ALERTS:
        expected = [receiver_of(alert.owner)]
        if alert.severity == "critical":
            expected.insert(0, "pager")
        if alert.name == WATCHDOG:
            expected = ["watchdog"]
        assert _routed(alertname=alert.name, **alert.labels()) == expected, alert.name
    assert {name: _routed(alertname=name, severity="critical", team="red") for name in NAMES.values()} == {
        "SlaAtRisk": ["team-leads"], "SlaBreached": ["team-leads"], "FloorcastBlind": ["pager"],
    }  # fmt: skip
    assert _routed(alertname="Another") == ["others"]


def test_every_alert_reaches_a_real_alertmanager(tmp_path: Path) -> None:
    """Each is forced in a real Prometheus with the labels of its trial; Alertmanager, with the generated
    configuration, gets it with every annotation filled in, and routes and inhibits as it should."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    text = FILES["alertmanager/alertmanager.yml"].replace("/etc/alertmanager/secrets", str(secrets))
    for receiver in yaml.safe_load(text)["receivers"]:
        (secrets / receiver["name"]).write_text("http://127.0.0.1:1/")
    directory = written(_forced(FILES), tmp_path / "made")
    alertmanager = AlertmanagerServer(tmp_path, _part(alertmanager_program), QUICK.sub(r"\1: 1s", text))
    alertmanager.start()
    prometheus = PrometheusServer(
        tmp_path / "prometheus", _part(prometheus_program), directory / "prometheus", "127.0.0.1:1",
        f"127.0.0.1:{alertmanager.port}",
    )  # fmt: skip
    try:
        prometheus.start()
        found = {alert["labels"]["alertname"]: alert for alert in alertmanager.until(len(ALERTS))}
    finally:
        prometheus.stop()
        alertmanager.stop()
    assert set(found) == {alert.name for alert in ALERTS}
    for name, alert in found.items():
        told = " ".join(alert["annotations"].values())
        assert "<error" not in told, name
        assert "{{" not in told, name
        assert "<no value>" not in told, name
    inhibited = {name for name, alert in found.items() if alert["status"]["inhibitedBy"]}
    assert {"SupportServiceLevelLow", "FloorcastStale"} <= inhibited, "nobody scrapes: numbers say nothing"
    assert not {WATCHDOG, "FloorcastExporterDown", "FloorcastRedisFull"} & inhibited


def _forced(texts: dict[str, str]) -> dict[str, str]:
    """The same with alerts that fire at once: of a constant, with the labels of their first firing trial."""
    forced = dict(texts)
    trials = {alert.name: next(one for one in alert.trials if one.labels is not None) for alert in ALERTS}
    for path in [path for path in texts if path.startswith("prometheus/rules/")]:
        plain = yaml.safe_load(texts[path])
        for group in plain["groups"]:
            for rule in [rule for rule in group["rules"] if "alert" in rule]:
                rule["expr"] = _constant(dict(trials[rule["alert"]].labels or {}))
                rule.pop("for", None)
        forced[path] = yaml.safe_dump(plain)
    return forced


def _constant(labels: dict[str, str]) -> str:
    expr = "vector(0.5)"
    for name, value in labels.items():
        expr = f'label_replace({expr}, "{name}", "{value}", "", "")'
    return expr


def _routed(**labels: str) -> list[str]:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    said = _amtool(
        "config", "routes", "test", "--config.file=alertmanager.yml", *pairs,
        directory=ROOT / "grafana" / "alertmanager",
    )  # fmt: skip
    return said.strip().split(",")


def _amtool(*arguments: str, directory: Path) -> str:
    done = subprocess.run(["amtool", *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
