"""The image is a function of the set of events: not of their order, repetition, batches, nor of changes
of owner."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.shard.family import family
from stream.shard.image import Image
from tests.core import meaning, play, play_delivery
from tests.strategies import DAY_MS, FAMILIES, HOUR_MS, Sent, deliveries, histories, worked_tickets

DAYS = 6
KEPT_LONG: dict[str, Any] = {
    "keep_finished": {"tickets": "1d", "calls": "1d", "surveys": "2d", "selfservice": "1d", "agents": "1d"},
    "horizon": "2d",
    "queues": [{"when": {"queue": "sales"}, "answer_within": "10s"}],
}
KEPT_SHORT = {**KEPT_LONG, "retention": {"10s": "2m", "1m": "30m", "15m": "2d", "1d": "3d"}}
"""Panes close, roll up and expire while the events are read."""
CLOCKS = {
    **dict.fromkeys(("first_reply", "next_reply", "assignment", "group_ownership"), "30m"),
    **dict.fromkeys(("periodic_update", "pausable_update"), "2h"),
    **dict.fromkeys(("requester_wait", "agent_work", "resolution", "full_resolution"), "9h"),
}
WATCHED: dict[str, Any] = {
    **KEPT_LONG,
    "calendars": {
        "desk": [
            {"timezone": "Europe/Berlin", "hours": {"mon-sat": ["00:30-04:00", "05:00-14:00"]}},
            {"effective_from": "2026-03-04", "hours": {"mon-sun": ["22:00-05:00"]}},
        ]
    },
    "default_calendar": "desk",
    "policies": [
        {"name": "red", "when": {"team": "red"}, "targets": CLOCKS, "warn": ["50%", "15m", "5m"]},
        {
            "name": "tagged", "when": {"tags": "a"}, "calendar": "24x7",
            "targets": {"first_reply": "10m", "resolution": "1h"}, "warn": ["80%"],
        },
        {
            "name": "rest", "targets": {**CLOCKS, "first_reply": "1m"}, "warn": ["50%"],
            "pause": {"resolution": ["pending"], "agent_work": []},
        },
        {
            "name": "rest", "effective_from": "2026-03-03T12:00",
            "targets": {"next_reply": "3m", "requester_wait": "4h"},
        },
    ],
    "queues": [
        {"when": {"queue": "sales"}, "answer_within": "10s", "max_wait": "20s"},
        {"max_wait": "10m"},
    ],
}  # fmt: skip
SETTINGS = {"kept long": KEPT_LONG, "kept short": KEPT_SHORT, "watched": WATCHED}


def end_of(sent: list[Sent]) -> int:
    """After everything that happened or arrived."""
    return max(max(one.at_ms, one.sent_ms) for one in sent)


def assert_same(name: str, config: Config, image: Image, reference: Image) -> None:
    """Both images say the same."""
    rules = family(name, config)
    ours, theirs = meaning(image, rules, config.horizon_ms), meaning(reference, rules, config.horizon_ms)
    for part, value in theirs.items():
        assert ours[part] == value, part


@pytest.mark.parametrize(
    ("name", "kept"), [(name, kept) for name in FAMILIES for kept in SETTINGS if kept != "watched"]
    + [("tickets", "watched"), ("calls", "watched")],
)  # fmt: skip
@given(data=st.data())
def test_any_delivery_gives_the_image_of_one_ordered_pass(name: str, kept: str, data: st.DataObject) -> None:
    """Shuffled within the horizon, doubled, cut into batches, with new owners and forgetful ones."""
    config = parse(SETTINGS[kept])
    sent = data.draw(histories(name, DAYS) | worked_tickets() if name == "tickets" else histories(name, DAYS))
    now_ms = end_of(sent) + data.draw(st.sampled_from([0, HOUR_MS, 10 * DAY_MS]))
    delivery = data.draw(deliveries(sent, config.horizon_ms))
    assert_same(name, config, play_delivery(name, config, delivery, now_ms), play(name, config, sent, now_ms))


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
def test_catching_up_skips_what_would_be_gone_and_changes_nothing_else(
    name: str, data: st.DataObject
) -> None:
    """An owner that knows how late it is writes no panes that would be past their retention once it has
    caught up."""
    config = parse(KEPT_SHORT)
    sent = data.draw(histories(name, DAYS))
    now_ms = end_of(sent) + data.draw(st.sampled_from([0, HOUR_MS, 2 * DAY_MS]))
    delivery = data.draw(deliveries(sent, config.horizon_ms))
    image = play_delivery(name, config, delivery, now_ms, retention_clock=now_ms)
    assert_same(name, config, image, play(name, config, sent, now_ms))
