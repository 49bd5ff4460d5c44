"""Windows and times as people write them."""

import pytest

from stream.query.model import QueryError
from stream.query.windows import Calendar, edge, pane_end
from tests.answers import ms

BERLIN = Calendar("Europe/Berlin")
NOW = ms("2026-03-30T09:15:03")  # Monday 11:15:03 in Berlin; on Sunday the clocks went forward


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("1h", "2026-03-30T08:15:10", "2026-03-30T09:15:10"),
        ("24h", "2026-03-29T09:15:10", "2026-03-30T09:15:10"),
        ("1h30m", "2026-03-30T07:45:10", "2026-03-30T09:15:10"),
        ("today", "2026-03-29T22:00:00", "2026-03-30T09:15:10"),
        ("1d", "2026-03-29T22:00:00", "2026-03-30T09:15:10"),
        ("yesterday", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
        ("7d", "2026-03-23T23:00:00", "2026-03-30T09:15:10"),
        ("28d", "2026-03-02T23:00:00", "2026-03-30T09:15:10"),
        ("month", "2026-02-28T23:00:00", "2026-03-30T09:15:10"),
    ],
)
def test_a_window_ends_with_the_pane_of_now(word: str, start: str, end: str) -> None:
    """Lengths are just that long; days begin at local midnight, also where one of them has 23 hours."""
    assert BERLIN.window(word, NOW) == (ms(start), ms(end))


def test_at_the_edge_of_a_pane_the_pane_that_begins_there_counts() -> None:
    """Now at 9:15:00 is in the pane that ends at 9:15:10; an instant needs no such rounding."""
    at = ms("2026-03-30T09:15:00")
    assert (pane_end(at), edge(at), edge(at + 1)) == (at + 10_000, at, at + 10_000)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hour", "a number of days (7d, 28d), today, yesterday or month"),
        ("90", "write 90s if seconds are meant"),
        ("15s", "write a multiple of 10s"),
        ("0h", "write a multiple of 10s"),
        ("99999d", "36500d, the longest duration"),
        ("", "expected a duration"),
    ],
)
def test_what_is_no_window_is_told_what_is(word: str, said: str) -> None:
    """The error says what can be asked."""
    with pytest.raises(QueryError) as error:
        Calendar("UTC").window(word, NOW)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00"),
        ("2026-03-02T09:00:00+05:30", "2026-03-02T03:30:00"),
        ("2026-03-02 09:00", "2026-03-02T08:00:00"),
        ("2026-07-01 09:00:30.5", "2026-07-01T07:00:30.500"),
        ("2026-03-02", "2026-03-01T23:00:00"),
    ],
)
def test_times_have_an_offset_or_are_local(text: str, utc: str) -> None:
    """Local is the deployment's time zone."""
    assert BERLIN.instant(text) == ms(utc)


def test_a_day_without_a_midnight_begins_when_clocks_jump() -> None:
    """In Santiago the clocks went from 0:00 to 1:00 on 2025-09-07."""
    santiago = Calendar("America/Santiago")
    assert santiago.instant("2025-09-07") == ms("2025-09-07T04:00:00")
    assert santiago.window("today", ms("2025-09-07T12:00:00"))[0] == ms("2025-09-07T04:00:00")


def test_what_is_no_time_is_told_how_to_write_one() -> None:
    """With the name of the zone that a local time would be in."""
    with pytest.raises(QueryError, match=r"'noon' is no time.*'2026-03-02 09:00'.* in Europe/Berlin"):
        BERLIN.instant("noon")
    with pytest.raises(QueryError, match="from 1970 to 2199"):
        BERLIN.instant("0001-01-01")


def test_steps_tile_the_window() -> None:
    """From its start; the last may be shorter."""
    start = ms("2026-03-02T09:00:00")
    cut = [
        (begin - start, end - start) for begin, end in BERLIN.step("15m").windows((start, start + 2_000_000))
    ]
    assert cut == [(0, 900_000), (900_000, 1_800_000), (1_800_000, 2_000_000)]


def test_steps_of_days_follow_the_calendar() -> None:
    """The day on which clocks go forward has 23 hours."""
    window = (ms("2026-03-27T23:00:00"), ms("2026-03-30T22:00:00"))
    hours = [(end - begin) / 3_600_000 for begin, end in BERLIN.step("1d").windows(window)]
    assert hours == [24, 23, 24]


def test_too_many_steps_are_refused() -> None:
    """A year in steps of ten seconds would never end."""
    with pytest.raises(QueryError, match="ask for a longer --step"):
        list(BERLIN.step("10s").windows((NOW - 366 * 86_400_000, NOW)))


@pytest.mark.parametrize("text", ["5s", "quarter", "15"])
def test_what_is_no_step_is_told(text: str) -> None:
    """Steps are whole panes."""
    with pytest.raises(QueryError, match="step"):
        BERLIN.step(text)


def test_times_are_written_in_the_deployments_zone() -> None:
    """RFC 3339, with milliseconds only where there are some."""
    assert BERLIN.text(ms("2026-03-02T08:00:00")) == "2026-03-02T09:00:00+01:00"
    assert BERLIN.text(ms("2026-07-01T08:00:00.250")) == "2026-07-01T10:00:00.250+02:00"
    assert BERLIN.short(ms("2026-03-02T08:00:00")) == "2026-03-02 09:00:00"
