"""Kept events: packed small, and unpacked as they were."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import Config
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import Entity, add, entity_rows, pack_entity, unpack_entity
from stream.lifecycle.rows import Row, array, id_bytes, pack, unpack
from stream.shard.family import family
from tests.core import row_of, state_of
from tests.strategies import BASE_MS, FAMILIES, MINUTE_MS, Sent, histories, rfc3339

idents = st.sampled_from(
    [
        "0001",
        "5f0c1f0e-8a5b-4d0e-9f52-1f2f3a4b5c6d",
        "5F0C1F0E-8A5B-4D0E-9F52-1F2F3A4B5C6D",
        "é" * 36,
        "-" * 36,
        "a" * 512,
    ]
)


def packed(rows: list[Row], source: str) -> bytes:
    """The rows one after the other."""
    before: Row | None = None
    out = b""
    for row in rows:
        out += pack(row, before, source)
        before = row
    return array(len(rows), out)


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
def test_rows_come_back_as_they_were(name: str, data: st.DataObject) -> None:
    """Whatever the order, the ids and the usual source: nothing is lost by leaving out what repeats."""
    fold = family(name, Config()).fold
    rows = [row_of(fold, one) for one in data.draw(histories(name))]
    rows = [(*row[:4], data.draw(idents), *row[5:]) for row in data.draw(st.permutations(rows))]
    source = data.draw(st.sampled_from(["desk", "bot", "else"]))
    assert unpack(packed(rows, source), source, len(fold.snapshots.names)) == rows


@given(idents)
def test_an_id_stands_in_its_row_as_its_bytes(ident: str) -> None:
    """If these bytes are not in the packed rows, the event is none of them."""
    row: Row = (BASE_MS, "desk", 0, 1, ident, BASE_MS, 7, None, None)
    assert id_bytes(ident) in pack(row, None, "desk")


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
def test_an_entity_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    """Packed and unpacked: the same events and the same state, though other owners will go on with it."""
    fold = family(name, Config()).fold
    entity = Entity(fold.new())
    for one in data.draw(histories(name)):
        add(fold, entity, row_of(fold, one), Delta())
    again = unpack_entity(fold, pack_entity(entity))
    assert entity_rows(fold, again) == entity_rows(fold, entity)
    assert state_of(again.state) == state_of(entity.state)
    assert pack_entity(again) == pack_entity(entity)


@pytest.mark.parametrize(
    ("ident", "most"), [("e-00012345{}", 400), ("9b2f7c1e-5d3a-4f60-8a7b-1c2d3e4f506{}", 460)]
)
def test_a_ticket_of_ten_events_is_kept_in_few_bytes(ident: str, most: int) -> None:
    """Events as helpdesks send them, with the whole snapshot in each: 400 bytes, with UUIDs for ids 460."""
    fold = family("tickets", Config()).fold
    entity = Entity(fold.new())
    snapshot = dict(SNAPSHOT)
    for number, (kind, changed, data) in enumerate(STORY):
        snapshot.update(changed)
        at_ms = BASE_MS + number * 37 * MINUTE_MS + 123 * number
        event = {
            "specversion": "1.0", "id": ident.format(number), "source": "zendesk/acme", "type": kind,
            "subject": "zendesk:1234567", "time": rfc3339(at_ms), "data": {"ticket": snapshot, **data},
        }  # fmt: skip
        add(fold, entity, row_of(fold, Sent(at_ms, at_ms, event, msgspec.json.encode(event))), Delta())
    assert entity.count == 10
    assert len(pack_entity(entity)) <= most


SNAPSHOT: dict[str, Any] = {
    "status": "new", "channel": "email", "priority": "normal", "team": None, "agent": None,
    "category": "billing",
    "customer": "c-1029384", "organization": "o-5566", "tags": ["invoice", "vat"], "product": "pro",
    "region": "emea",
}  # fmt: skip
BY_AGENT = {"message": {"id": "m", "author": "agent", "public": True}}
BY_CUSTOMER = {"message": {"id": "m", "author": "customer", "public": True}}
STORY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ticket.created", {}, {}),
    ("ticket.assigned", {"team": "billing-emea"}, {}),
    ("ticket.assigned", {"agent": "a-10023", "status": "open"}, {}),
    ("ticket.message_added", {}, BY_AGENT),
    ("ticket.status_changed", {"status": "pending"}, {}),
    ("ticket.message_added", {"status": "open"}, BY_CUSTOMER),
    ("ticket.updated", {"priority": "high"}, {}),
    ("ticket.message_added", {}, BY_AGENT),
    ("ticket.resolved", {"status": "resolved"}, {}),
    ("ticket.closed", {"status": "closed"}, {}),
]
