"""The numbers of a whole deployment against the oracle's."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from stream.metrics.catalog import Metric
from stream.metrics.formula import Ages, Oldest
from stream.query.memory import ImageReader
from stream.query.model import Question
from stream.query.query import Queries
from tests import oracle
from tests.simulation.checks import Checks, Seen
from tests.simulation.world import START_MS
from tests.test_core_oracle import CATALOG, OF_CLOCKS, check

SLOT_MS = 10_000
BEFORE_MS = 6 * 3_600_000
ASKED = 12
"""Metrics of a run: others in another one."""


@dataclass
class Accepted:
    """What a shard had to make of its records. `parsed`: events as the oracle takes them; `refused`: offset
    and reason; `simple`: no event is a correction of one that may have been sealed by then."""

    parsed: list[oracle.Event]
    refused: dict[int, str]
    simple: bool


def accepted(checks: Checks, seen: Seen) -> Accepted:
    """By the rules of the contract: lateness by the log's clock, the future by the record's."""
    config = checks.world.config
    found = Accepted([], {}, True)
    log_clock = 0
    first: dict[tuple[str, str, str], int] = {}
    for record in seen.records:
        log_clock = max(log_clock, record.timestamp)
        try:
            told: Any = msgspec.json.decode(record.value or b"")
            event = {**oracle.parse(told), "checksum": zlib.adler32(record.value or b"")}
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            found.refused[record.offset] = "broken"
            continue
        if event["time"] < log_clock - config.horizon_ms:
            found.refused[record.offset] = "late"
        elif event["time"] > record.timestamp + config.future_ms:
            found.refused[record.offset] = "future"
        else:
            identity = (event["subject"], event["source"], event["id"])
            earlier_ms = first.setdefault(identity, event["time"])
            found.simple &= earlier_ms >= log_clock - config.horizon_ms
            first[identity] = min(earlier_ms, event["time"])
            found.parsed.append(event)
    return found


async def check_numbers(checks: Checks, shards: list[Seen], events: dict[tuple[str, int], Accepted]) -> None:
    """Some metrics, by some groupings, over a window that every shard has come to the end of."""
    world = checks.world
    clocks = [seen.image.fence.clock for seen in shards]
    known = [one for (name, _), found in events.items() if name != "contacts" for one in found.parsed]
    config = oracle.config_of(world.plan.settings)
    truth = oracle.walk(known, config, max(clocks), lambda event: event["checksum"])
    images = {(seen.family, seen.partition): seen.image for seen in shards}
    for name in ("tickets", "calls", "contacts"):
        images.setdefault((name, 0), type(shards[0].image)())
    queries = Queries(CATALOG, checks.config(len(checks.history())), ImageReader(images))
    until_ms = min(clocks) - min(clocks) % SLOT_MS
    random = Random(f"asked {world.plan.seed}")
    metrics = [metric for metric in CATALOG if _comparable(checks, metric)]
    for metric in random.sample(metrics, min(ASKED, len(metrics))):
        for by in ((), ("team",)):
            if by and metric.family == "selfservice":
                continue
            question = Question(metric.id, max(clocks), START_MS - BEFORE_MS, until_ms, by)
            answer = await queries.ask(question)
            expected = oracle.answer(truth, metric.id, answer.from_ms, answer.to_ms, {}, by)
            try:
                check(metric, answer, expected)
            except AssertionError as error:
                world.wrong.append(f"{metric.id} by {by}: {str(error)[:500]}")


def _comparable(checks: Checks, metric: Metric) -> bool:
    families = {metric.family, *metric.also}
    world = checks.world
    if isinstance(metric.formula, Oldest | Ages) or metric.crossed:
        return False
    if metric.id in OF_CLOCKS and len(checks.history()) > 1:
        return False
    if "contacts" in families:
        # Facts come from both.
        families |= {"tickets", "calls"} & world.plan.families.keys()
        if world.happened["truncate"]:
            return False  # what was told of a record is known for longer than the record
    return families <= world.plan.families.keys()
