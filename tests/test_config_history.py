"""Versions of calendars and policies: what is published, what is in force when, and what needs a rebuild."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import Any

import pytest
from msgspec.structs import replace

from stream.config import Config, parse
from stream.config.history import (
    AHEAD_MS,
    APPENDED_MS,
    encode_version,
    next_version,
    read_history,
    version_of,
    warn_levels,
)
from stream.config.published import History
from stream.events.instants import ALWAYS_MS
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from stream.shard.policies import policies_of, waits_of
from stream.shard.shard import Shard
from stream.shard.succession import passed, recomputed, unknown, why_rebuild
from tests.answers import Told, ms, record
from tests.core import meaning

HOUR_MS = 3_600_000
NINE, TEN, NOON = "2026-03-02T09:00:00", "2026-03-02T10:00:00", "2026-03-02T12:00:00"


def config_of(target: str, **more: Any) -> Config:
    """One policy for every ticket."""
    return parse({"policies": [{"name": "all", "targets": {"first_reply": target}, **more}]})


def history_at(*told: tuple[str, Config]) -> History:
    """Configurations, each in force from a time on."""
    history: History = ()
    for at, config in told:
        published_ms = ms(at) - AHEAD_MS
        version = encode_version(next_version(config, history, published_ms))
        history = read_history([(published_ms, version)], history)
    return history


def targets(history: History) -> list[tuple[int, list[int]]]:
    """Of each epoch the beginning and the targets of first replies, in hours."""
    return [
        (epoch.from_ms, [policy.targets[0] // HOUR_MS for policy in epoch.policies])
        for epoch in policies_of(history, ("team",)).epochs
    ]


def test_a_version_is_in_force_from_its_publication_and_the_first_from_always() -> None:
    """What was published first shapes also what happened before."""
    history = history_at((NINE, config_of("8h")), (TEN, config_of("2h")))
    assert targets(history) == [(ALWAYS_MS, [8]), (ms(TEN), [2])]


def test_effective_from_counts_within_its_version_only() -> None:
    """Before the publication it counts from there; a later version ends what was still to come."""
    early = config_of("2h", effective_from="2026-03-02 09:30")
    late = config_of("1h", effective_from="2026-03-02 13:00")
    history = history_at((NINE, config_of("8h")), (TEN, early), (NOON, late))
    assert targets(history) == [
        (ALWAYS_MS, [8]), (ms(TEN), [2]), (ms(NOON), []), (ms("2026-03-02T13:00:00"), [1]),
    ]  # fmt: skip
    history = history_at((NINE, late), (NOON, config_of("4h")))
    assert targets(history) == [(ALWAYS_MS, []), (ms(NOON), [4])]


def test_a_version_that_changes_nothing_of_tickets_begins_no_epoch_of_theirs() -> None:
    """No ticket is recomputed for a target of calls, nor is it told of one."""
    base = {"policies": [{"name": "all", "targets": {"first_reply": "1h"}}]}
    tight, loose = (parse({**base, "queues": [{"max_wait": wait}]}) for wait in ("1m", "5m"))
    history = history_at((NINE, loose), (TEN, tight))
    assert [begin for begin, _ in targets(history)] == [ALWAYS_MS]
    waits = waits_of(history, ("queue", "direction")).epochs
    assert [(epoch.from_ms, epoch.policies[-1].targets[-1]) for epoch in waits] == [
        (ALWAYS_MS, 300_000), (ms(TEN), 60_000),
    ]  # fmt: skip


def test_levels_keep_their_numbers_and_new_ones_come_after_them() -> None:
    """Numbers are stored in levels and histories."""
    history = history_at((NINE, config_of("8h", warn=["75%"])), (TEN, config_of("8h", warn=["15m", "75%"])))
    assert warn_levels(replace(Config(), published=history)) == ["75%", "15m"]
    policies = policies_of(history, ())
    (policy,) = policies.epochs[1].policies
    assert [(level.said, level.number) for level in policy.levels] == [("15m", 1), ("75%", 0)]


def test_a_published_version_keeps_its_dates_though_the_resolver_would_give_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A newer library of holidays changes no number that was counted."""
    config = parse({
        "calendars": {"office": {"hours": {"mon-fri": ["09:00-17:00"]}, "holidays": {"country": "DE"}}},
        "default_calendar": "office",
    })  # fmt: skip
    published = encode_version(version_of(config))
    resolving = import_module("stream.config.resolve")  # the package has a function of this name
    monkeypatch.setattr(resolving, "holiday_dates", lambda *_: (date(2026, 3, 2),))
    (read,) = read_history([(0, published)])
    assert read.sla != version_of(config).sla
    assert date(2026, 12, 25) in read.sla.calendars["office"][0].holidays
    assert read.source == version_of(config).source  # the file says the same: nothing is to be published
    (epoch,) = policies_of((read,), ()).epochs
    assert epoch.calendar.elapsed_ms(ms("2026-03-02T00:00:00"), ms("2026-03-03T00:00:00")) == 8 * HOUR_MS


def test_of_two_published_at_once_the_first_in_the_log_counts_and_what_is_none_does_not() -> None:
    """Whoever reads the topic makes the same of it."""
    first, second = (encode_version(version_of(config_of(target), 0, 5)) for target in ("1h", "2h"))
    backwards = encode_version(version_of(config_of("3h"), 1, 5))
    history = read_history([(0, told) for told in (b"{}", None, first, second, b"\xff", backwards)])
    assert history == (version_of(config_of("1h"), 0, 5),)


def test_a_version_never_begins_before_the_one_it_follows() -> None:
    """Whatever the clock of the machine says."""
    history = history_at((NINE, config_of("8h")), (TEN, config_of("4h")))
    version = next_version(config_of("2h"), history, ms(NINE))
    assert (version.follows, version.from_ms) == (2, ms(TEN) + 1)


def test_a_version_that_was_long_on_its_way_into_the_log_does_not_count() -> None:
    """When it should have come into force, shards may have counted without it."""
    history = history_at((NINE, config_of("8h")))
    version = next_version(config_of("2h"), history, ms(TEN))
    late_ms = version.from_ms - APPENDED_MS + 1
    assert read_history([(late_ms, encode_version(version))], history) == history
    assert read_history([(late_ms - 1, encode_version(version))], history) == (*history, version)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"policies": [{"name": "a", "targets": {"first_reply": "1h"}}]}, "first policies"),
        ({"queues": [{}]}, {"queues": [{"max_wait": "1m"}]}, "first max_wait"),
        (
            {"policies": [{"name": "a", "targets": {"first_reply": "1h"}}]},
            {"policies": [{"name": "a", "when": {"tags": "vip"}, "targets": {"first_reply": "1h"}}]},
            "ask for tags",
        ),
        (
            {"policies": [{"name": "a", "targets": {"first_reply": "1h"}}]},
            {"policies": [{"name": "a", "when": {"plan": "x"}, "targets": {"first_reply": "1h"}}]},
            "ask for plan",
        ),
    ],
)
def test_what_stored_entities_have_not_kept_needs_a_rebuild(
    before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    """Said before anything is published."""
    history = history_at((NINE, parse(before)))
    new = parse(after)
    (said,) = why_rebuild(new, history, next_version(new, history, ms(TEN)))
    assert reason in said


def test_a_tighter_policy_for_a_known_field_needs_no_rebuild() -> None:
    """Targets, warnings and conditions on what tickets have kept may change."""
    history = history_at((NINE, config_of("8h")))
    new = config_of("2h", when={"team": "a"}, warn=["50%"])
    assert why_rebuild(new, history, next_version(new, history, ms(TEN))) == []


def test_a_shard_that_learns_of_a_version_has_the_image_of_one_that_knew_it_from_the_start() -> None:
    """Tickets with a timer of their own, paused ones, such as no clock runs for, and forgotten by memory:
    all are recomputed."""
    old, new = config_of("8h"), config_of("30m")
    history = history_at((NINE, old), (TEN, new))
    told: list[Told] = [(NINE, "ticket.created", f"T{n}", {}) for n in range(5)]
    told += [(NINE, "ticket.message_added", "T0", {"message": {"author": "agent"}})]
    told += [(NINE, "ticket.updated", "T1", {"ticket": {"status": "pending"}})]
    told += [(NINE, "ticket.closed", "T2", {})]
    records = [record(offset, event, ms(NINE)) for offset, event in enumerate(told)]

    expected = Image()
    knew = shard_of(new, history)
    run_batch(knew, expected, records, ms(NINE))
    run_batch(knew, expected, [], ms(NOON))

    image = Image()
    run_batch(shard_of(old, history[:1]), image, records, ms(NINE))
    image.fence.commit_id, image.fence.versions = "as it was claimed", 1
    stored = image.restored()
    (version,) = unknown(stored.fence, history)
    assert not passed(stored.fence, version.from_ms)
    image.timers |= recomputed(stored, version.from_ms)
    switched = shard_of(new, history)
    switched.restore(image.restored())
    run_batch(switched, image, [], ms(NOON))

    rules = switched.family
    assert image.timers == expected.timers
    assert meaning(image, rules, new.horizon_ms) == meaning(expected, rules, new.horizon_ms)
    kept, unaware = Image(), shard_of(old, history[:1])
    run_batch(unaware, kept, records, ms(NINE))
    run_batch(unaware, kept, [], ms(NOON))
    assert meaning(kept, rules, new.horizon_ms) != meaning(expected, rules, new.horizon_ms)
    assert passed(kept.fence, version.from_ms)  # too late for this one


def shard_of(config: Config, history: History) -> Shard:
    """One that knows so much of the history."""
    known = replace(config, published=history)
    return Shard(family("tickets", known), "support.tickets", 0, known)
