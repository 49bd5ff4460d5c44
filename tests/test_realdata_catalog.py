"""Every metric of the catalog answers on real data, where the data tells of it.

That the numbers are right, the other tests of real data say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import pytest

from stream.config import parse
from stream.events.instants import to_ms
from stream.metrics.catalog import catalog_of, load_catalog
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.memory import ImageReader
from stream.query.model import Question
from stream.query.query import Queries
from stream.scenario.file import Told
from stream.scenario.play import Floor
from stream.shard.family import COUNTED
from stream.sources.live import event_ms
from tests.realdata import adapters
from tests.realdata.where import real_data

TARGETS = {"resolution": "40h", "full_resolution": "153h", "agent_work": "8h", "assignment": "1h"}


class Part(NamedTuple):
    """The first events of a file up to an instant at which somebody still waits, and a configuration."""

    file: str
    adapter: Callable[[str], Iterator[dict[str, Any]]]
    most: int
    until: str
    config: dict[str, Any]


PARTS = {
    "bank": Part("january.txt.gz", adapters.bank, 8_000, "1999-01-28T13:12:00+02:00", {
        "timezone": "Asia/Jerusalem", "queues": [{"max_wait": "60s"}],
    }),
    "servicenow": Part("incident_event_log.csv.gz", adapters.servicenow, 8_000, "2016-03-09T12:00:00Z", {
        "policies": [{"name": "all", "targets": TARGETS, "warn": ["50%"]}],
    }),
    "boston311": Part("boston311-100.csv", adapters.boston311, 1_000, "2022-05-21T00:00:00-04:00", {}),
    "sfo": Part("2017.csv.gz", adapters.sfo, 4_000, "2017-09-01T00:00:00-07:00", {}),
}  # fmt: skip
NOT_TOLD = {
    "no message of an agent": {
        "first_response_time", "first_response_time_any", "first_response_time_business",
        "next_response_time",
    },
    "no work logged, no escalation": {"ticket_handle_time", "escalation_rate"},
    "no way out of a queue but an answer and hanging up": {"calls_other"},
    "no hold, wrap-up or transfer": {"call_hold_time", "call_wrapup_time", "call_transfer_rate"},
    "no such surveys, and only those who answered": {
        "cx_rating", "employee_satisfaction", "fcr_survey", "qa_score", "survey_response_rate",
    },
    "no sessions, no states of agents": {
        "selfservice_sessions", "selfservice_success_rate", "selfservice_share", "article_helpful_rate",
        "agents", "occupancy",
    },
}  # fmt: skip
"""What no file has, and the metrics that are empty or zero for it."""
ABSENT = set().union(*NOT_TOLD.values())


@lru_cache(maxsize=1)
def told() -> dict[str, list[str]]:
    """Each metric that has a number other than zero, and on which data. All others were asked, too."""
    found: dict[str, list[str]] = {}
    for name, part in PARTS.items():
        for metric in asyncio.run(_metrics_of(name, part)):
            found.setdefault(metric, []).append(name)
    return found


async def _metrics_of(name: str, part: Part) -> list[str]:
    config, now_ms = parse(part.config), to_ms(datetime.fromisoformat(part.until))
    path = str(real_data(name) / part.file)
    events = [(event_ms(event), event) for event in islice(part.adapter(path), part.most)]
    events = sorted((one for one in events if one[0] <= now_ms), key=lambda one: (one[0], one[1]["sequence"]))
    floor = Floor(config, {family: getattr(config.groupings, family) for family in COUNTED})
    records = [
        Told(event["type"], event["subject"], at_ms, at_ms, at_ms, msgspec.json.encode(event), "")
        for at_ms, event in events
    ]
    floor.read(records, now_ms)
    floor.tick(now_ms)
    catalog, began_ms = catalog_of(config), events[0][0]
    queries = Queries(catalog, config, ImageReader(floor.images))
    found = []
    for metric in catalog:
        live = isinstance(metric.formula, Oldest | Ages)
        window = (None, None) if live else (began_ms, now_ms)
        rows = (await queries.ask(Question(metric.id, now_ms, *window))).rows
        stat = "mean" if isinstance(metric.formula, Level) else metric.formula.default
        if any(row.values[stat] for row in rows):
            found.append(metric.id)
    return found


@pytest.mark.parametrize("metric", load_catalog().ids())
def test_every_metric_has_a_number_where_real_data_tells_of_it(metric: str) -> None:
    """On at least one of four sets; what none of them tells of is listed with the reason."""
    assert (metric in told()) == (metric not in ABSENT)
