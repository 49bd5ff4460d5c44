"""Metrics of agents (measures: topic `support.agents`)."""

from __future__ import annotations

from stream.metrics import measures as m
from stream.metrics.catalog import Metric
from stream.metrics.formula import Level, LevelShare

_OCCUPIED = (m.AGENTS_BUSY, m.AGENTS_HOLD, m.AGENTS_WRAPUP)

METRICS = [
    Metric(
        id="agents", kind="level", unit="agents", group="operational", family="agents", formula=Level((m.AGENTS,)),
        help="Agents logged in; by `state`: available, ringing, busy, hold, wrapup or break.",
        owner="Floor managers", target="as planned for the interval",
        next_action="Too few available while calls wait: end breaks, move agents; many in wrapup: see what keeps them.",
        pairs=("calls_waiting", "occupancy"),
        labels={
            "state": {
                "available": Level((m.AGENTS_AVAILABLE,)),
                "ringing": Level((m.AGENTS_RINGING,)),
                "busy": Level((m.AGENTS_BUSY,)),
                "hold": Level((m.AGENTS_HOLD,)),
                "wrapup": Level((m.AGENTS_WRAPUP,)),
                "break": Level((m.AGENTS_BREAK,)),
            }
        },
    ),
    Metric(
        id="occupancy", kind="ratio", unit="ratio", group="operational", family="agents",
        formula=LevelShare(_OCCUPIED, (*_OCCUPIED, m.AGENTS_AVAILABLE)),
        help="Time of agents in busy, hold and wrapup / (that + available), in seconds over the window.",
        owner="Workforce planning", target="80 to 85 %",
        next_action="Above 85 % people burn out: staff up. Far below 80 %: plan fewer, or give other work.",
        pairs=("service_level", "call_handle_time"),
    ),
]  # fmt: skip
