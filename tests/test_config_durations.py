"""Durations: what people write, and the milliseconds it means."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import format_duration, parse_duration
from stream.config.durations import LONGEST_MS, UNITS_MS


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("90s", 90_000),
        ("30m", 1_800_000),
        ("8h", 28_800_000),
        ("1h30m", 5_400_000),
        ("8d", 691_200_000),
        ("500ms", 500),
        ("1m500ms", 60_500),
        ("1d2h3m4s5ms", 93_784_005),
        ("0s", 0),
        ("90m", 5_400_000),
    ],
)
def test_a_duration_is_whole_numbers_with_units_longest_first(text: str, duration_ms: int) -> None:
    """Each part is a number and its unit; the parts add up."""
    assert parse_duration(text) == duration_ms


def test_a_bare_number_is_refused_with_what_to_write() -> None:
    """Nobody has to guess whether 90 is seconds or milliseconds."""
    with pytest.raises(ValueError, match="write 90s"):
        parse_duration("90")


@pytest.mark.parametrize(
    "text",
    ["", " 90s", "90 s", "1.5h", "-5m", "+5m", "30m1h", "1h1h", "5M", "1w", "h", "٣s", "1e3s", "90s\n"],
)
def test_anything_else_is_refused_with_examples(text: str) -> None:
    """No fractions, signs, spaces, repeated or unordered units, other digits."""
    with pytest.raises(ValueError, match="such as 90s"):
        parse_duration(text)


def test_days_are_refused_where_they_have_no_fixed_length() -> None:
    """A day of business time is not 24 hours: the writer has to say hours."""
    with pytest.raises(ValueError, match=r"say hours, e\.g\. 48h"):
        parse_duration("2d", days=False)
    assert parse_duration("48h", days=False) == 172_800_000


def test_a_duration_has_a_bound() -> None:
    """A hundred years is the longest; nothing overflows, however many digits are written."""
    assert parse_duration("36500d") == LONGEST_MS
    with pytest.raises(ValueError, match="longer than 36500d"):
        parse_duration("36501d")
    with pytest.raises(ValueError, match="such as"):
        parse_duration("9" * 5000 + "s")


@given(st.integers(0, LONGEST_MS))
def test_formatting_and_parsing_are_inverse(duration_ms: int) -> None:
    """What is printed reads as the same duration, to the millisecond."""
    assert parse_duration(format_duration(duration_ms)) == duration_ms


@given(st.lists(st.integers(0, 999), min_size=5, max_size=5))
def test_the_parts_add_up(counts: list[int]) -> None:
    """Any counts in descending units are their sum, also where a part exceeds the next unit (90m)."""
    text = "".join(f"{count}{unit}" for count, unit in zip(counts, UNITS_MS, strict=True))
    assert parse_duration(text) == sum(c * ms for c, ms in zip(counts, UNITS_MS.values(), strict=True))


@given(st.text(alphabet="0123456789dhms. -", max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """The parser has no third outcome."""
    with contextlib.suppress(ValueError):
        assert 0 <= parse_duration(text) <= LONGEST_MS
