"""Values as a scenario file would write them."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> str:
    """A value in one line: `{team: billing, tags: [a, b]}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(plain(part) for part in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)
