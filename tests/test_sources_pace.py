"""Pace: how fast event time passes while history, or the simulated floor, is published."""

from typing import Any

import pytest

from stream.sources.live import play
from stream.sources.pace import Pace, parse_speed


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, now_s: float = 100.0) -> None:
        self.now_s = now_s
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """As asyncio.sleep, at once."""
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1x", 1.0), ("60x", 60.0), ("0.5x", 0.5)])
def test_speeds(text: str, speed: float | None) -> None:
    """`max` waits never; `60x` lets a minute pass in a second."""
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "60", "-1x", "0x", "fast", "infx", "nanx"])
def test_other_words_are_refused(text: str) -> None:
    """The error says what to write."""
    with pytest.raises(ValueError, match="expected max, 1x, 60x"):
        parse_speed(text)


async def test_event_time_passes_so_many_times_as_fast() -> None:
    """At 60x the events of two minutes take two seconds, from the first one on, whenever that was."""
    clock = Clock()
    pace = Pace(60, clock, clock.sleep)
    for at_ms in (915_148_800_000, 915_148_860_000, 915_148_860_000, 915_148_920_000):
        await pace.wait_for(at_ms)
    assert clock.slept == [pytest.approx(1), pytest.approx(1)]


async def test_lost_time_is_caught_up() -> None:
    """What took long does not shift all that follows."""
    clock = Clock()
    pace = Pace(1, clock, clock.sleep)
    await pace.wait_for(0)
    clock.now_s += 5
    await pace.wait_for(2000)
    await pace.wait_for(6000)
    assert clock.slept == [pytest.approx(1)]


async def test_at_max_nothing_waits() -> None:
    """However far apart the events are."""
    clock = Clock()
    pace = Pace(None, clock, clock.sleep)
    await pace.wait_for(0)
    await pace.wait_for(10**12)
    assert clock.slept == []


def at(second: int) -> tuple[str, dict[str, Any]]:
    """An event at a second of the epoch's first minute."""
    return "tickets", {"time": f"1970-01-01T00:00:{second:02d}.000Z"}


@pytest.mark.parametrize(
    ("speed", "sent_at_s"),
    [(None, [30, 30, 30, 31]), (1.0, [30, 40, 50, 51]), (10.0, [30, 31, 32, 32.1])],
)
async def test_a_floor_of_the_past_catches_up_and_then_is_live(
    speed: float | None, sent_at_s: list[float]
) -> None:
    """At second 30 a floor begins that opened at 0: it runs at its speed, no event before its time."""
    clock = Clock(now_s=30)
    sent: list[float] = []

    async def send(family: str, event: dict[str, Any]) -> None:
        sent.append(clock.now_s)

    await play([at(0), at(10), at(20), at(21 if speed else 31)], send, Pace(speed, clock), clock, clock.sleep)
    assert sent == [pytest.approx(s) for s in sent_at_s]


async def test_no_event_of_the_future_is_sent_early() -> None:
    """Even at max, what has not happened waits until it has."""
    clock = Clock(now_s=30)
    sent: list[float] = []

    async def send(family: str, event: dict[str, Any]) -> None:
        sent.append(clock.now_s)

    await play([at(29), at(35), at(40)], send, Pace(None, clock), clock, clock.sleep)
    assert sent == [30, pytest.approx(35), pytest.approx(40)]
