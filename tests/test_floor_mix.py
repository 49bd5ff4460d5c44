"""The benchmark's mix: exact shares, realistic size, and no event without a contribution."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from stream.floor import mix
from stream.floor.telling import Event
from stream.sources.prepare import prepare

N = 20_000


def test_shares_are_kept_to_the_event() -> None:
    """60 % ticket, 35 % call and 5 % survey events, at any length."""
    assert Counter(family for family, _ in mix(N)) == {"tickets": 12_000, "calls": 7_000, "surveys": 1_000}


def test_other_shares_can_be_asked_for() -> None:
    """A family can be left out; shares that do not add up are refused."""
    assert {family for family, _ in mix(500, ticket_share=0, call_share=1, survey_share=0)} == {"calls"}
    with pytest.raises(ValueError, match="add up to 1"):
        next(mix(10, ticket_share=0.5))


def test_events_are_evenly_spread_in_order() -> None:
    """Arrival is in order of event time, `rate` events a second."""
    times = [event["time"] for _, event in mix(3000, rate=1000)]
    assert times == sorted(times)
    assert (times[0], times[-1]) == ("2026-01-05T08:00:00.000Z", "2026-01-05T08:00:02.999Z")


def test_the_same_seed_gives_the_same_events() -> None:
    """Runs can be compared."""
    assert msgspec.json.encode(list(mix(2000, seed=5))) == msgspec.json.encode(list(mix(2000, seed=5)))
    assert list(mix(2000, seed=5)) != list(mix(2000, seed=6))


def test_events_have_a_realistic_size() -> None:
    """300 to 400 bytes of JSON on average, in every family."""
    sizes: dict[str, list[int]] = {"tickets": [], "calls": [], "surveys": []}
    for family, event in mix(N):
        sizes[family].append(len(msgspec.json.encode(event)))
    assert all(300 <= sum(of) / len(of) <= 400 for of in sizes.values())


def test_every_event_is_of_the_contract() -> None:
    """None becomes a dead letter."""
    for family, event in mix(N):
        assert prepare(event, 262_144).family == family


def test_every_event_changes_a_number() -> None:
    """A naive reading of the catalog: each event counts, or changes a level or its segments."""
    entities: dict[str, dict[str, Any]] = {}
    seen = Counter[str]()
    for _, event in mix(N):
        entity = entities.setdefault(event["subject"], {"types": []})
        assert contributes(event, entity), event
        seen[event["type"]] += 1
    assert len(seen) == 13  # every type that the stories know


def contributes(event: Event, entity: dict[str, Any]) -> bool:
    """Whether the event changes what the catalog counts; `entity` holds what is known of it."""
    kind, data = event["type"], event["data"]
    before: list[str] = list(entity["types"])
    entity["types"].append(kind)
    if not kind.startswith("ticket."):
        return kind not in before  # a step of a call or survey happens once, and each is counted
    place = (data["ticket"].get("team"), data["ticket"].get("agent"))
    moved, entity["place"] = place != entity.get("place"), place
    resolved = entity.get("resolved", False)
    if kind == "ticket.message_added":
        opens = data["message"]["author"] == "customer"
        changed, entity["unanswered"] = opens != entity["unanswered"], opens
        return changed and not resolved
    if kind == "ticket.created":
        entity["unanswered"] = True
        return not before
    if kind == "ticket.assigned":
        return moved and not resolved
    entity["resolved"] = kind == "ticket.resolved"
    return bool(entity["resolved"] != resolved)
