"""Trends: this week against the one before, from the counters that Prometheus has recorded."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Query
from stream.generate.dashboards.look import look_of
from stream.generate.recording import DAILY, HOURLY, trend
from stream.generate.vocabulary import Vocabulary

PAST = (
    "Prometheus cannot restate the past: what comes late is counted when it comes, and what is taken back is "
    "missing from then on. Exact are `floorcast query METRIC --compare week` and the API."
)


def trends(words: Vocabulary) -> Dashboard:
    """A panel a metric, the hour or the day before each point."""
    board = Board(
        words,
        About("trends", "Trends", f"This week and the one before. {PAST}", "executive", since="now-7d",
              refresh="5m", interval="5m"),
    )  # fmt: skip
    for title, span, metrics in (("By the hour", "1h", HOURLY), ("By the day", "1d", DAILY)):
        board.row(title)
        for metric_id in metrics:
            note = f"Of the {span} before each point. {PAST}"
            look = look_of(words, metric_id, _title(metric_id), note=note)
            series = trend(metric_id)
            board.lines(look, [Query(series, "this week"), Query(f"{series} offset 1w", "a week before")])
    return board.finish()


def _title(metric_id: str) -> str:
    return metric_id.replace("_", " ").capitalize().replace("Csat", "CSAT").replace("Sla", "SLA")
