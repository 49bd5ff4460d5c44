"""Recording rules and alerts as data, and the files that Prometheus and promtool read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "none"]
"""`critical`: somebody must act now. `warning`: today. `none`: it says that alerts arrive at all."""


@dataclass(frozen=True, slots=True)
class Record:
    """A series computed in advance; `name` is `level:metric:operation`."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Trial:
    """Series in promtool's notation, a value every `step`, and when to look at the alert.

    `labels` are those, beside its own, of the one alert that must fire then; `None`: none may.
    """

    name: str
    series: Mapping[str, str]
    at: str
    labels: Mapping[str, str] | None = None
    step: str = "1m"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert with all that a person who gets it needs, and the trials that it must pass.

    `lasts` is how long it must hold. `board` is the name of a dashboard. `summary` and `description` are
    templates of Prometheus. `topic` names the family of the numbers that it is made of.
    """

    name: str
    expr: str
    lasts: str
    severity: Severity
    owner: str
    summary: str
    description: str
    next_action: str
    board: str
    trials: tuple[Trial, ...]
    topic: str = ""

    def labels(self) -> dict[str, str]:
        """What it adds to the labels of its expression."""
        labels = {"severity": self.severity, "owner": self.owner}
        return {**labels, "topic": self.topic} if self.topic else labels


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order."""

    name: str
    rules: tuple[Record | Alert, ...]

    def alerts(self) -> list[Alert]:
        """The alerts of it."""
        return [rule for rule in self.rules if isinstance(rule, Alert)]


@dataclass(frozen=True, slots=True)
class Links:
    """Where an alert leads to."""

    grafana: str
    runbooks: str

    def board(self, alert: Alert) -> str:
        """The dashboard that shows more."""
        return f"{self.grafana}/d/{uid(alert.board)}"

    def runbook(self, alert: Alert) -> str:
        """The section of docs/runbooks.md."""
        return f"{self.runbooks}#{alert.name.lower()}"


def literal(text: str) -> str:
    """People's words in an annotation or label, which are templates: braces stay braces."""
    return text.replace("{{", '{{ "{{" }}')


def quoted(text: str) -> str:
    """A value of a matcher of Prometheus or Alertmanager."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def uid(board: str) -> str:
    """The uid of a dashboard, which never changes."""
    return f"floorcast-{board}"


def series(selector: str, labels: dict[str, str]) -> str:
    """A selector as a series, with labels that the rule leaves open."""
    more = ",".join(f"{name}={quoted(value)}" for name, value in labels.items())
    if not more:
        return selector
    return f"{selector[:-1]},{more}}}" if selector.endswith("}") else f"{selector}{{{more}}}"


def labels_of(one: str) -> dict[str, str]:
    """The labels of a series in promtool's notation."""
    _, _, inner = one.rstrip("}").partition("{")
    pairs = (part.split("=", 1) for part in inner.split(",") if part)
    return {name: value.strip('"') for name, value in pairs}


def rules_plain(groups: Iterable[Group], links: Links) -> dict[str, object]:
    """A file of rules."""
    return {
        "groups": [
            {"name": group.name, "rules": [_plain(rule, links) for rule in group.rules]} for group in groups
        ]
    }


def _plain(rule: Record | Alert, links: Links) -> dict[str, object]:
    if isinstance(rule, Record):
        return {"record": rule.name, "expr": rule.expr}
    lasts: dict[str, object] = {"for": rule.lasts} if rule.lasts else {}
    labels = {name: literal(value) for name, value in rule.labels().items()}
    annotations = {
        "summary": rule.summary,
        "description": rule.description,
        "next_action": literal(rule.next_action),
        "runbook_url": links.runbook(rule),
        "dashboard_url": links.board(rule),
    }
    return {
        "alert": rule.name, "expr": rule.expr, **lasts, "labels": labels, "annotations": annotations
    }  # fmt: skip


def trials_plain(
    files: Mapping[str, Iterable[Group]], evaluated: str = "1m", directory: str = "../rules"
) -> dict[str, object]:
    """A file of promtool's tests: for each alert what must fire it, and what must not. `files`: those that
    are needed, in the order in which they are evaluated."""
    groups = [group for found in files.values() for group in found]
    tests = [
        {
            "name": f"{alert.name}: {trial.name}",
            "interval": trial.step,
            "input_series": [{"series": name, "values": values} for name, values in trial.series.items()],
            "promql_expr_test": [_expected(alert, trial)],
        }
        for group in groups
        for alert in group.alerts()
        for trial in alert.trials
    ]
    return {
        "rule_files": [f"{directory}/{name}.yml" for name in files],
        "evaluation_interval": evaluated,
        "group_eval_order": [group.name for group in groups],
        "tests": tests,
    }


def _expected(alert: Alert, trial: Trial) -> dict[str, object]:
    firing = {"alertname": alert.name, "alertstate": "firing"}
    found = []
    if trial.labels is not None:
        labels = {**firing, **trial.labels, **alert.labels()}
        text = ",".join(f"{name}={quoted(value)}" for name, value in sorted(labels.items()))
        found.append({"labels": f"ALERTS{{{text}}}", "value": 1})
    selector = ",".join(f'{name}="{value}"' for name, value in firing.items())
    return {"expr": f"ALERTS{{{selector}}}", "eval_time": trial.at, "exp_samples": found}
