"""What `/metrics` exports, as data. Names and labels are fixed here and listed in docs/prometheus.md.

A ratio never goes without its numerator and denominator: to put ratios together, divide the sums. Numbers of
a window are gauges, not counters: a late event takes contributions back, which a counter must never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "support_"

TICKET_WINDOWS: Final = ("1h", "today")
CALL_WINDOWS: Final = ("15m", "1h", "today")
SURVEY_WINDOWS: Final = ("today", "7d", "28d")


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric of the catalog under a name of Prometheus. `windows` is empty for what is read now.

    `where` asks for one value of a label of the metric; `labels` tell apart metrics that share a name.
    """

    name: str
    metric: str
    windows: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    where: tuple[tuple[str, str], ...] = ()


def _backlog(definition: str, metric: str) -> Exported:
    return Exported("tickets_backlog", metric, labels=(("definition", definition),))


def _service_level(method: str, metric: str) -> Exported:
    return Exported("service_level", metric, CALL_WINDOWS, (("method", method),))


def _abandoned(stage: str) -> Exported:
    return Exported(
        "calls_abandoned", "calls_abandoned", CALL_WINDOWS, (("stage", stage),), (("stage", stage),)
    )


def _ces(polarity: str) -> Exported:
    return Exported("ces_mean", "ces", SURVEY_WINDOWS, (("polarity", polarity),), (("polarity", polarity),))


def _agents(state: str) -> Exported:
    return Exported("agents", "agents", labels=(("state", state),), where=(("state", state),))


WHOLE: Final = (
    _backlog("all", "backlog"),
    _backlog("unanswered", "backlog_unanswered"),
    Exported("tickets_created", "ticket_volume", TICKET_WINDOWS),
    Exported("tickets_resolved", "tickets_resolved", TICKET_WINDOWS),
    Exported("tickets_reopened", "tickets_reopened", TICKET_WINDOWS),
    Exported("frt_seconds", "first_response_time", TICKET_WINDOWS),
    Exported("resolution_seconds", "resolution_time", TICKET_WINDOWS),
    Exported("full_resolution_seconds", "full_resolution_time", TICKET_WINDOWS),
    Exported("calls_waiting", "calls_waiting"),
    Exported("calls_longest_wait_seconds", "longest_wait"),
    Exported("calls_offered", "calls_offered", CALL_WINDOWS),
    Exported("calls_answered", "calls_answered", CALL_WINDOWS),
    _abandoned("ivr"),
    _abandoned("queue"),
    _abandoned("ring"),
    Exported("calls_other", "calls_other", CALL_WINDOWS),
    Exported("answered", "answer_rate", CALL_WINDOWS),
    Exported("abandonment", "abandonment_rate", CALL_WINDOWS, (("method", "excl_short"),)),
    Exported("abandonment", "abandonment_rate_raw", CALL_WINDOWS, (("method", "raw"),)),
    _service_level("excl_abandon_in_threshold", "service_level"),
    _service_level("all_success", "service_level_all_success"),
    _service_level("answered_only", "service_level_answered_only"),
    _service_level("offered", "service_level_offered"),
    _service_level("short_success", "service_level_short_success"),
    _service_level("excl_short", "service_level_excl_short"),
    Exported("service_level_floor", "service_level_floor", CALL_WINDOWS),
    Exported("call_wait_seconds", "call_wait_time", CALL_WINDOWS),
    Exported("time_to_abandon_seconds", "time_to_abandon", CALL_WINDOWS),
    Exported("talk_seconds", "call_talk_time", CALL_WINDOWS),
    Exported("hold_seconds", "call_hold_time", CALL_WINDOWS),
    Exported("wrapup_seconds", "call_wrapup_time", CALL_WINDOWS),
    Exported("handle_seconds", "call_handle_time", CALL_WINDOWS),
    Exported("call_transfer", "call_transfer_rate", CALL_WINDOWS),
    *(_agents(state) for state in ("available", "ringing", "busy", "hold", "wrapup", "break")),
    Exported("occupancy", "occupancy", CALL_WINDOWS),
    Exported("csat", "csat", SURVEY_WINDOWS),
    Exported("nps_score", "nps", SURVEY_WINDOWS),
    _ces("ease"),
    _ces("effort"),
    Exported("ces_ease", "ces_ease", SURVEY_WINDOWS),
    Exported("cx_rating", "cx_rating", SURVEY_WINDOWS),
    Exported("employee_satisfaction", "employee_satisfaction", SURVEY_WINDOWS),
    Exported("fcr_survey", "fcr_survey", SURVEY_WINDOWS),
    Exported("qa_score", "qa_score", SURVEY_WINDOWS),
    Exported("survey_response", "survey_response_rate", SURVEY_WINDOWS),
    Exported("selfservice_sessions", "selfservice_sessions", TICKET_WINDOWS),
    Exported("selfservice_success", "selfservice_success_rate", TICKET_WINDOWS),
    Exported("selfservice_share", "selfservice_share", TICKET_WINDOWS),
    Exported("articles_helpful", "article_helpful_rate", SURVEY_WINDOWS),
)
"""Of the whole deployment."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Metrics by one dimension, as `<dimension>_<name>`, e.g. `support_queue_calls_waiting`.

    The GROUPS_MAX groups with most of `rank` (a count's value, a ratio's denominator) in `rank_window` get
    series of their own; the others are one, `other`. Entities without the dimension have an empty label.
    """

    dimension: str
    rank: str
    rank_window: str
    metrics: tuple[Exported, ...]


GROUPED: Final = (
    Grouped(
        "team",
        "ticket_volume",
        "7d",
        (
            _backlog("all", "backlog"),
            _backlog("unanswered", "backlog_unanswered"),
            Exported("tickets_created", "ticket_volume", ("1h",)),
            Exported("tickets_resolved", "tickets_resolved", ("1h",)),
            Exported("tickets_reopened", "tickets_reopened", ("1h",)),
            Exported("frt_seconds", "first_response_time", ("1h",)),
        ),
    ),
    Grouped(
        "queue",
        "calls_offered",
        "7d",
        (
            Exported("calls_waiting", "calls_waiting"),
            Exported("calls_longest_wait_seconds", "longest_wait"),
            Exported("calls_offered", "calls_offered", ("1h",)),
            Exported("calls_answered", "calls_answered", ("1h",)),
            Exported("answered", "answer_rate", ("1h",)),
            Exported("abandonment", "abandonment_rate", ("1h",), (("method", "excl_short"),)),
            Exported("service_level", "service_level", ("1h",), (("method", "excl_abandon_in_threshold"),)),
            Exported("call_wait_seconds", "call_wait_time", ("1h",)),
        ),
    ),
    Grouped(
        "channel",
        "csat",
        "28d",
        (
            Exported("csat", "csat", ("7d",)),
            Exported("nps_score", "nps", ("28d",)),
            Exported("survey_response", "survey_response_rate", ("7d",)),
        ),
    ),
    Grouped(
        "kind", "survey_response_rate", "28d", (Exported("survey_response", "survey_response_rate", ("7d",)),)
    ),
    Grouped(
        "article", "article_helpful_rate", "28d", (Exported("helpful", "article_helpful_rate", ("28d",)),)
    ),
)
"""By one dimension of a family. Their names differ, so that a sum over a name never counts twice."""

GROUPS_MAX: Final = 30
