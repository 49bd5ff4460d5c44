"""What is wrong with a configuration: problems are collected with their place and reported together.

ConfigError     what people see: every problem, one a line
Wrong           one value that cannot be used; caught where its place is known
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from stream.printable import printable

Path = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the root."""
PROBLEMS_MAX = 100
"""So many are told. Whoever has more has given the wrong file, and each nearest word takes its time."""
_SHOWN_CHARACTERS = 60
_STEP_CHARACTERS = 200
_COMPARED_CHARACTERS = 100
_ELSEWHERE_PENALTY = 0.2


class ConfigError(Exception):
    """A configuration that cannot be used. `problems` are lines for people: place, path, what is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(map(printable, problems))
        super().__init__("\n".join(self.problems))


class TooMany(Exception):
    """There are PROBLEMS_MAX problems: the rest is not looked at."""


class Wrong(ValueError):
    """A value that cannot be used; its text says what was expected. `key` names the part at fault, if any."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


@dataclass
class Reading:
    """One pass over a configuration: the values that replace others, and the problems found so far."""

    overrides: Mapping[Path, object]
    known: tuple[Path, ...] = ()
    problems: list[tuple[Path, str]] = field(default_factory=list)


@dataclass(frozen=True)
class At:
    """The place of a value in a reading."""

    reading: Reading
    path: Path = ()

    def into(self, step: str | int) -> At:
        """The place one key or list position further in."""
        return At(self.reading, (*self.path, step))

    def note(self, message: str) -> None:
        """Record a problem of the value at this place. Raises TooMany with the last that is taken."""
        self.reading.problems.append((self.path, message))
        if len(self.reading.problems) >= PROBLEMS_MAX:
            raise TooMany

    def note_unknown(self, key: str, known: Iterable[str]) -> None:
        """Record an unknown key with the nearest known one, which may stand in another section."""
        names = {name: _likeness(key, name) for name in known}
        best = max(names, key=lambda name: names[name])
        nearest = path_text((*self.path, best))
        for path in self.reading.known:
            if _likeness(key, str(path[-1])) - _ELSEWHERE_PENALTY > names[best]:
                names[best] = _likeness(key, str(path[-1])) - _ELSEWHERE_PENALTY
                nearest = path_text(path)
        self.into(key).note(f"unknown key; the nearest known key is {nearest}")


def path_text(path: Path) -> str:
    """`queues[0].when.queue`: a path as people write it."""
    text = ""
    for step in path:
        word = f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        text += word[:_STEP_CHARACTERS]
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`; the first of equals."""
    return max(known, key=lambda candidate: _likeness(word, candidate))


def shown(value: object) -> str:
    """A refused value for an error message; not a URL or anything with `@`, which may hold a password."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}" if abs(value) < 1e18 else "a huge number"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    if "@" in value or "://" in value:
        return "text that is not shown here"
    shortened = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}..."
    return json.dumps(shortened, ensure_ascii=False)


def _likeness(one: str, other: str) -> float:
    one, other = one[:_COMPARED_CHARACTERS].lower(), other[:_COMPARED_CHARACTERS].lower()
    return SequenceMatcher(None, one, other).ratio()
