"""Sorting history: any amount, in bounded memory, in a stable order."""

from random import Random

import pytest

from stream.sources.prepare import Prepared
from stream.sources.sort import Sorter


def event(recorded_ms: int, time_ms: int, name: str = "") -> Prepared:
    """An event of which only times and a name matter."""
    return Prepared(recorded_ms, time_ms, "tickets", name.encode(), b"{}")


@pytest.mark.parametrize("run_bytes", [1, 5_000, 200_000, 1 << 30])
def test_the_order_does_not_depend_on_the_memory(run_bytes: int) -> None:
    """In memory, in a few runs on disk, or in one for each event: the same order."""
    random = Random(1)
    events = [event(t := random.randrange(500), t, str(i)) for i in range(900)]
    with Sorter(run_bytes) as sorter:
        for one in events:
            sorter.add(one)
        assert sorter.events == 900
        assert list(sorter) == sorted(events, key=lambda one: one[:2])


def test_events_of_one_instant_keep_the_order_in_which_they_came() -> None:
    """An export's own order is the tie-break, also across runs on disk."""
    with Sorter(run_bytes=600) as sorter:
        for name in "abcdefgh":
            sorter.add(event(5, 5, name))
        assert [one.key for one in sorter] == [name.encode() for name in "abcdefgh"]


def test_what_was_recorded_late_comes_late() -> None:
    """The record's timestamp orders, then the event's time: so the log's time never jumps ahead."""
    with Sorter() as sorter:
        for one in (late := event(9, 1), event(2, 2), third := event(9, 0)):
            sorter.add(one)
        assert list(sorter) == [event(2, 2), third, late]
