"""The simulated floor shows everything: each metric of the catalog has a number on it."""

import asyncio
from functools import lru_cache
from itertools import takewhile

import msgspec
import pytest

from stream.config import parse
from stream.floor import simulate
from stream.metrics.catalog import catalog_of
from stream.metrics.formula import Ages, Level, Oldest
from stream.query.memory import ImageReader
from stream.query.model import Question
from stream.query.query import Queries
from stream.scenario.file import Told
from stream.scenario.play import Floor
from stream.shard.family import COUNTED
from stream.sources.live import event_ms

CONFIG = parse(
    {
        "policies": [
            {
                "name": "all", "targets": {"first_reply": "10m", "resolution": "8h"}, "warn": ["50%"],
            }
        ]
    }
)  # fmt: skip
CATALOG = catalog_of(CONFIG)
MONDAY_8_MS = 1_767_600_000_000  # 2026-01-05T08:00Z
DAY_MS = 86_400_000
ZERO = {"backlog_stale"}
"""Nothing on this floor rests for three days."""


@lru_cache(maxsize=1)
def played() -> tuple[Floor, int]:
    """A floor after a day and a half, and the instant: a second after a call came into a queue."""
    end_ms = MONDAY_8_MS + DAY_MS * 3 // 2
    events = list(takewhile(lambda told: event_ms(told[1]) < end_ms, simulate(7, MONDAY_8_MS, 0.4)))
    while events[-1][1]["type"] != "call.queued":
        events.pop()
    floor = Floor(CONFIG, {name: getattr(CONFIG.groupings, name) for name in COUNTED})
    told = [
        Told(event["type"], event["subject"], at_ms, at_ms, at_ms, msgspec.json.encode(event), "")
        for at_ms, event in ((event_ms(event), event) for _, event in events)
    ]
    now_ms = told[-1].at_ms + 1000  # before the fastest agent answers
    floor.read(told, now_ms)
    floor.tick(now_ms)
    return floor, now_ms


@pytest.mark.parametrize("metric", CATALOG.ids())
def test_every_metric_has_a_number(metric: str) -> None:
    """Not empty and not zero: a metric that nothing feeds is one that nobody sees in the demo."""
    floor, now_ms = played()
    live = isinstance(CATALOG.get(metric).formula, Oldest | Ages)
    question = Question(metric, now_ms, None if live else now_ms - DAY_MS, None if live else now_ms)
    answer = asyncio.run(Queries(CATALOG, CONFIG, ImageReader(floor.images)).ask(question))
    (row, *_) = answer.rows
    formula = CATALOG.get(metric).formula
    value = row.values["mean" if isinstance(formula, Level) else formula.default]
    assert value == 0 if metric in ZERO else value
