"""Agents: who is there and how busy, and what teams get done. Never about single people."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Column, Query
from stream.generate.dashboards.look import look_of
from stream.generate.vocabulary import Vocabulary, chosen

TEAM = ("team",)
WORDS = (
    "Agents by state and team. Numbers of single people are not exported: they are on the private wallboard "
    "team-lead. Compare teams only with what they work on in mind."
)


def agents(words: Vocabulary) -> Dashboard:
    """Of the chosen teams."""
    board = Board(words, About("agents", "Agents", WORDS, "team-lead"))
    board.choose("team", "agents", TEAM)
    _now(board)
    if words.has("agents", TEAM):
        _teams(board)
    return board.finish()


def _now(board: Board) -> None:
    words = board.words
    by = board.scope("agents", TEAM)
    match = chosen(by)
    board.row("Now")
    for state in words.values("agents", "state", by):
        expr = words.total("agents", "", by, **match, state=state)
        board.stat(look_of(words, "agents", state.capitalize()), expr)
    states = words.total("agents", "", by, ("state",), **match)
    look = look_of(words, "agents", "Agents by state")
    board.lines(look, [Query(states, "{{state}}")], stacked=True)
    window = words.window("occupancy", "1h", by)
    occupancy = words.gauge("occupancy", window, by=by, **match)
    look = look_of(words, "occupancy", f"Occupancy ({window})")
    board.lines(look, [Query(occupancy, "{{team}}" if by else "all")])


def _teams(board: Board) -> None:
    words = board.words

    def column(metric_id: str, title: str, wanted: str) -> Column:
        window = words.window(metric_id, wanted, TEAM)
        return board.column(metric_id, f"{title} ({window})", TEAM, window)

    board.row("Teams")
    board.table(
        "What teams get done", TEAM,
        [
            column(metric_id, title, wanted)
            for metric_id, title, wanted in (
                ("occupancy", "Occupancy", "1h"),
                ("calls_answered", "Calls answered", "today"),
                ("call_handle_time", "Mean handle time", "today"),
                ("tickets_resolved", "Tickets resolved", "today"),
                ("first_contact_resolution", "First contact", "7d"),
                ("reopen_rate", "Reopened", "7d"),
                ("csat", "Satisfaction", "28d"),
                ("qa_score", "Reviews", "28d"),
            )
            if words.has(metric_id, TEAM)
        ],
    )  # fmt: skip
