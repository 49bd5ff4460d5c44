"""Which numbers the terminal board shows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Value:
    """One stat of a metric over a window, and what it is called; without a window it is the state now."""

    name: str
    metric: str
    window: str = ""
    stat: str = "value"


def _now(name: str, metric: str) -> Value:
    return Value(name, metric)


def _hour(name: str, metric: str, stat: str = "value") -> Value:
    return Value(name, metric, "1h", stat)


def _two(metric: str) -> tuple[Value, ...]:
    return (_hour("last hour", metric), Value("today", metric, "today"))


def _share(metric: str) -> tuple[Value, ...]:
    return (_hour("", metric), _hour("of", metric, "denominator"))


TILES: Final[dict[str, tuple[Value, ...]]] = {
    "Tickets created": _two("ticket_volume"),
    "Tickets resolved": _two("tickets_resolved"),
    "First response, last hour": (
        _hour("mean", "first_response_time", "mean"),
        _hour("p90", "first_response_time", "p90"),
        _hour("replies", "first_response_time", "count"),
    ),
    "Backlog": (_now("open", "backlog"), _now("unanswered", "backlog_unanswered")),
    "Calls offered": _two("calls_offered"),
    "Waiting now": (_now("calls", "calls_waiting"), _now("longest", "longest_wait")),
    "Agents": (_now("logged in", "agents"), _hour("occupancy, last hour", "occupancy")),
    "Service level, last hour": (
        _hour("", "service_level"),
        _hour("in time", "service_level", "numerator"),
        _hour("of", "service_level", "denominator"),
    ),
    "Answered, last hour": _share("answer_rate"),
    "Abandoned, last hour": _share("abandonment_rate"),
    "CSAT, 7 days": (Value("", "csat", "7d"), Value("answers", "csat", "7d", "denominator")),
    "Self-service, today": (
        Value("sessions", "selfservice_sessions", "today"),
        Value("succeeded", "selfservice_success_rate", "today"),
        Value("of", "selfservice_success_rate", "today", "denominator"),
    ),
    "NPS, 28 days": (Value("", "nps", "28d"), Value("answers", "nps", "28d", "count")),
}
"""The tiles by title, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A table of one family by a dimension; its rows are those with the greatest counts and levels."""

    title: str
    dimension: str
    columns: tuple[Value, ...]


TABLES: Final = (
    Layout(
        "Calls by queue, last hour",
        "queue",
        (
            _now("waiting", "calls_waiting"),
            _now("longest", "longest_wait"),
            _hour("offered", "calls_offered"),
            _hour("answered", "calls_answered"),
            _hour("service level", "service_level"),
            _hour("mean wait", "call_wait_time", "mean"),
            _hour("abandoned", "abandonment_rate"),
        ),
    ),
    Layout(
        "Tickets by team, last hour",
        "team",
        (
            _now("backlog", "backlog"),
            _now("unanswered", "backlog_unanswered"),
            _hour("created", "ticket_volume"),
            _hour("resolved", "tickets_resolved"),
            _hour("first response", "first_response_time", "mean"),
        ),
    ),
)
