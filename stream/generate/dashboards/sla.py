"""SLA: which clocks are at risk, which were missed, and how fast the budget of misses is used up."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.board import About, Board, Column, Query
from stream.generate.dashboards.look import COUNT, SHARE, Look, look_of
from stream.generate.recording import decided, misses
from stream.generate.vocabulary import Vocabulary, chosen

TEAM_PRIORITY = (("team", "priority"), ("team",))
DIMENSIONS = ("team", "priority")
BURNS = ("1h", "6h", "3d")


def sla(words: Vocabulary) -> Dashboard:
    """Now, today, over time."""
    board = Board(
        words,
        About("sla", "SLA", "Clocks of tickets and calls. Whose runs out next is on the wallboard.", "sla"),
    )  # fmt: skip
    for name in DIMENSIONS:
        board.choose(name, "sla_compliance", (name,))
    board.choose("clock", "sla_running", ())
    board.ticket()
    _now(board)
    _clocks(board)
    _burn_rates(board)
    for name in DIMENSIONS:
        if words.has("sla_compliance", (name,)):
            _groups(board, name)
    return board.finish()


def _now(board: Board) -> None:
    words = board.words
    by = board.scope("sla_running", *TEAM_PRIORITY)
    match = chosen((*by, "clock"))
    note = "Of the chosen " + ", ".join((*by, "clock")) + "."
    board.row("Now and in the last hour")
    for metric_id, title in (("sla_running", "Running"), ("sla_at_risk", "At risk")):
        board.stat(look_of(words, metric_id, title, note=note), words.total(metric_id, "", by, **match))
    past = words.total("backlog_past_sla", "", by, **chosen(by))
    board.stat(look_of(words, "backlog_past_sla", "Tickets past due", note=note), past)
    window = words.window("sla_breaches", "1h", by)
    breaches = words.total("sla_breaches", window, by, **match)
    board.stat(look_of(words, "sla_breaches", f"Breaches ({window})", note=note), breaches)
    compliance = words.ratio("sla_compliance", window, by, **match)
    board.stat(look_of(words, "sla_compliance", f"Compliance ({window})", note=note), compliance)
    window = words.window("sla_compliance_received", "today")
    received = words.gauge("sla_compliance_received", window)
    board.stat(look_of(words, "sla_compliance_received", f"Of those received ({window})"), received)


def _clocks(board: Board) -> None:
    words = board.words
    window = words.window("sla_compliance", "today")
    board.row("By clock")

    def column(metric_id: str, title: str, stat: str = "") -> Column:
        expr = words.gauge(metric_id, window, stat, clock="$clock")
        return Column(look_of(words, metric_id, title, stat), f"sum by (clock) ({expr})")

    compliance = words.ratio("sla_compliance", window, (), ("clock",), clock="$clock")
    board.table(
        f"Clocks ({window})", ("clock",),
        [
            column("sla_running", "Running"),
            column("sla_at_risk", "At risk"),
            column("sla_breaches", "Breaches"),
            column("sla_compliance", "Decided", "denominator"),
            Column(look_of(words, "sla_compliance", "Compliance"), compliance),
        ],
        width=12,
    )  # fmt: skip
    at_risk = words.total("sla_at_risk", "", (), ("level",), clock="$clock")
    board.lines(
        look_of(words, "sla_at_risk", "At risk by level passed"), [Query(at_risk, "{{level}}")], stacked=True
    )


def _burn_rates(board: Board) -> None:
    words = board.words
    target = words.metric("sla_compliance").target
    board.row("How fast the budget is used up")
    for window in BURNS:
        meaning = (
            f"Share of the clocks decided in {window} that were missed, net of what was taken back. "
            f"Target: {target}. Alerts: SupportSlaBurningFast, SupportSlaBurningSlowly."
        )
        series = f'{misses(window)}{{clock=~"$clock"}}'
        board.lines(Look(f"Missed ({window})", meaning, SHARE), [Query(series, "{{clock}}")], width=8)
    meaning = "Clocks decided in an hour, net of what was taken back: few decisions make no alert."
    series = f'{decided("1h")}{{clock=~"$clock"}}'
    board.lines(Look("Decided (1h)", meaning, COUNT), [Query(series, "{{clock}}")], width=24)


def _groups(board: Board, name: str) -> None:
    words = board.words
    by = (name,)
    match = chosen((name, "clock"))
    window = words.window("sla_compliance", "7d", by)

    def column(metric_id: str, title: str) -> Column:
        return Column(look_of(words, metric_id, title), words.total(metric_id, window, by, by, **match))

    compliance = words.ratio("sla_compliance", window, by, by, **match)
    board.row(f"By {name} ({window})")
    board.table(
        f"SLA by {name} ({window})", by,
        [
            column("sla_running", "Running"),
            column("sla_at_risk", "At risk"),
            column("sla_breaches", "Breaches"),
            Column(look_of(words, "sla_compliance", "Compliance"), compliance),
        ],
    )  # fmt: skip
