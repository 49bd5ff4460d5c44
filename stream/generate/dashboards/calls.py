"""Calls: volume, service level by every method, waiting and handling, by queue, team and channel."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Query
from stream.generate.dashboards.look import PER_SECOND, Look, look_of
from stream.generate.vocabulary import Vocabulary, chosen

DIMENSIONS = ("queue", "team", "channel")
METHODS = (
    "service_level", "service_level_all_success", "service_level_answered_only", "service_level_offered",
    "service_level_short_success", "service_level_excl_short",
)  # fmt: skip
PARTS = (
    ("call_handle_time", "handle"),
    ("call_talk_time", "talk"),
    ("call_hold_time", "hold"),
    ("call_wrapup_time", "wrap-up"),
)
QUANTILES = ("0.5", "0.9", "0.95")


def calls(words: Vocabulary) -> Dashboard:
    """From the whole to the parts."""
    board = Board(
        words, About("calls", "Calls", "Inbound calls: how many, their waits, what becomes of them.", "floor")
    )  # fmt: skip
    for name in DIMENSIONS:
        board.choose(name, "calls_waiting", (name,))
    _today(board)
    _volume(board)
    _service(board)
    _handling(board)
    for name in DIMENSIONS:
        if words.has("calls_offered", (name,)):
            _groups(board, name)
    return board.finish()


def _today(board: Board) -> None:
    words = board.words
    window = words.window("calls_offered", "today")
    board.row(f"All calls ({window})")
    for metric_id, title in (
        ("calls_offered", "Offered"),
        ("calls_answered", "Answered"),
        ("calls_other", "Neither answered nor abandoned"),
        ("answer_rate", "Answered, share"),
        ("abandonment_rate", "Abandonment"),
        ("abandonment_rate_raw", "Abandonment with short ones"),
        ("service_level", "Service level"),
        ("call_wait_time", "Mean wait"),
        ("call_transfer_rate", "Transferred"),
        ("answered_by_arrival", "Answered, by arrival"),
        ("abandoned_by_arrival", "Abandoned, by arrival"),
        ("service_level_by_arrival", "Service level by arrival"),
    ):
        board.stat(look_of(words, metric_id, title), words.gauge(metric_id, window))


def _volume(board: Board) -> None:
    words = board.words
    board.row("Volume")
    flow = [
        Query(words.net_rate(f"calls_{name}", "15m"), name) for name in ("offered", "answered", "abandoned")
    ]
    meaning = "Calls a second: what was counted less what was taken back, smoothed over a quarter of an hour."
    board.lines(Look("Calls", meaning, PER_SECOND), flow)
    window = words.window("calls_abandoned", "1h")
    stages = f"sum by (stage) ({words.gauge('calls_abandoned', window)})"
    look = look_of(words, "calls_abandoned", f"Abandoned by stage ({window})")
    board.lines(look, [Query(stages, "{{stage}}")], stacked=True)


def _service(board: Board) -> None:
    words = board.words
    board.row("Service level and waiting")
    window = words.window("service_level", "1h")
    queries = [Query(words.gauge(metric_id, window), "{{method}}") for metric_id in METHODS]
    note = "The same calls by six methods; the first is floorcast's."
    board.lines(look_of(words, "service_level", f"Service level by method ({window})", note=note), queries)
    window = words.window("call_wait_time", "1h")
    quantiles = words.gauge("call_wait_time", window, "quantile", quantile="~" + "|".join(QUANTILES))
    look = look_of(words, "call_wait_time", f"Wait of answered calls, quantiles ({window})", "p90")
    board.lines(look, [Query(quantiles, "{{quantile}}")])
    for metric_id, title in (("service_level", "Service level"), ("abandonment_rate", "Abandonment")):
        by = board.scope(metric_id, ("queue",))
        window = words.window(metric_id, "1h", by)
        expr = words.gauge(metric_id, window, by=by, **chosen(by))
        look = look_of(words, metric_id, f"{title} by queue ({window})")
        board.lines(look, [Query(expr, "{{queue}}" if by else "all")])


def _handling(board: Board) -> None:
    words = board.words
    board.row("Handling")
    window = words.window("call_handle_time", "1h")
    queries = [Query(words.gauge(metric_id, window), legend) for metric_id, legend in PARTS]
    look = look_of(words, "call_handle_time", f"Handle time and its parts, means ({window})")
    board.lines(look, queries)
    window = words.window("time_to_abandon", "1h")
    queries = [Query(words.gauge("time_to_abandon", window), "mean")]
    quantile = words.gauge("time_to_abandon", window, "quantile", quantile="0.9")
    queries.append(Query(quantile, "0.9"))
    board.lines(look_of(words, "time_to_abandon", f"Time to abandon ({window})"), queries)


def _groups(board: Board, name: str) -> None:
    words = board.words
    by = (name,)
    window = words.window("calls_offered", "today", by)
    board.row(f"By {name} ({window})")
    board.table(
        f"Calls by {name} ({window})", by,
        [
            board.column("calls_offered", "Offered", by, "today"),
            board.column("calls_answered", "Answered", by, "today"),
            board.column("service_level", "Service level", by, "today"),
            board.column("abandonment_rate", "Abandonment", by, "today"),
            board.column("call_wait_time", "Mean wait", by, "today"),
            board.column("call_handle_time", "Mean handle time", by, "today"),
        ],
    )  # fmt: skip
