"""Hostile values, and ways to break a valid event: field by field, or as bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from msgspec import Raw
from msgspec import json as msgjson

Json = dict[str, Any]

TEXTS: Final = (
    "", " ", "\0", "a\nb\r\n\tc", "\x1b[2J\x1b]0;title\x07", "\u202edesrever", "\u2028\u0085\ufeff",
    "\U0001f600" * 9,
    "x" * 256, "x" * 257, "x" * 513, "é" * 300, "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<!channel> <http://evil.example|click> &amp;", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)",
    '"}\n# HELP x',
    "{{ $labels.x }}", "${jndi:ldap://x}", "%s%n%d", "../../etc/passwd", "'; DROP TABLE x; --", "\\", '"',
    "null",
    "\x9b31m\x9d0;title\x9c", "\u2066\u202e\u2069\u200f\u061c",
    "x\n2026-03-02 09:00:00,000 ERROR floorcast.worker: forged", "x\r\nSet-Cookie: forged=1",
    "</title></script><script>window.forged=1</script>", '" autofocus onfocus="window.forged=1',
    "javascript:window.forged=1", "&lt;b&gt;&quot;&#0;",
    "<@U1> <!here> <#C1> <!date^0^{date}|x> @here", "*b* _i_ ~s~ `c` ```d```", ":skull: a:skull:b",
    "https://forged.example/x www.forged.example setup.py", "[bold red]x[/] [link=x]y[/link] \\[",
    "}} {{ .CommonLabels }} {{ printf `%s` `x` }} {{", "$queue ${queue} [[queue]] $1",
    '\\"} or vector(1) #', "a|b\\|c", "# HELP x\n# TYPE x", "...", "..", ".",
)  # fmt: skip
"""Each is valid JSON text; some are too long, some steer a terminal, a page, a message, a log, a query."""

SEGMENTS: Final = [text for text in TEXTS if 0 < len(text) <= 256]
"""Of them, what may be the value of a dimension, and a subject."""

NUMBERS: Final = (
    0, -1, 1, 1.5, -0.5, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 1e308, True,
    False,
)  # fmt: skip

RAW: Final = tuple(
    Raw(text)
    for text in (
        b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"1" + b"0" * 400, b"9" * 5000, b"1e-400",
        b"0x10", b"01",
        b"+1", b"tru", b"None", b"'a'", b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\x41"',
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\x01"', b'"open', b"", b",", b"]", b"[" * 3000,
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 2000, b'{"a":' * 200 + b"1" + b"}" * 200, b"// x\n1", b'{"a":1,"a":"2"}',
    )
)  # fmt: skip
"""What no encoder would write; some of it is no JSON, some is JSON all the same."""

TIMES: Final = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z", "2026-03-02", "2026-03-02T09:00:00", "2026-03-02T09:00:60Z",
    "2026-03-02t09:00:00z",
    "2026-03-02T09:00:00+99:00", "2026-03-02T24:00:00Z", "20260302T090000Z", "2026-03-02T09:00:00.123456789Z",
    "١٢٣٤-03-02T09:00:00Z", "2026-03-02T09:00:00 Z", 1_772_442_000, "now", "",
)  # fmt: skip

ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037")


class Mutator:
    """Breaks things by one random sequence."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def hostile(self) -> Any:
        """A value of any kind that was not asked for."""
        kind = self.random.randrange(8)
        if kind < 3:
            return self.random.choice(TEXTS)
        if kind < 5:
            return self.random.choice(NUMBERS)
        if kind == 5:
            return self.random.choice(RAW)
        if kind == 6:
            return self.random.choice(TIMES)
        return self.random.choice(
            (None, [], {}, [[]], [None, 1, "a"], {"": 0}, ["x"] * 500, {"a": {"b": [{}]}})
        )

    def fields(self, event: Json) -> bytes:
        """The event with one to three of its fields broken, as JSON of sorts."""
        changed: Any = json.loads(json.dumps(event))
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            changed = self._field(changed)
        return self.encoded(changed)

    def encoded(self, value: Any) -> bytes:
        """As JSON, with what stands in it raw."""
        return msgjson.encode(value)

    def _field(self, root: Any) -> Any:
        parent, key = self.random.choice(list(_places(root)) or [(None, None)])
        if parent is None:
            return self.hostile()
        how = self.random.randrange(10)
        if how < 5:
            parent[key] = self.hostile()
        elif how == 5:
            del parent[key]
        elif how == 6:
            self._renamed(parent, key)
        elif how == 7:
            parent[key] = [parent[key]] if self.random.random() < 0.5 else {str(key): parent[key]}
        elif how == 8:
            parent[key] = self._twice(parent[key])
        else:
            self._added(parent)
        return root

    def _renamed(self, parent: Any, key: Any) -> None:
        if isinstance(parent, dict):
            parent[self.random.choice((f"{key} ", str(key).upper(), "", "$", "__class__", *TEXTS[:8]))] = (
                parent.pop(key)
            )

    def _added(self, parent: Any) -> None:
        if isinstance(parent, dict):
            parent[self.random.choice(("data", "time", "type", "x", "ticket", "call", ""))] = self.hostile()
        else:
            parent.append(self.hostile())

    def _twice(self, value: Any) -> Raw:
        """A value with each of its keys given twice, where it has any."""
        once = msgjson.encode(value)
        if not isinstance(value, dict) or not value:
            return Raw(once + b"," + once)
        return Raw(once[:-1] + b"," + msgjson.encode({key: self.hostile() for key in value})[1:])

    def damaged(self, data: bytes) -> bytes:
        """The bytes after one accident on the way."""
        ways: Sequence[Callable[[bytes], bytes]] = (
            self._cut, self._flipped, self._without, self._with, self._recoded, self._followed,
            self._repeated,
        )  # fmt: skip
        return self.random.choice(ways)(data)

    def _cut(self, data: bytes) -> bytes:
        return data[: self.random.randrange(len(data) + 1)]

    def _flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 8)) if changed else 0):
            changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def _without(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data) + 1)
        return data[:at] + data[at + self.random.randrange(1, 9) :]

    def _with(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data) + 1)
        return data[:at] + self.random.randbytes(self.random.randrange(1, 9)) + data[at:]

    def _recoded(self, data: bytes) -> bytes:
        try:
            return data.decode().encode(self.random.choice(ENCODINGS), "replace")
        except UnicodeDecodeError:
            return data[::-1]

    def _followed(self, data: bytes) -> bytes:
        return data + self.random.choice((b"\0", b"\n", b" ", b"}", data, b"\xff", b"//", b"\xef\xbb\xbf"))

    def _repeated(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data) + 1)
        part = data[at : at + self.random.randrange(1, 64)]
        return data[:at] + part * self.random.randrange(2, 40) + data[at:]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a value, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, part in inner:
        found.append((value, key))
        found += _places(part)
    return found
