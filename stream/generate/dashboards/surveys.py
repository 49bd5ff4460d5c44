"""Surveys: what customers and reviewers say, always with how many said it."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Query
from stream.generate.dashboards.look import look_of
from stream.generate.vocabulary import Vocabulary, chosen

DIMENSIONS = ("team", "channel")


def surveys(words: Vocabulary) -> Dashboard:
    """Each kind, then by team and channel."""
    board = Board(
        words,
        About("surveys", "Surveys", "Satisfaction, promoters, ease, reviews. Read them with their counts.",
              "surveys", since="now-7d", refresh="5m", interval="1m"),
    )  # fmt: skip
    for name in DIMENSIONS:
        board.choose(name, "csat", (name,))
    board.choose("kind", "survey_response_rate", ("kind",))
    _scores(board)
    _over_time(board)
    for name in DIMENSIONS:
        if words.has("csat", (name,)):
            _groups(board, name)
    return board.finish()


def _scores(board: Board) -> None:
    words = board.words
    window = words.window("csat", "28d")
    board.row(f"All ({window})")
    for metric_id, title in (
        ("csat", "Customer satisfaction"),
        ("nps", "Net promoter score"),
        ("ces_ease", "Ease"),
        ("fcr_survey", "Resolved, say customers"),
        ("survey_response_rate", "Response rate"),
        ("qa_score", "Quality reviews"),
        ("cx_rating", "Customer experience"),
        ("employee_satisfaction", "Employee satisfaction"),
    ):
        board.stat(look_of(words, metric_id, title), words.gauge(metric_id, window), width=6)


def _over_time(board: Board) -> None:
    words = board.words
    board.row("Over time")
    csat = [Query(words.gauge("csat", window), window) for window in words.windows("csat")]
    board.lines(look_of(words, "csat", "Customer satisfaction by window"), csat)
    window = words.window("ces", "28d")
    ces = [Query(words.gauge("ces", window), "{{polarity}}")]
    board.lines(look_of(words, "ces", f"Customer effort as asked ({window})"), ces)
    answers = [
        Query(words.gauge(metric_id, window, stat), legend)
        for metric_id, stat, legend in (
            ("csat", "denominator", "csat"), ("nps", "count", "nps"), ("ces_ease", "count", "ces"),
            ("qa_score", "count", "reviews"), ("fcr_survey", "denominator", "fcr"),
        )
    ]  # fmt: skip
    board.lines(look_of(words, "survey_response_rate", f"Answers ({window})", "numerator"), answers)
    by = board.scope("survey_response_rate", ("kind",))
    span = words.window("survey_response_rate", "28d", by)
    rate = words.gauge("survey_response_rate", span, by=by, **chosen(by))
    look = look_of(words, "survey_response_rate", f"Response rate by kind ({span})")
    board.lines(look, [Query(rate, "{{kind}}" if by else "all")])


def _groups(board: Board, name: str) -> None:
    words = board.words
    by = (name,)
    window = words.window("csat", "28d", by)
    board.row(f"By {name} ({window})")
    board.table(
        f"Surveys by {name} ({window})", by,
        [
            board.column("csat", "Satisfaction", by, window),
            board.column("csat", "Answers", by, window, "denominator"),
            board.column("nps", "NPS", by, window),
            board.column("nps", "NPS answers", by, window, "count"),
            board.column("ces_ease", "Ease", by, window),
            board.column("qa_score", "Reviews", by, window),
            board.column("survey_response_rate", "Response rate", by, window),
        ],
    )  # fmt: skip
