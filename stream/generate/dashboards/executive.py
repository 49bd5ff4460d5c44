"""Executive: exactly seven numbers, each now, over time and a week before."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board
from stream.generate.dashboards.look import look_of
from stream.generate.vocabulary import Vocabulary


def executive(words: Vocabulary) -> Dashboard:
    """Satisfaction, first response, resolution, first contact, volume, backlog, SLA."""
    board = Board(
        words,
        About(
            "executive", "Executive", "The seven numbers of the executive view, and the same a week before.",
            "executive", since="now-24h", refresh="1m", interval="1m",
        ),
    )  # fmt: skip
    seven = (
        ("csat", "Customer satisfaction", "7d"),
        ("first_response_time", "First response time", "today"),
        ("resolution_time", "Resolution time", "today"),
        ("first_contact_resolution", "First contact resolution", "today"),
        ("ticket_volume", "Ticket volume", "today"),
        ("backlog", "Backlog", ""),
    )
    for metric_id, title, window in seven:
        span = f" ({words.window(metric_id, window)})" if window else ""
        look = look_of(words, metric_id, title + span)
        board.stat(look, words.gauge(metric_id, window), width=6, height=8, before=True)
    window = words.window("sla_compliance", "today")
    look = look_of(words, "sla_compliance", f"SLA performance ({window})", note="All clocks together.")
    board.stat(look, words.ratio("sla_compliance", window, ()), width=6, height=8, before=True)
    return board.finish()
