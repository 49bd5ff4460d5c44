"""Instants as integers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

NEVER: Final = -(2**62)
"""Stands for an instant that has not happened."""
FOREVER: Final = 2**62
"""Later than every instant."""
ALWAYS_MS: Final = NEVER
"""From when on something counts that always did: before every instant."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, rounded down; exact (no float on the way)."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def instant(ms: int) -> datetime:
    """The counterpart of `to_ms`."""
    return _EPOCH + timedelta(milliseconds=ms)
