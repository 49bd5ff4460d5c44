"""Texts of others on a terminal: nothing in them moves the cursor, colours, turns round or begins a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec


def printable(text: str) -> str:
    """One line without what would steer a terminal: `?` stands for every such character, line breaks too."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def printable_lines(text: str) -> str:
    """The same for text whose line breaks are floorcast's own."""
    return "\n".join(map(printable, text.split("\n")))


def json_line(value: object, enc_hook: Callable[[Any], Any] | None = None) -> str:
    """JSON for machines, on one line: what would steer a terminal is escaped, so it reads as what it is."""
    text = msgspec.json.encode(value, enc_hook=enc_hook).decode()
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)
