"""What is wrong with a scenario file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stream.config.problems import nearest


class ScenarioError(ValueError):
    """A file that cannot be played: says where, what is wrong and what to write instead."""


def unknown(what: str, given: Any, known: Iterable[str]) -> str:
    """The text about a name that is not known, with the nearest that is."""
    return f"unknown {what} {given!r}; the nearest known one is {nearest(str(given), known)}"
