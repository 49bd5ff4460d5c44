"""Facts about customers: whatever way tickets and calls came, and their facts after them, the numbers are
those of one ordered pass, and the oracle's."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.events.contacts import CONTACT_STARTED
from stream.events.decode import decoder_of
from stream.events.instants import to_ms
from stream.metrics.catalog import load_catalog
from stream.metrics.cells import unpack_cell
from stream.query.memory import ImageReader
from stream.query.model import Question
from stream.query.query import Queries
from stream.scenario.judge import run_now
from stream.shard.facts import contact_records, encode_contact, is_facts
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from tests import oracle
from tests.core import DECODE_REASONS, forgetful_shard, letters, new_shard, play, play_delivery
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, Delivery, Sent, deliveries, rfc3339, told
from tests.test_core_oracle import check, oracle_image

DAYS = 12
"""So that some contacts are a week apart, and some more."""
TELLING = ("tickets", "calls")
SETTINGS: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "keep_finished": {"tickets": "1d", "calls": "1d", "surveys": "2d"},
    "horizon": "13d",
    "groupings": {"contacts": [["channel"], ["team"], ["category"], ["team", "category"]]},
}
CONFIG = parse(SETTINGS)
METRICS = ("first_contact_resolution_7d", "repeat_contact_rate")
NOW_MS = BASE_MS + 30 * DAY_MS


def facts_of(name: str, image: Image, config: Config) -> list[Sent]:
    """What a shard has told, in the order in which it did."""
    dimensions = family(name, config).fold.segments.dimensions
    sent: list[Sent] = []
    for offset, packed in sorted(image.outbox.items()):
        if is_facts(packed):
            for record in contact_records(packed, offset, name, dimensions):
                event = msgspec.json.decode(record.value)
                at_ms = to_ms(datetime.fromisoformat(event["time"]))
                sent.append(Sent(at_ms, record.timestamp, event, record.value))
    return sent


def ordered_pass(sent: dict[str, list[Sent]], config: Config) -> dict[tuple[str, int], Image]:
    """The images when everything comes once and in order, and every fact at once."""
    images = {(name, 0): play(name, config, of, NOW_MS) for name, of in sent.items()}
    told = [fact for name in sent for fact in facts_of(name, images[name, 0], config)]
    images["contacts", 0] = play("contacts", config, told, NOW_MS)
    return images


def cells(image: Image) -> dict[Any, Any]:
    """What is counted, without how it is packed."""
    return {
        (pane, group): unpack_cell(packed)
        for pane, groups in image.cells.items()
        for group, packed in groups.items()
    }


_LATER = (
    "ticket.resolved", "ticket.resolved", "ticket.resolved", "ticket.reopened", "ticket.updated",
    "ticket.escalated", "ticket.deleted", "ticket.restored", "ticket.message_added",
)  # fmt: skip
_AFTER_MS = (0, 1, HOUR_MS, HOUR_MS, DAY_MS - HOUR_MS, 3 * DAY_MS)
_WHO = st.sampled_from(["C1", "C1", "C1", "C2", None])
_WHAT = st.sampled_from(["billing", "billing", "login", None])


@st.composite
def visits(draw: st.DrawFn) -> dict[str, list[Sent]]:
    """Many short tickets and calls of few customers, often exactly a week apart."""
    sent: dict[str, list[Sent]] = {name: [] for name in TELLING}
    for number in range(draw(st.integers(2, 9))):
        at_ms = BASE_MS + draw(st.integers(0, DAYS)) * DAY_MS + draw(st.sampled_from([0, 0, 0, 1, HOUR_MS]))
        snapshot = {"customer": draw(_WHO), "category": draw(_WHAT), "channel": "chat"}
        if draw(st.integers(0, 2)) == 0:
            sent["calls"].append(event("call.offered", f"V{number}", at_ms, {"call": snapshot}))
            continue
        sent["tickets"].append(event("ticket.created", f"V{number}", at_ms, {"ticket": snapshot}))
        for kind in draw(st.lists(st.sampled_from(_LATER), max_size=3)):
            at_ms += draw(st.sampled_from(_AFTER_MS))
            data: dict[str, Any] = {"ticket": {"team": "red"}}
            if kind == "ticket.updated":
                data = {"ticket": {"customer": draw(_WHO), "category": draw(_WHAT)}}
            elif kind == "ticket.message_added":
                data = {"message": {"author": "agent"}}
            sent["tickets"].append(event(kind, f"V{number}", at_ms, data))
    for name in TELLING:
        sent[name] = sent[name] or [
            event("ticket.updated" if name == "tickets" else "call.ended", "V", BASE_MS, {})
        ]
    return {name: sorted(of, key=lambda one: one.at_ms) for name, of in sent.items()}


def event(kind: str, subject: str, at_ms: int, data: dict[str, Any]) -> Sent:
    """One event, heard of at once."""
    told = {
        "specversion": "1.0", "id": f"{kind}@{at_ms}", "source": "desk", "type": kind, "subject": subject,
        "time": rfc3339(at_ms), "data": data,
    }  # fmt: skip
    return Sent(at_ms, at_ms, told, msgspec.json.encode(told))


def floors() -> st.SearchStrategy[dict[str, list[Sent]]]:
    """Tickets and calls of few customers."""
    return visits() | st.fixed_dictionaries({name: told(name, DAYS) for name in TELLING})


@given(data=st.data())
def test_any_delivery_gives_the_numbers_of_one_ordered_pass(data: st.DataObject) -> None:
    """Of tickets and calls: other orders, duplicates, batches, owners. Of their facts: the same, in any
    interleaving, repeated and delayed."""
    sent = data.draw(floors())
    facts: list[Sent] = []
    for name, of in sent.items():
        image = play_delivery(name, CONFIG, data.draw(deliveries(of, CONFIG.horizon_ms)), NOW_MS)
        facts += facts_of(name, image, CONFIG)
    delivery = data.draw(deliveries(facts, 45 * DAY_MS)) if facts else Delivery([], [], [])
    image = play_delivery("contacts", CONFIG, delivery, NOW_MS)
    assert cells(image) == cells(ordered_pass(sent, CONFIG)["contacts", 0])
    assert not letters(image)


@given(data=st.data())
def test_the_numbers_are_what_the_oracle_says(data: st.DataObject) -> None:
    """Over all time and in windows, by segments."""
    sent = data.draw(floors())
    images = ordered_pass(sent, CONFIG)
    refused = {
        letter.value or b""
        for image in images.values()
        for letter in letters(image)
        if letter.reason in DECODE_REASONS
    }
    truth = oracle_image([one for of in sent.values() for one in of], refused, CONFIG, NOW_MS)
    queries = Queries(load_catalog(), CONFIG, ImageReader(images))
    day = data.draw(st.integers(0, DAYS))
    for metric in METRICS:
        for by in ((), ("channel",), ("team",), ("category",)):
            for from_ms in (BASE_MS - DAY_MS, BASE_MS + day * DAY_MS - HOUR_MS):
                answer = run_now(queries.ask(Question(metric, NOW_MS, from_ms, NOW_MS, by, {})))
                assert answer.from_ms is not None
                expected = oracle.answer(truth, metric, answer.from_ms, answer.to_ms, {}, by)
                check(load_catalog().get(metric), answer, expected)


@pytest.mark.parametrize("name", TELLING)
@given(data=st.data())
def test_a_rolled_back_shard_tells_the_same_again(name: str, data: st.DataObject) -> None:
    """Ids, versions and contents: Redis lost the last commits, and the next owner cuts other batches."""
    delivery = data.draw(deliveries(data.draw(told(name, DAYS)), CONFIG.horizon_ms))
    records = [one.record(n) for n, one in enumerate(one for batch in delivery.batches for one in batch)]
    kept = data.draw(st.integers(0, len(records)))
    image, shard = Image(), new_shard(name, CONFIG)
    run_batch(shard, image, records[:kept], None)
    lost = deepcopy(image)
    run_batch(shard, image, records[kept:], None)
    again = forgetful_shard(name, CONFIG)
    again.restore(lost.restored())
    for record in records[kept:]:
        run_batch(again, lost, [record], None)
    assert facts_of(name, lost, CONFIG) == facts_of(name, image, CONFIG)


def fact(at_ms: int, sent_ms: int, entity: str = "tickets/T1", version: int = 7) -> Sent:
    """That a contact of C1 started."""
    value = encode_contact(CONTACT_STARTED, "C1", at_ms, entity, version, ("team", "category"), ["red", None])
    return Sent(at_ms, sent_ms, msgspec.json.decode(value), value)


def test_a_fact_is_an_event_like_others() -> None:
    """It reads back to the millisecond, with what was known; a withdrawal has its id and no segments."""
    read = decoder_of("contacts").decode(fact(BASE_MS + 1, BASE_MS).value)
    assert (read.type, read.subject, to_ms(read.time)) == ("contact.started", "C1", BASE_MS + 1)
    contact = read.data.contact
    assert (contact.entity, contact.version, contact.team) == ("tickets/T1", 7, "red")
    assert contact.category is msgspec.UNSET
    gone = decoder_of("contacts").decode(
        encode_contact(CONTACT_STARTED, "C1", BASE_MS + 1, "tickets/T1", 8, (), None)
    )
    assert (gone.type, gone.id) == ("contact.withdrawn", read.id)


@given(
    at_ms=st.integers(0, 4_000_000_000_000), customer=st.text(min_size=1, max_size=9).filter(str.isprintable)
)
def test_a_fact_reads_back_whatever_it_says(at_ms: int, customer: str) -> None:
    """Any instant to the millisecond; names with quotes, backslashes and all letters there are."""
    entity = f'tickets/"{customer}\\'
    value = encode_contact(CONTACT_STARTED, customer, at_ms, entity, 3, ("team", "plan"), [None, customer])
    read = decoder_of("contacts").decode(value)
    assert (read.subject, to_ms(read.time), read.data.contact.entity) == (customer, at_ms, entity)
    assert (read.id, read.data.contact.plan) == (f"contact.started/{at_ms}/{entity}", customer)


def test_a_fact_too_old_is_left_out_counted_and_no_dead_letter() -> None:
    """Told again by a shard that was made anew, when its customer may be forgotten: the numbers stay."""
    later_ms = BASE_MS + 45 * DAY_MS + 1
    sent = [fact(BASE_MS, BASE_MS), fact(later_ms, later_ms, "tickets/T2")]
    image = play("contacts", CONFIG, sent, later_ms)
    again = play("contacts", CONFIG, [*sent, sent[0]], later_ms)
    assert cells(again) == cells(image)
    assert again.outbox == {}
    assert again.journal["refused_late"] == 1


def test_facts_too_old_never_stop_a_worker() -> None:
    """They are no sign of a bad producer, however many there are."""
    later_ms = BASE_MS + 100 * DAY_MS
    sent = [fact(later_ms, later_ms), *(fact(BASE_MS + n, BASE_MS) for n in range(3_000))]
    assert play("contacts", CONFIG, sent, later_ms).journal["refused_late"] == 3_000


@pytest.mark.parametrize(("customer", "reason"), [("x" * 512, None), ("x" * 513, "invalid"), ("", None)])
def test_a_customer_is_an_id_like_others(customer: str, reason: str | None) -> None:
    """At most 512 characters; empty is none."""
    sent = [event("ticket.created", "T1", BASE_MS, {"ticket": {"customer": customer}})]
    image = play("tickets", CONFIG, sent, BASE_MS)
    assert [letter.reason for letter in letters(image)] == ([reason] if reason else [])
    assert [one.event["subject"] for one in facts_of("tickets", image, CONFIG)] == (
        [customer] if customer and not reason else []
    )


def test_a_record_that_changes_no_fact_tells_none() -> None:
    """Only what one changes goes to the topic: not what stays, not what is the same again."""
    ticket = {"ticket": {"customer": "C1", "category": "login", "channel": "email"}}
    sent = [
        event("ticket.created", "T1", BASE_MS, ticket),
        event("ticket.updated", "T1", BASE_MS + 1, ticket),
        event("ticket.updated", "T1", BASE_MS + HOUR_MS, {"ticket": {"category": "billing"}}),
        event(
            "ticket.updated", "T1", BASE_MS + 2, {"ticket": {"channel": "chat"}}
        ),  # late: all is folded again
    ]
    image = play("tickets", CONFIG, sent, BASE_MS + HOUR_MS)
    assert list(image.outbox) == [0]
