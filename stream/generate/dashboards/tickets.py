"""Tickets: the backlog, what comes and goes, how fast and how well, by each dimension."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Column, Query
from stream.generate.dashboards.look import PER_SECOND, Look, look_of
from stream.generate.vocabulary import Vocabulary, chosen

TEAM_PRIORITY = (("team", "priority"), ("team",))
DIMENSIONS = ("team", "channel", "priority", "category")
BACKLOGS = (
    "backlog", "backlog_unanswered", "backlog_unassigned", "backlog_pending", "backlog_older_than_24h",
    "backlog_past_sla", "backlog_stale",
)  # fmt: skip
SPANS = (
    ("next_response_time", "next response"),
    ("resolution_time", "resolution"),
    ("full_resolution_time", "full resolution"),
    ("requester_wait_time", "requester wait"),
    ("agent_work_time", "agent work"),
)


def tickets(words: Vocabulary) -> Dashboard:
    """What is there, what moves, how fast, how well, what customers solve themselves."""
    board = Board(words, About("tickets", "Tickets", "Tickets: backlog, flow, speed and quality.", "tickets"))
    for name in DIMENSIONS:
        board.choose(name, "backlog", (name,))
    board.ticket()
    _backlog(board)
    _flow(board)
    _speed(board)
    _quality(board)
    for name in DIMENSIONS:
        if words.has("ticket_volume", (name,)):
            _groups(board, name)
    _selfservice(board)
    return board.finish()


def _backlog(board: Board) -> None:
    words = board.words
    by = board.scope("backlog", *TEAM_PRIORITY)
    match = chosen(by)
    note = f"Of the chosen {' and '.join(by)}." if by else ""
    board.row("Backlog")
    for metric_id, title in (
        ("backlog", "Backlog"), ("backlog_unanswered", "Unanswered"), ("backlog_past_sla", "Past SLA"),
    ):  # fmt: skip
        board.stat(look_of(words, metric_id, title, note=note), words.total(metric_id, "", by, **match))
    oldest = words.gauge("oldest_unanswered_age", by=by, **match)
    board.stat(look_of(words, "oldest_unanswered_age", "Oldest unanswered", note=note), f"max({oldest})")
    board.stat(look_of(words, "backlog_age", "Mean age"), words.gauge("backlog_age"))
    board.stat(look_of(words, "backlog_stale", "Untouched for 3 days"), words.gauge("backlog_stale"))
    definitions = [Query(words.gauge(metric_id), "{{definition}}") for metric_id in BACKLOGS]
    board.lines(look_of(words, "backlog", "Backlog by definition").unjudged(), definitions)
    ages = Query("support_tickets_backlog_by_age", "{{age}}")
    board.bars(look_of(words, "backlog_age", "Backlog by age", "count"), ages, width=12)


def _flow(board: Board) -> None:
    words = board.words
    board.row("Flow")
    queries = [
        Query(words.net_rate(metric_id, "1h"), legend)
        for metric_id, legend in (
            ("ticket_volume", "created"), ("tickets_resolved", "resolved"), ("tickets_reopened", "reopened"),
        )
    ]  # fmt: skip
    meaning = (
        "Tickets a second, smoothed over an hour: what was counted less what was taken back. A reopening "
        "takes its resolution back, so `resolved` can fall below 0."
    )
    board.lines(Look("Created and resolved", meaning, PER_SECOND), queries)
    if words.has("channel_share", ("channel",)):
        window = words.window("channel_share", "today", ("channel",))
        share = words.gauge("channel_share", window, by=("channel",), channel="$channel")
        look = look_of(words, "channel_share", f"Contacts by channel, share ({window})")
        board.lines(look, [Query(share, "{{channel}}")], stacked=True)


def _speed(board: Board) -> None:
    words = board.words
    window = words.window("first_response_time", "today")
    board.row(f"Speed ({window})")
    for metric_id, title in (
        ("first_response_time", "First response"),
        ("first_response_time_business", "First response, business time"),
        ("first_response_time_any", "First response by anyone"),
        ("resolution_time", "Resolution"),
        ("time_to_assign", "Time to assign"),
        ("ticket_handle_time", "Handle time"),
    ):
        board.stat(look_of(words, metric_id, title), words.gauge(metric_id, window))
    quantiles = words.gauge("first_response_time", window, "quantile", quantile="~0.5|0.9|0.95")
    look = look_of(words, "first_response_time", f"First response time, quantiles ({window})", "p90")
    board.lines(look, [Query(quantiles, "{{quantile}}")])
    queries = [Query(words.gauge(metric_id, window), legend) for metric_id, legend in SPANS]
    look = look_of(words, "resolution_time", f"Time by its kinds, means ({window})").unjudged()
    board.lines(look, queries)


def _quality(board: Board) -> None:
    words = board.words
    by = board.scope("reopen_rate", *TEAM_PRIORITY)
    match = chosen(by)
    window = words.window("reopen_rate", "7d", by)
    board.row(f"Quality (of the chosen {' and '.join(by) or 'tickets'}: {window}, else today)")
    for metric_id, title in (
        ("first_contact_resolution", "First contact"),
        ("reopen_rate", "Reopened"),
        ("escalation_rate", "Escalated"),
        ("automation_rate", "Automated"),
    ):
        expr = words.ratio(metric_id, window, by, **match)
        board.stat(look_of(words, metric_id, f"{title} ({window})"), expr)
    for metric_id, title, wanted in (
        ("resolution_rate", "Resolved of those created", "today"),
        ("transfer_rate", "Transferred", "today"),
        ("first_contact_resolution_7d", "First contact, after 7 days", "today"),
        ("repeat_contact_rate", "Repeat contacts", "7d"),
        ("interactions_per_ticket", "Messages per ticket", "today"),
        ("reassignments_per_ticket", "Reassignments per ticket", "today"),
    ):
        span = words.window(metric_id, wanted)
        board.stat(look_of(words, metric_id, f"{title} ({span})"), words.gauge(metric_id, span))


def _groups(board: Board, name: str) -> None:
    words = board.words
    by = (name,)
    window = words.window("ticket_volume", "7d", by)
    columns = [
        board.column("backlog", "Backlog", by, window),
        board.column("ticket_volume", "Created", by, window),
        board.column("tickets_resolved", "Resolved", by, window),
        board.column("first_response_time", "First response", by, window),
        board.column("first_response_time", "p90", by, window, "quantile", quantile="0.9"),
        board.column("resolution_time", "Resolution", by, window),
        board.column("first_contact_resolution", "First contact", by, window),
        board.column("reopen_rate", "Reopened", by, window),
        board.column("escalation_rate", "Escalated", by, window),
    ]
    if words.has("repeat_contact_rate", by):
        columns.append(board.column("repeat_contact_rate", "Repeat contacts", by, window))
    board.row(f"By {name} ({window})")
    board.table(f"Tickets by {name} ({window})", by, columns)


def _selfservice(board: Board) -> None:
    words = board.words
    window = words.window("selfservice_sessions", "today")
    board.row(f"Self-service ({window})")
    for metric_id, title in (
        ("selfservice_sessions", "Sessions"),
        ("selfservice_success_rate", "Solved without a ticket"),
        ("selfservice_share", "Share of self-service"),
        ("article_helpful_rate", "Articles that help"),
    ):
        board.stat(look_of(words, metric_id, title), words.gauge(metric_id, window), width=6)
    article = ("article",)
    if words.has("article_helpful_rate", article):
        span = words.window("article_helpful_rate", "28d", article)
        board.table(
            f"Articles ({span})", article,
            [
                Column(
                    look_of(words, "article_helpful_rate", title, stat),
                    f"max by (article) ({words.gauge('article_helpful_rate', span, stat, article)})",
                )
                for stat, title in (("", "Helpful"), ("denominator", "Ratings"))
            ],
        )  # fmt: skip
