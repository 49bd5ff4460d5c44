"""A shard counted anew from the histories that its image holds: the same image, then and from there on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.metrics.segments import group_name, group_values
from stream.metrics.sizes import DAY
from stream.shard import cap
from stream.shard.carry import counted_anew
from stream.shard.family import family
from stream.shard.image import Image, run_batch
from stream.shard.shard import TIMERS_MAX
from tests.core import forgetful_shard
from tests.strategies import (
    BASE_MS,
    DAY_MS,
    FAMILIES,
    HOUR_MS,
    Delivery,
    deliveries,
    histories,
    rfc3339,
    told,
)
from tests.test_core_contacts import SETTINGS as JOINED
from tests.test_core_contacts import event, facts_of, ordered_pass, visits
from tests.test_core_order import KEPT_LONG, KEPT_SHORT, WATCHED, assert_same

DAYS = 14
"""Several times what histories are kept."""
LOST = {"lost": {"waiting": "1h", "unfinished": "2h", "agents": "3h"}}
SETTINGS = {
    "kept long": {**KEPT_LONG, **LOST, "timezone": "Europe/Berlin"},
    "kept short": KEPT_SHORT,
    "watched": WATCHED,
}


def played(name: str, config: Config, delivery: Delivery, image: Image, begin: int, end: int) -> None:
    """Reads some batches into an image, with their changes of owner; the first has a new one."""
    shard = forgetful_shard(name, config)
    shard.restore(image.restored())
    for batch, restart, now_ms in list(
        zip(delivery.batches, delivery.restarts, delivery.now_ms, strict=True)
    )[begin:end]:
        if restart:
            shard = forgetful_shard(name, config)
            shard.restore(image.restored())
        offset = image.fence.offset
        run_batch(shard, image, [one.record(offset + n) for n, one in enumerate(batch)], now_ms)


def check_any_cut(name: str, config: Config, delivery: Delivery, data: st.DataObject) -> None:
    """Carried over anywhere in it: the same image then, and after the rest of the log."""
    cut = data.draw(st.integers(1, len(delivery.batches)))
    live = Image()
    played(name, config, delivery, live, 0, cut)
    carried = carry(name, config, live)
    assert_equal(name, config, carried, live)
    for image in (carried, live):
        played(name, config, delivery, image, cut, len(delivery.batches))
        shard = forgetful_shard(name, config)
        shard.restore(image.restored())
        run_batch(shard, image, [], image.fence.clock + 5 * DAY_MS)
    assert_equal(name, config, carried, live)


def carry(name: str, config: Config, live: Image) -> Image:
    """What a rebuild makes of the live image."""
    return counted_anew(family(name, config), f"support.{name}", 0, config, deepcopy(live))


def assert_equal(name: str, config: Config, carried: Image, live: Image) -> None:
    """In all that numbers are made of, and in what there is to tell."""
    assert_same(name, config, carried, live)
    assert carried.fence.uncounted == 0
    unmarked = replace(carried.fence, carried_ms=0)
    assert unmarked == live.fence
    assert (carried.outbox, carried.notices, carried.journal) == (live.outbox, live.notices, live.journal)


@pytest.mark.parametrize(
    ("name", "kept"), [(name, kept) for name in FAMILIES for kept in SETTINGS if kept != "watched"]
    + [("tickets", "watched"), ("calls", "watched")],
)  # fmt: skip
@given(data=st.data())
def test_carried_and_the_log_from_there_is_the_whole_log(name: str, kept: str, data: st.DataObject) -> None:
    """Wherever it is cut, with duplicates, disorder, and events that come too late."""
    config = parse(SETTINGS[kept])
    sent = data.draw(histories(name, DAYS, 20) | told(name, DAYS))
    delivery = data.draw(deliveries(sent, data.draw(st.sampled_from([1, 3])) * config.horizon_ms))
    check_any_cut(name, config, delivery, data)


@given(data=st.data())
def test_what_is_joined_by_customer_is_carried_too(data: st.DataObject) -> None:
    """Its histories are sealed without a ledger."""
    images = ordered_pass(data.draw(visits()), parse(JOINED))
    sent = [fact for name in ("tickets", "calls") for fact in facts_of(name, images[name, 0], parse(JOINED))]
    if not sent:
        return
    days = data.draw(st.sampled_from([2, 5, 9]))
    config = parse({**JOINED, "keep_finished": {**JOINED["keep_finished"], "contacts": f"{days}d"}})
    check_any_cut("contacts", config, data.draw(deliveries(sent, 14 * DAY_MS)), data)


def test_what_comes_behind_the_last_event_of_a_call_is_never_left_out() -> None:
    """One is lost hours after it, in the next day; of another the record tells times of days later. Both are
    forgotten then: at no instant is any of it missing."""
    config = parse({**KEPT_LONG, "keep_finished": {"calls": "4h"}})
    late_ms = BASE_MS + DAY_MS - HOUR_MS
    early_ms = late_ms - 3 * HOUR_MS - 1  # so that it is forgotten as soon as it may be
    then = rfc3339(early_ms + 2 * DAY_MS)
    ahead = {"offered_at": rfc3339(early_ms), "answered_at": then, "ended_at": then}
    sent = [
        event("call.record", "ahead", early_ms, {"call": ahead}),
        event("call.queued", "lost", late_ms, {}),
    ]
    hours = range(1, 8 * 24, 3)
    sent += [event("call.offered", f"C{hour}", late_ms + hour * HOUR_MS, {}) for hour in hours]
    shard, live = forgetful_shard("calls", config), Image()
    for offset, one in enumerate(sent):
        run_batch(shard, live, [one.record(offset)], one.at_ms)
        assert_equal("calls", config, carry("calls", config, live), live)
    assert not {"lost", "ahead"} & live.states.keys()


def test_wrong_numbers_are_mended_as_far_back_as_histories_tell() -> None:
    """What is older stays as it was, right or wrong."""
    config = parse(KEPT_LONG)
    sent = [event("ticket.created", f"T{day}", BASE_MS + day * DAY_MS, {}) for day in range(9)]
    shard, live = forgetful_shard("tickets", config), Image()
    run_batch(shard, live, [one.record(offset) for offset, one in enumerate(sent)], sent[-1].at_ms)
    wrong = deepcopy(live)
    for pane in [pane for pane in live.cells if pane[0] == DAY]:
        wrong.cells[pane] = {group_name(0, ("nobody",)): next(iter(live.cells[pane].values()))}
    carried = carry("tickets", config, wrong)
    since_ms = carried.fence.carried_ms
    days = {pane for pane in live.cells if pane[0] == DAY}
    assert 2 < sum(start < since_ms for _, start in days) < len(days) - 1
    for pane in days:
        kept = wrong if pane[1] < since_ms else live
        assert carried.cells[pane] == kept.cells[pane]


def test_timers_that_had_to_wait_fire_after_it() -> None:
    """More were due at once than one commit fires: what they find is told then, once."""
    config = parse(WATCHED)
    sent = [event("call.queued", f"C{number}", BASE_MS, {}) for number in range(TIMERS_MAX + 50)]
    shard, live = forgetful_shard("calls", config), Image()
    run_batch(shard, live, [one.record(offset) for offset, one in enumerate(sent)], None)
    run_batch(shard, live, [], BASE_MS + HOUR_MS)
    assert shard.pending(live.fence.clock)
    carried = carry("calls", config, live)
    assert_equal("calls", config, carried, live)
    for image in (carried, live):
        shard = forgetful_shard("calls", config)
        shard.restore(image.restored())
        run_batch(shard, image, [], live.fence.clock)
        assert not shard.pending(image.fence.clock)
    assert_equal("calls", config, carried, live)


def test_a_grouping_with_too_many_groups_tells_nothing_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it was marked before, or is found to have too many now."""
    config = parse(KEPT_LONG)
    agents = [{"ticket": {"agent": f"A{number}", "team": "red", "channel": "chat"}} for number in range(6)]
    sent = [event("ticket.created", f"T{n}", BASE_MS + n * HOUR_MS, data) for n, data in enumerate(agents)]
    for before, after in ((3, 3), (100, 3)):
        monkeypatch.setattr(cap, "GROUPS_MAX", before)
        shard, live = forgetful_shard("tickets", config), Image()
        for offset, one in enumerate(sent):
            run_batch(shard, live, [one.record(offset)], one.at_ms)
        monkeypatch.setattr(cap, "GROUPS_MAX", after)
        carried = carry("tickets", config, live)
        assert carried.fence.over_cap == "5"
        others = {group for group in live.levels if group_values(group)[0] != 5}
        assert carried.levels.keys() == others
        assert others
