"""Floor: what happens on the phones at this moment, by queue."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Column, Query
from stream.generate.dashboards.look import look_of
from stream.generate.vocabulary import Vocabulary

QUEUE = ("queue",)


def floor(words: Vocabulary) -> Dashboard:
    """Of the chosen queues together, then each."""
    board = Board(
        words,
        About("floor", "Floor", "The phones now: who waits, for how long, and who is there.", "floor",
              since="now-3h", refresh="15s"),
    )  # fmt: skip
    board.choose("queue", "calls_waiting", QUEUE)
    _now(board)
    if words.has("calls_waiting", QUEUE):
        _queues(board)
    _over_time(board)
    return board.finish()


def _now(board: Board) -> None:
    words = board.words
    by = board.scope("calls_waiting", QUEUE)
    match = {name: f"${name}" for name in by}
    board.row("Now")
    board.stat(
        look_of(words, "calls_waiting", "Calls waiting"), words.total("calls_waiting", "", by, **match)
    )
    longest = f"max({words.gauge('longest_wait', by=by, **match)})"
    board.stat(look_of(words, "longest_wait", "Longest wait", note="Empty while nobody waits."), longest)
    for metric_id, title in (
        ("service_level", "Service level"),
        ("service_level_floor", "Service level floor"),
        ("abandonment_rate", "Abandonment"),
    ):
        window = words.window(metric_id, "1h", by)
        board.stat(
            look_of(words, metric_id, f"{title} ({window})"), words.ratio(metric_id, window, by, **match)
        )
    available = words.gauge("agents", state="available")
    board.stat(look_of(words, "agents", "Agents available", note="Of all queues."), f"sum({available})")


def _queues(board: Board) -> None:
    words = board.words
    chosen = {"queue": "$queue"}

    def column(metric_id: str, title: str, window: str = "", stat: str = "") -> Column:
        expr = words.gauge(metric_id, window, stat, QUEUE, **chosen)
        return Column(look_of(words, metric_id, title, stat), f"max by (queue) ({expr})")

    board.row("Queues")
    board.table(
        "Queues, the last hour", QUEUE,
        [
            column("calls_waiting", "Waiting"),
            column("longest_wait", "Longest wait"),
            column("service_level", "Service level", "1h"),
            column("service_level_floor", "Floor", "1h"),
            column("abandonment_rate", "Abandonment", "1h"),
            column("call_wait_time", "Mean wait", "1h"),
            column("calls_offered", "Offered", "1h"),
            column("calls_answered", "Answered", "1h"),
        ],
    )  # fmt: skip


def _over_time(board: Board) -> None:
    words = board.words
    board.row("Over time")
    by = board.scope("calls_waiting", QUEUE)
    match = {name: f"${name}" for name in by}
    legend = "{{queue}}" if by else "all"
    for metric_id, title, window in (
        ("calls_waiting", "Calls waiting", ""),
        ("longest_wait", "Longest wait", ""),
        ("service_level", "Service level", "5m"),
    ):
        span = f" ({words.window(metric_id, window, by)})" if window else ""
        expr = words.gauge(metric_id, window, by=by, **match)
        board.lines(look_of(words, metric_id, title + span), [Query(expr, legend)])
    agents = f"sum by (state) ({words.gauge('agents')})"
    board.lines(look_of(words, "agents", "Agents by state"), [Query(agents, "{{state}}")], stacked=True)
