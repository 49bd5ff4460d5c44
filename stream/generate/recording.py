"""Recording rules: what is dear to compute again and again, or is looked at a week later.

What windows would say of the past is not known to Prometheus, as it never learns what came late. So the past
is made of counters: what was added less what was taken back, at the time at which that became known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.generate.rules import Group, Record
from stream.generate.vocabulary import Vocabulary

SLA: Final = "sla_compliance"
SLA_WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
"""The windows of the burn rates of alerts_sla."""
HOURLY: Final = (
    "ticket_volume", "tickets_resolved", "first_response_time", "resolution_time",
    "calls_offered", "service_level", "abandonment_rate", "call_wait_time",
    "sla_compliance", "selfservice_success_rate",
)  # fmt: skip
DAILY: Final = ("csat", "first_contact_resolution", "reopen_rate", "survey_response_rate")
"""Of these an hour has too few."""


def misses(window: str) -> str:
    """The share of clocks decided in a window that were not kept, by clock."""
    return f"clock:support_sla_misses:ratio_increase{window}"


def decided(window: str) -> str:
    """How many clocks were decided in a window, by clock."""
    return f"clock:support_sla_decided:increase{window}"


def trend(metric_id: str) -> str:
    """The series of a metric for comparisons over weeks."""
    return f"all:support_{metric_id}:increase{_over(metric_id)}"


def _over(metric_id: str) -> str:
    return "1d" if metric_id in DAILY else "1h"


def recording(words: Vocabulary) -> list[Group]:
    """All of them."""
    return [
        Group("floorcast-sla", tuple(_sla(words))),
        Group("floorcast-trends", tuple(_trends(words))),
    ]


def _sla(words: Vocabulary) -> Iterator[Record]:
    for window in SLA_WINDOWS:
        yield Record(misses(window), f"1 - {words.net_ratio(SLA, window, per=('clock',))}")
        yield Record(decided(window), words.net(SLA, "denominator", window, per=("clock",)))


def _trends(words: Vocabulary) -> Iterator[Record]:
    for metric_id in (*HOURLY, *DAILY):
        over = _over(metric_id)
        match words.metric(metric_id).kind:
            case "ratio":
                expr = words.net_ratio(metric_id, over)
            case "duration":
                expr = words.net_mean(metric_id, over)
            case _:
                expr = words.net(metric_id, "value", over)
        yield Record(trend(metric_id), expr)
