"""Sealing what is older than the horizon changes no later result."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from stream.config import Config, parse
from stream.events.clocks import CLOCKS
from stream.lifecycle.checkpoint import plain_ledger, seal
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import Entity, add, contributions, pack_entity, prune, unpack_entity
from stream.lifecycle.fold import Fold
from stream.lifecycle.rows import Row
from stream.metrics.measures import (
    BACKLOG,
    BACKLOG_UNANSWERED,
    LEVELS,
    SLA_DECIDED,
    SLA_MET,
    TICKETS_DONE_BREACHED,
)
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from tests.core import new_shard, row_of, state_of
from tests.strategies import BASE_MS, DAY_MS, FAMILIES, HOUR_MS, Sent, histories, rfc3339

KEEP = {"tickets": "1d", "calls": "1d", "surveys": "1d", "selfservice": "1d", "agents": "1d"}
CONFIG = parse({"keep_finished": KEEP, "horizon": "1d"})


class Kept:
    """An entity and all that it has contributed so far; sealed and loaded anew before each event, or not."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.entity = Entity(fold.new())
        self.out = Delta()

    def take(self, rows: list[Row]) -> None:
        """Adds events."""
        for row in rows:
            add(self.fold, self.entity, row, self.out)

    def seal(self, before_ms: int) -> None:
        """Forgets and seals what it may, and comes back from the store."""
        prune(self.fold, self.entity, before_ms)
        self.entity = unpack_entity(self.fold, pack_entity(self.entity))


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
def test_what_follows_a_sealing_comes_out_as_without(name: str, data: st.DataObject) -> None:
    """Events after the horizon, in any order, repeatedly sealed: the same state and the same
    contributions, removals and restorations of what is sealed included."""
    fold = family(name, CONFIG).fold
    whole, sealed = Kept(fold), Kept(fold)
    sent = [one for one in data.draw(histories(name, 5)) if one.event["subject"] == "X1"]
    hours = sorted(data.draw(st.lists(st.integers(0, 5 * 24), max_size=3)))
    edges = [0, *(BASE_MS + hour * HOUR_MS for hour in hours), BASE_MS + 10 * DAY_MS]
    known: set[Any] = set()
    for from_ms, to_ms in pairwise(edges):
        span = [one for one in sent if from_ms <= one.at_ms < to_ms]
        # Another version of a sealed event would count as a new one: versions keep within the horizon.
        rows = [row_of(fold, one) for one in span if one.identity not in known]
        known |= {one.identity for one in span}
        rows = data.draw(st.permutations(rows))
        whole.take(rows)
        sealed.take(rows)
        assert plain_ledger(sealed.out) == plain_ledger(whole.out)
        sealed.seal(to_ms)
        assert state_of(sealed.entity.state) == state_of(whole.entity.state)


@given(data=st.data())
def test_a_removal_takes_back_what_was_sealed(data: st.DataObject) -> None:
    """After it an unfinished ticket has left nothing behind, in no pane and in no level, but for the breaches
    before it; a restoration brings all back, but for the levels while it was gone."""
    fold = family("tickets", Config()).fold  # it forgets later, so this is one life
    kept = Kept(fold)
    sent = [one for one in data.draw(histories("tickets", 2)) if one.event["subject"] == "X1"]
    rows = [row_of(fold, one) for one in sent if one.event["type"] not in REMOVALS]
    kept.take([*rows, row(fold, "again", "ticket.reopened", BASE_MS + 2 * DAY_MS)])
    before = plain_ledger(kept.out)
    kept.seal(BASE_MS + 30 * DAY_MS)
    assert kept.entity.count == 0
    assert plain_ledger(contributions(fold, kept.entity)) == before
    kept.take([row(fold, "gone", "ticket.deleted", BASE_MS + 31 * DAY_MS)])
    assert without_clocks(plain_ledger(kept.out)) == []
    kept.seal(BASE_MS + 31 * DAY_MS + 1)
    assert without_clocks(plain_ledger(contributions(fold, kept.entity))) == []
    kept.take([row(fold, "back", "ticket.restored", BASE_MS + 32 * DAY_MS)])
    assert without_clocks(counts(plain_ledger(kept.out))) == without_clocks(counts(before))


REMOVALS = ("ticket.merged", "ticket.marked_spam", "ticket.deleted", "ticket.restored")


def row(fold: Fold, ident: str, kind: str, at_ms: int) -> Row:
    """A plain event."""
    event = {
        "specversion": "1.0", "id": ident, "source": "desk", "type": kind, "subject": "X1",
        "time": rfc3339(at_ms),
        "data": {"ticket": {"status": "open"}} if kind == "ticket.reopened" else {},
    }  # fmt: skip
    return row_of(fold, Sent(at_ms, at_ms, event, msgspec.json.encode(event)))


def without_clocks(ledger: list[Any]) -> list[Any]:
    """A ledger without what clocks have come to: time goes on for what was promised, and breaches stay."""
    clocks = (*range(SLA_MET, SLA_DECIDED + len(CLOCKS)), TICKETS_DONE_BREACHED)
    told = [
        (start, values, [pair for pair in cell if pair[0] not in clocks]) for start, values, cell in ledger
    ]
    return [entry for entry in told if entry[2]]


def counts(ledger: list[Any]) -> list[Any]:
    """A ledger without its levels."""
    levels = {code + integral for code in LEVELS["tickets"] for integral in (0, 1)}
    told = [
        (start, values, [pair for pair in cell if pair[0] not in levels]) for start, values, cell in ledger
    ]
    return [entry for entry in told if entry[2]]


def test_a_creation_heard_of_after_the_sealing_is_where_resolution_is_measured_from() -> None:
    """Resolved before it was created, and that sealed: the resolution is taken back and measured anew."""
    fold = family("tickets", CONFIG).fold
    rows = [row(fold, "1", "ticket.updated", BASE_MS), row(fold, "2", "ticket.resolved", BASE_MS + HOUR_MS)]
    created = row(fold, "3", "ticket.created", BASE_MS + 2 * HOUR_MS)
    whole, sealed = Kept(fold), Kept(fold)
    whole.take([*rows, created])
    sealed.take(rows)
    sealed.seal(BASE_MS + 2 * HOUR_MS)
    sealed.take([created])
    assert plain_ledger(sealed.out) == plain_ledger(whole.out)


def test_levels_outlive_the_sealing() -> None:
    """A ticket that is silent for longer than the horizon is still in the backlog, and leaves it when it
    is resolved."""
    shard, image = new_shard("tickets", CONFIG), Image()
    for number, (kind, day) in enumerate([("created", 0), ("updated", 3), ("updated", 6), ("resolved", 9)]):
        backlog = [msgpack.decode(packed) for packed in image.levels.values()]
        assert all(level.items() >= {BACKLOG: 1, BACKLOG_UNANSWERED: 1}.items() for level in backlog)
        assert bool(backlog) == (number > 0)
        at_ms = BASE_MS + day * DAY_MS
        event = {
            "specversion": "1.0", "id": kind + str(day), "source": "desk", "type": f"ticket.{kind}",
            "subject": "X1",
            "time": rfc3339(at_ms), "data": {},
        }  # fmt: skip
        sent = Sent(at_ms, at_ms, event, msgspec.json.encode(event))
        run_batch(shard, image, [sent.record(number)], None)
        shard = new_shard("tickets", CONFIG)
        shard.restore(image.restored())
    assert image.levels == {}


def test_equal_facts_are_sealed_to_equal_bytes() -> None:
    """In whatever order they were told, also where only the segments tell them apart."""
    fold = family("calls", CONFIG).fold
    told = [(0, "C1", BASE_MS, (team, None)) for team in ("red", None, "blue")]
    ledgers = [Delta(), Delta()]
    ledgers[0].facts = dict.fromkeys(told, 1)
    ledgers[1].facts = dict.fromkeys(reversed(told), 1)
    one, other = (seal(fold.new(), ledger) for ledger in ledgers)
    assert msgpack.encode(one) == msgpack.encode(other)
