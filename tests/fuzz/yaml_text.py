"""YAML that nobody would write on purpose, and ways to break a document: by field, by line, as bytes."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, Final

import yaml

from tests.fuzz.mutate import Json, Mutator

ODD: Final = (
    "*nowhere", "&a [*a]", "&a {<<: *a}", "{<<: {a: 1}}", "{a: 1, a: 2}", "{? {b: 1} : 2}", "? [a]\n: 1",
    '!!binary "aGk="', "!!binary x", "!!timestamp 2026-02-30", "!!timestamp x", "!!bool x", "!!int x",
    "!!float {}", "!!map [a]", "!!map ab", "!!seq x", "!!set {a, b}", "!!omap [1]", "!!null x", "! x",
    "!<x> {a: 1}", "!!python/object/apply:os.system [id]", "!a!b c",
    "017", "0o17", "08", "0b", "0b101", "0x", "0x" + "f" * 5000, "9" * 5000, "1_000", "1_", "1:30",
    "190:20:30", "190:20:30.15", "1:" * 300 + "1", "1:" * 300 + "1.5", "1e400", ".inf", "-.INF", ".NaN", "-",
    "~", "null", "yes", "No", "on", "=", "<<", "2026-02-30", "2026-03-02", "2026-03-02T09:00:00+99:00",
    "2026-03-02 9:00:60", "0001-01-01", "0000-01-01", "9999-12-31T23:59:59.999999-23:59", "2026-3-2 1:1:1 -1",
    r'"\UFFFFFFFF"', r'"\ud800"', r'"\x1b[2J"', r'"\0"', r'"\N\_\L"', r'"\z"', '"open', "'open", "|",
    "|9\n x",
    ">-\n  a\n  b", "[" * 3000, "[" * 200 + "]" * 200, "{a: " * 200 + "1" + "}" * 200, "- " * 200 + "a",
    "@x", "`x", "%x", "\t- a", "[a, b", ", ,", "#", "a: b: c", "x" * 20_000, '"' + "é" * 20_000 + '"',
    "? " + "x" * 3000 + "\n: 1", "\x07", "\x85", "\u2028", "\ufeff", "\ufffe",
)  # fmt: skip

WHOLES: Final = (
    "\ufeff{}", "%YAML 1.1\n---\n{}", "%YAML 1.9\n---\n{}", "%YAML 9\n---\n{}",
    "%YAML " + "9" * 5000 + ".1\n---\n{}", "%TAG ! x\n---\n{}", "%x y\n---\n{}", "---\n{}\n---\n{}",
    "{}\n...\nx",
    "{}\n\0", "[\n{}]", "x: |\n{}", "{}\n: :\n", "#{}", "!!map\n{}", "&a\n{}", "- {}", "{}\n\t",
)  # fmt: skip
"""What stands around a document."""

_VALUE: Final = re.compile(r"^(\s*(?:- )*[^:#]*: |\s*- )(.*)$")


def _bomb(width: int, depth: int) -> str:
    """Aliases of aliases: a few lines that stand for width ** depth values."""
    first = f"bomb0: &bomb0 [{', '.join('x' * width)}]\n"
    return first + "".join(
        f"bomb{n}: &bomb{n} [{', '.join([f'*bomb{n - 1}'] * width)}]\n" for n in range(1, depth)
    )


HUGE: Final = (
    _bomb(9, 9), _bomb(9, 3), "".join(f"key{n}: {n}\n" for n in range(3000)),
    "deep: &deep " + "[" * 90 + "]" * 90 + "\ndeeper: " + "[" * 90 + "*deep" + "]" * 90 + "\n",
    "merged: &merged {<<: [" + ", ".join(["{a: 1}"] * 500) + "]}\n",
)  # fmt: skip


class YamlMutator:
    """Breaks documents by one random sequence."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._mutator = Mutator(random)
        self._ways = (
            self._valid, self._valid, self._fields, self._fields, self._fields, self._fields, self._odd,
            self._odd, self._odd, self._odd, self._lines, self._damaged, self._damaged, self._whole,
        )  # fmt: skip

    def payload(self, value: Json) -> bytes:
        """The document, most of the time broken in one of the ways that there are."""
        if self._random.random() < 0.01:
            return (self._text(value) + self._random.choice(HUGE)).encode()
        return self._random.choice(self._ways)(value)

    def _valid(self, value: Json) -> bytes:
        return self._text(value).encode()

    def _fields(self, value: Json) -> bytes:
        """By field. As block where it can be, else as JSON of sorts, which is nearly YAML, too."""
        broken = self._mutator.fields(value)
        try:
            return self._text(json.loads(broken)).encode()
        except (ValueError, RecursionError, yaml.YAMLError):
            return broken

    def _odd(self, value: Json) -> bytes:
        """One value, or two, as nobody would write it."""
        lines = self._text(value).split("\n")
        for _ in range(self._random.choice((1, 1, 1, 2))):
            place = self._random.randrange(len(lines))
            if match := _VALUE.match(lines[place]):
                lines[place] = match[1] + self._random.choice(ODD)
        return "\n".join(lines).encode()

    def _lines(self, value: Json) -> bytes:
        """A line that is missing, twice, further in or out, or in another place."""
        lines = self._text(value).split("\n")
        place = self._random.randrange(len(lines))
        line = lines.pop(place)
        ways: tuple[list[str], ...] = (
            [],
            [line, line],
            [f"\t{line}"],
            [f" {line}"],
            [line[1:]],
            [f"  {line}"],
            [line, ""],
            [f"#{line}"],
        )
        lines[place:place] = self._random.choice(ways)
        if self._random.random() < 0.2:
            lines.insert(self._random.randrange(len(lines)), line)
        return self._random.choice(("\n", "\n", "\r\n", "\r")).join(lines).encode()

    def _damaged(self, value: Json) -> bytes:
        return self._mutator.damaged(self._text(value).encode())

    def _whole(self, value: Json) -> bytes:
        return self._random.choice(WHOLES).replace("{}", self._text(value)).encode()

    def _text(self, value: Any) -> str:
        flow = self._random.choice((False, False, None))
        text: str = yaml.dump(
            value, Dumper=_Dumper, default_flow_style=flow, allow_unicode=True, width=10_000
        )
        return text


_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
