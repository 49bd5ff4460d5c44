"""Metrics of clocks (measures: both topics whose entities have clocks)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stream.events.clocks import CLOCKS, QUEUE_WAIT
from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Count, Formula, Level, Ratio


def _codes(first: int, clock: int, step: int = 1) -> tuple[int, ...]:
    code = first + step * clock
    return m.elsewhere("calls", code) if clock == QUEUE_WAIT else (code,)


def _all(first: int, step: int = 1) -> tuple[int, ...]:
    return tuple(code for clock in range(len(CLOCKS)) for code in _codes(first, clock, step))


def _by_clock(formula: Callable[[int], Formula]) -> dict[str, Formula]:
    return {name: formula(clock) for clock, name in enumerate(CLOCKS)}


def _at_risk(clocks: Sequence[int], levels: Sequence[int]) -> Level:
    return Level(tuple(m.at_risk_code(clock, level) for clock in clocks for level in levels))


def metrics(levels: Sequence[str]) -> list[Metric]:
    """The metrics of clocks; `levels` are the warning levels of the configuration, by their number."""
    tickets = range(QUEUE_WAIT)
    numbers = range(len(levels))
    return [
        Metric(
            id="sla_breaches", kind="count", unit="breaches", group="quality", family="tickets", also=("calls",),
            formula=Count(_all(m.SLA_BREACHES)),
            labels={"clock": _by_clock(lambda clock: Count(_codes(m.SLA_BREACHES, clock)))},
            help="Clocks that ran past their due instant, counted there; by clock. Taken back only when a late event shows that it was none.",
            owner="Team leads", target="none",
            next_action="Answer what is past due, the longest first; see which policy and team it falls on.",
            pairs=("sla_compliance", "sla_at_risk"),
        ),
        Metric(
            id="sla_compliance", kind="ratio", unit="ratio", group="quality", family="tickets", also=("calls",),
            formula=Ratio(_all(m.SLA_MET), _all(m.SLA_DECIDED)),
            labels={
                "clock": _by_clock(
                    lambda clock: Ratio(_codes(m.SLA_MET, clock), _codes(m.SLA_DECIDED, clock))
                )
            },
            help="Clocks that were fulfilled in time / those that were decided (fulfilled or breached), counted at the decision, each once; by clock.",
            owner="Support operations", target="at least 95 %",
            next_action="Split by clock, team and priority; mend the worst: staffing, routing, or the target.",
            pairs=("csat", "first_response_time"),
        ),
        Metric(
            id="sla_compliance_received", kind="ratio", unit="ratio", group="quality", family="tickets",
            formula=Ratio((m.TICKETS_CREATED_RESOLVED, -m.TICKETS_DONE_BREACHED), (m.TICKETS_CREATED,)),
            help="Tickets that are resolved now without any breached clock / created, of those created in the window.",
            owner="Support operations", target="at least 90 %",
            next_action="Compare with sla_compliance: the difference is what is still open.",
            pairs=("sla_compliance", "resolution_rate"),
        ),
        Metric(
            id="sla_running", kind="level", unit="clocks", group="operational", family="tickets", also=("calls",),
            formula=Level(_all(m.SLA_RUNNING, 2)),
            labels={"clock": _by_clock(lambda clock: Level(_codes(m.SLA_RUNNING, clock, 2)))},
            help="Clocks that run towards their due instant: neither paused nor breached; by clock.",
            owner="Team leads", target="as the backlog",
            next_action="Read it with sla_at_risk: the share at risk tells whether hands are missing.",
            pairs=("sla_at_risk", "backlog"),
        ),
        Metric(
            id="sla_at_risk", kind="level", unit="clocks", group="operational", family="tickets",
            formula=_at_risk(tickets, numbers), crossed=True,
            labels={
                "clock": {CLOCKS[clock]: _at_risk([clock], numbers) for clock in tickets},
                "level": {said: _at_risk(tickets, [number]) for number, said in enumerate(levels)},
            },
            help="Of the running clocks those that have passed a warning level of their policy; by clock, and by the highest level passed.",
            owner="Team leads", target="under a tenth of sla_running",
            next_action="Take these tickets now, the least time left first.",
            pairs=("sla_running", "sla_breaches"),
        ),
        Metric(
            id="backlog_past_sla", kind="level", unit="tickets", group="operational", family="tickets",
            formula=Level((m.BACKLOG_PAST_SLA,)),
            help="Tickets of the backlog with a clock that is past due and still runs.",
            owner="Team leads", target="none",
            next_action="Answer or resolve them, the longest overdue first.",
            pairs=("sla_breaches", "backlog"),
        ),
    ]  # fmt: skip
