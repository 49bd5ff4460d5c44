"""The list of dashboards: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.generate.dashboards.agents import agents
from stream.generate.dashboards.calls import calls
from stream.generate.dashboards.executive import executive
from stream.generate.dashboards.floor import floor
from stream.generate.dashboards.pipeline import pipeline
from stream.generate.dashboards.sla import sla
from stream.generate.dashboards.surveys import surveys
from stream.generate.dashboards.tickets import tickets
from stream.generate.dashboards.trends import trends
from stream.generate.vocabulary import Vocabulary

DASHBOARDS: Final[dict[str, Callable[[Vocabulary], Dashboard]]] = {
    "executive": executive,
    "floor": floor,
    "calls": calls,
    "tickets": tickets,
    "sla": sla,
    "surveys": surveys,
    "agents": agents,
    "trends": trends,
    "pipeline": pipeline,
}
"""By the name of its file; its uid is `floorcast-` and that name."""


def dashboards(words: Vocabulary) -> dict[str, Any]:
    """All of them as JSON objects, by name."""
    return {name: plain(make(words)) for name, make in DASHBOARDS.items()}


def plain(dashboard: Dashboard) -> Any:
    """A dashboard as JSON."""
    return msgspec.json.decode(JSONEncoder().encode(dashboard))
