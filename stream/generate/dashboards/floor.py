"""Floor: what happens on the phones at this moment, by queue."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Query
from stream.generate.dashboards.look import look_of
from stream.generate.vocabulary import Vocabulary, chosen

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
    match = chosen(by)
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
    board.row("Queues")
    board.table(
        "Queues, the last hour", QUEUE,
        [
            board.column("calls_waiting", "Waiting", QUEUE),
            board.column("longest_wait", "Longest wait", QUEUE),
            board.column("service_level", "Service level", QUEUE, "1h"),
            board.column("service_level_floor", "Floor", QUEUE, "1h"),
            board.column("abandonment_rate", "Abandonment", QUEUE, "1h"),
            board.column("call_wait_time", "Mean wait", QUEUE, "1h"),
            board.column("calls_offered", "Offered", QUEUE, "1h"),
            board.column("calls_answered", "Answered", QUEUE, "1h"),
        ],
    )  # fmt: skip


def _over_time(board: Board) -> None:
    words = board.words
    board.row("Over time")
    by = board.scope("calls_waiting", QUEUE)
    match = chosen(by)
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
