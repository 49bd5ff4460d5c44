"""Lengths of time as people write them (`90s`, `1h30m`, `8d`) and as we keep them: integer milliseconds."""

from __future__ import annotations

import re

UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
"""Milliseconds per unit, longest first: the order in which the parts of a duration are written."""
LONGEST_MS = 36_500 * UNITS_MS["d"]
"""A bound, so that sums of durations and instants stay far inside 64 bits."""

_DURATION = re.compile("".join(rf"(?:([0-9]{{1,18}}){unit}(?![a-z]))?" for unit in UNITS_MS))
_BARE_NUMBER = re.compile(r"[0-9]+")


def parse_duration(text: str, days: bool = True) -> int:
    """Milliseconds of `90s`, `30m`, `8h`, `1h30m`, `8d` or `500ms`: whole numbers, longest unit first.

    With `days=False` days are refused: a day of business time has no fixed length.
    Raises ValueError that says what to write instead.
    """
    if _BARE_NUMBER.fullmatch(text):
        raise ValueError(f"a duration needs a unit: write {text[:18]}s if seconds are meant")
    match = _DURATION.fullmatch(text)
    if not match or not text:
        raise ValueError(f"expected a duration such as 90s, 30m, 1h30m{' or 8d' if days else ' or 8h'}")
    counts = [int(count or 0) for count in match.groups()]
    if match.group(1) and not days:
        raise ValueError(f"days are refused here: say hours, e.g. {counts[0] * 24}h")
    total_ms = sum(count * unit_ms for count, unit_ms in zip(counts, UNITS_MS.values(), strict=True))
    if total_ms > LONGEST_MS:
        raise ValueError(f"longer than {format_duration(LONGEST_MS)}, the longest duration")
    return total_ms


def format_duration(duration_ms: int, days: bool = True) -> str:
    """The shortest text that `parse_duration` reads as `duration_ms` (not negative): 5400000 -> `1h30m`.

    With `days=False` in hours: `36h`.
    """
    parts = []
    rest_ms = duration_ms
    for unit, unit_ms in UNITS_MS.items():
        if unit == "d" and not days:
            continue
        count, rest_ms = divmod(rest_ms, unit_ms)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
