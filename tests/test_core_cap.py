"""A grouping that has had more groups in a shard than are stored is marked, and tells nothing any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.config import Config, parse
from stream.metrics.panes import Group
from stream.metrics.segments import group_values
from stream.shard import cap
from stream.shard.image import Image, run_batch
from stream.verify.compare import compare
from tests.core import forgetful_shard, new_shard, play
from tests.strategies import BASE_MS, DAY_MS, Sent, deliveries, rfc3339, told
from tests.test_core_order import assert_same, end_of

CONFIG = parse({"groupings": {"tickets": [["team"], ["channel"], ["team", "channel"]]}, "horizon": "2d"})
UNPATCHED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cap, "GROUPS_MAX", 2)


def without(image: Image, over: frozenset[int]) -> Image:
    """The image but for what is of some groupings."""

    def rest(cells: dict[Group, bytes]) -> dict[Group, bytes]:
        return {group: cell for group, cell in cells.items() if group_values(group)[0] not in over}

    cells = {pane: kept for pane, held in image.cells.items() if (kept := rest(held))}
    return replace(image, cells=cells, levels=rest(image.levels))


def unbounded(config: Config, sent: list[Sent], now_ms: int) -> Image:
    """The image of a shard that may have any number of groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cap, "GROUPS_MAX", 1_000_000)
        return play("tickets", config, sent, now_ms)


def groups_of(image: Image, number: int) -> set[Group]:
    """What is stored of one grouping: in cells and live levels."""
    held = [*image.cells.values(), image.levels]
    return {group for cells in held for group in cells if group_values(group)[0] == number}


@UNPATCHED
@given(sent=told("tickets"))
def test_what_is_marked_is_not_told_and_the_rest_is_as_ever(sent: list[Sent]) -> None:
    """Marked are those that have had more groups than the cap; all other numbers are the same."""
    now_ms = end_of(sent)
    full, bounded = unbounded(CONFIG, sent, now_ms), play("tickets", CONFIG, sent, now_ms)
    over = bounded.fence.invalid()
    counts = [len({group for group in full.groups if group_values(group)[0] == n}) for n in range(4)]
    assert over == {number for number, count in enumerate(counts) if count > 2}
    assert_same("tickets", CONFIG, without(bounded, over), without(full, over))
    assert not any(group_values(group)[0] in over for group in bounded.levels)


@UNPATCHED
@given(data=st.data())
def test_batches_and_owners_do_not_matter(data: st.DataObject) -> None:
    """The mark is a function of the log's prefix: also of one whose owners remember only what is stored.
    `verify` takes the images for the same."""
    delivery = data.draw(deliveries(data.draw(told("tickets")), CONFIG.horizon_ms))
    order = [one for batch in delivery.batches for one in batch]
    now_ms = end_of(order)
    image, shard, offset = Image(), forgetful_shard("tickets", CONFIG), 0
    for batch, restart in zip(delivery.batches, delivery.restarts, strict=True):
        if restart:
            shard = forgetful_shard("tickets", CONFIG)
            shard.restore(image.restored())
        records = [one.record(offset + place) for place, one in enumerate(batch)]
        offset += len(batch)
        run_batch(shard, image, records, None)
    run_batch(shard, image, [], now_ms)
    computed = play("tickets", CONFIG, order, now_ms)
    assert image.fence.over_cap == computed.fence.over_cap
    result = compare("tickets", image, computed)
    assert [result.different[kind] for kind in ("cells", "levels", "since")] == [0, 0, 0]


def crowd(teams: int) -> list[Sent]:
    """A ticket of each of so many teams."""
    made = []
    for n in range(teams):
        at_ms = BASE_MS + n * 1000
        event = {
            "specversion": "1.0", "id": f"e{n}", "source": "desk", "type": "ticket.created",
            "subject": f"T{n}", "time": rfc3339(at_ms),
            "data": {"ticket": {"team": f"t{n}", "channel": "email"}},
        }  # fmt: skip
        made.append(Sent(at_ms, at_ms, event, msgspec.json.encode(event)))
    return made


def test_at_the_cap_everything_is_stored_and_beyond_it_no_more() -> None:
    """Neither in the batch that goes beyond it nor in any later one."""
    end_ms = end_of(crowd(5)) + DAY_MS
    assert len(groups_of(play("tickets", CONFIG, crowd(2), end_ms), 1)) == 2
    at_once = play("tickets", CONFIG, crowd(5), end_ms)
    assert (at_once.fence.over_cap, groups_of(at_once, 1), groups_of(at_once, 3)) == ("1 3", set(), set())
    assert len(groups_of(at_once, 2)) == 1
    shard, image = new_shard("tickets", CONFIG), Image()
    for offset, one in enumerate(crowd(5)):
        run_batch(shard, image, [one.record(offset)], None)
    assert image.fence.over_cap == "1 3"
    assert len(groups_of(image, 1)) == 2  # in panes from before, until they go


def test_more_groups_than_the_cap_that_are_stored_already_are_noticed() -> None:
    """By an owner that takes them over without a mark, as an earlier version left them."""
    image = unbounded(CONFIG, crowd(3), end_of(crowd(3)))
    shard = new_shard("tickets", CONFIG)
    shard.restore(image.restored())
    run_batch(shard, image, [], image.fence.clock + 1)
    assert image.fence.over_cap == "1 3"
    assert {group_values(group)[0] for group in image.levels} == {0, 2}


def test_verify_sees_a_mark_that_should_not_be_missing() -> None:
    """A grouping that the store does not mark is compared."""
    stored = unbounded(CONFIG, crowd(3), end_of(crowd(3)))
    computed = play("tickets", CONFIG, crowd(3), end_of(crowd(3)))
    differences: dict[str, Any] = compare("tickets", stored, computed).different
    assert differences["cells"]
    assert differences["levels"]
