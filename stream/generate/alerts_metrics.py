"""Alerts on aggregates, made from the catalog's targets; single tickets are the matter of `floorcast alerts`.

A target that is no number (`within the forecast`) has no alert, and one of a grouping that is not exported
neither. Few cases say little, so each has a least number of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stream.config import parse_duration
from stream.generate.rules import Alert, Group, Severity, Trial, labels_of, literal, series
from stream.generate.vocabulary import By, Vocabulary, number
from stream.metrics.catalog import Metric
from stream.metrics.targets import Target, target_of


@dataclass(frozen=True, slots=True)
class Watched:
    """A metric whose target is watched. `least`: of how many at least a ratio or mean has to be made; 0 for
    levels and gauges, which are of now."""

    name: str
    metric: str
    what: str
    board: str
    lasts: str
    window: str = ""
    by: By = ()
    least: int = 0
    severity: Severity = "warning"


_BY: Final = ("queue",)
WATCHED: Final = (
    Watched(
        "SupportServiceLevelLow", "service_level", "Service level", "calls", "10m", "1h",
        least=20, severity="critical",
    ),
    Watched("SupportQueueServiceLevelLow", "service_level", "Service level", "calls", "10m", "1h", _BY, 20),
    Watched("SupportAbandonmentHigh", "abandonment_rate", "Abandonment", "calls", "10m", "1h", least=20),
    Watched("SupportQueueAbandonmentHigh", "abandonment_rate", "Abandonment", "calls", "10m", "1h", _BY, 20),
    Watched("SupportAnswerSlow", "call_wait_time", "Mean wait for an answer", "calls", "15m", "1h", least=20),
    Watched("SupportQueueWaitLong", "longest_wait", "Longest wait", "floor", "5m", by=_BY),
    Watched(
        "SupportFirstResponseSlow", "first_response_time", "Mean first response time", "tickets", "30m",
        "today", least=20,
    ),
    Watched("SupportUnansweredOld", "oldest_unanswered_age", "Oldest unanswered message", "tickets", "15m"),
    Watched("SupportReopenRateHigh", "reopen_rate", "Reopen rate", "tickets", "1h", "today", least=50),
    Watched("SupportSatisfactionLow", "csat", "Customer satisfaction", "surveys", "1h", "7d", least=30),
    Watched(
        "SupportRepeatContactsHigh", "repeat_contact_rate", "Repeat contact rate", "tickets", "1h", "7d",
        least=50,
    ),
    Watched(
        "SupportSelfserviceFailing", "selfservice_success_rate", "Success of self-service", "tickets", "1h",
        "today", least=50,
    ),
)  # fmt: skip


def alerts_metrics(words: Vocabulary) -> list[Group]:
    """All that the targets and the exported groupings of a deployment allow."""
    watched = [_watch(words, one) for one in WATCHED if words.has(one.metric, one.by)]
    found = [alert for alert in watched if alert is not None]
    return [Group("floorcast-targets", (*found, *_agents(words)))]


def _watch(words: Vocabulary, one: Watched) -> Alert | None:
    metric = words.metric(one.metric)
    target = target_of(metric)
    if target is None:
        return None
    value = words.gauge(one.metric, one.window, by=one.by)
    sign = ">" if target.bound == "upper" else "<"
    expr = f"{value} {sign} {number(target.value)}"
    count = words.gauge(one.metric, one.window, _count(metric), one.by) if one.least else ""
    if count:
        expr += f"\n  and {count} >= {one.least}"
    return Alert(
        one.name, expr, one.lasts, one.severity, metric.owner,
        summary=f"{one.what}{_of(one.by)} is {_shown(metric)}, the target is {literal(metric.target)}",
        description=_description(words, one, metric),
        next_action=metric.next_action, board=one.board, topic=metric.family,
        trials=tuple(_trials(one, target, value, count)),
    )  # fmt: skip


def _count(metric: Metric) -> str:
    return "denominator" if metric.kind == "ratio" else "count"


def _of(by: By) -> str:
    return "".join(f" of {name} {{{{ $labels.{name} }}}}" for name in by)


def _shown(metric: Metric) -> str:
    if metric.kind == "ratio":
        return "{{ $value | humanizePercentage }}"
    return "{{ $value | humanizeDuration }}" if metric.unit == "seconds" else "{{ $value | humanize }}"


def _description(words: Vocabulary, one: Watched, metric: Metric) -> str:
    span = f" Over {words.window(one.metric, one.window, one.by)}" if one.window else " Now"
    least = f", of at least {one.least}" if one.least else ""
    return f"{metric.help}{span}{least}; for {one.lasts}."


def _trials(one: Watched, target: Target, value: str, count: str) -> Iterator[Trial]:
    """Fires when it is missed by a little; not at the target itself, nor for a moment, nor for few."""
    group = dict.fromkeys(one.by, "one")
    value, count = series(value, group), series(count, group) if count else ""
    after_m = parse_duration(one.lasts) // 60_000 + 2
    at = f"{after_m}m"
    missed = target.value * (1.01 if target.bound == "upper" else 0.99)
    enough = {count: f"{one.least}x{after_m}"} if count else {}
    labels = labels_of(value)
    yield Trial("missed", {value: f"{number(missed)}x{after_m}", **enough}, at, labels)
    yield Trial("at the target", {value: f"{number(target.value)}x{after_m}", **enough}, at)
    yield Trial(
        "missed for a moment",
        {value: f"{number(target.value)}x{after_m - 3} {number(missed)}x3", **enough},
        at,
    )
    if count:
        few = {value: f"{number(missed)}x{after_m}", count: f"{one.least - 1}x{after_m}"}
        yield Trial("missed by few", few, at)


def _agents(words: Vocabulary) -> Iterator[Alert]:
    metric = words.metric("calls_waiting")
    waiting = words.gauge("calls_waiting")
    agents = words.gauge("agents")
    one = series(agents, {"state": "available"})
    # Where agents are never told of, that none is known says nothing.
    expr = (
        f"{waiting} > 0 unless on () sum({agents}) > 0\n  and on () max_over_time(sum({agents})[1d:10m]) > 0"
    )
    yield Alert(
        "SupportNobodyAnswers", expr, "5m", "critical",
        metric.owner,
        summary="{{ $value }} calls wait and no agent is logged in",
        description=f"{metric.help} No agent is known in any state.",
        next_action="Log agents in; if they are, see why the topic of agents is silent.",
        board="floor", topic=metric.family,
        trials=(
            Trial("nobody any more", {waiting: "3x60", one: "1x15 0x45"}, "30m", {}),
            Trial("agents are not heard of any more", {waiting: "3x60", one: "1x15 stale"}, "30m", {}),
            Trial("somebody", {waiting: "3x60", one: "1x60"}, "30m"),
            Trial("nothing waits", {waiting: "0x60", one: "1x15 0x45"}, "30m"),
            Trial("agents are never told of", {waiting: "3x60", one: "0x60"}, "30m"),
        ),
    )  # fmt: skip
