"""The section `exporter`: where `/metrics` is served, and over which windows and by what it tells numbers."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Struct

from stream.config.durations import parse_duration
from stream.config.keys import Key
from stream.config.kinds import Kind, Text, Whole, quoting
from stream.config.problems import At, Wrong, shown
from stream.config.segments import Groupings
from stream.events.envelope import SEGMENT_FIELDS

WINDOWS_MAX: Final = 8
"""Windows of one family: each multiplies the series."""
GROUPS_MAX: Final = 500
_WORDS: Final = ("today", "yesterday", "month")
_DAYS: Final = re.compile(r"[1-9][0-9]{0,3}d")


class Windows(Kind):
    """A list of windows, each a word, a number of days or a length in whole panes of 10 s."""

    yaml_text = True

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list) or not 0 < len(value) <= WINDOWS_MAX:
            raise Wrong(
                f"expected a list of 1 to {WINDOWS_MAX} windows such as [5m, today], got {shown(value)}"
            )
        for place, word in enumerate(value):
            fault = _fault(word)
            if fault:
                at.into(place).note(f"{fault}, got {shown(word)}{quoting(word)}")
            elif word in value[:place]:
                at.into(place).note(f"names {word} twice: remove one")
        return tuple(word for word in value if not _fault(word))

    def show(self, value: object) -> object:
        return list(value) if isinstance(value, tuple) else value


def _fault(word: object) -> str:
    """What is wrong with a window, or nothing."""
    expected = "expected a length (5m, 1h), a number of days (7d), today, yesterday or month"
    if not isinstance(word, str):
        return expected
    if word in _WORDS or _DAYS.fullmatch(word):
        return ""
    try:
        length_ms = parse_duration(word, days=False)
    except ValueError:
        return expected
    return "" if length_ms and length_ms % 10_000 == 0 else "expected a length of whole panes of 10 s"


def _windows(family: str) -> Key:
    return Key(Windows(), f"Windows of the numbers of {family}: `window` in `/metrics`")


def _group_windows(family: str) -> Key:
    return Key(Windows(), f"The same of the numbers of {family} by groups")


class ExporterWindows(Struct, frozen=True, kw_only=True):
    """The windows of the whole, by family."""

    tickets: Annotated[tuple[str, ...], _windows("tickets")] = ("5m", "1h", "today")
    calls: Annotated[tuple[str, ...], _windows("calls")] = ("5m", "15m", "1h", "today")
    surveys: Annotated[tuple[str, ...], _windows("surveys")] = ("today", "7d", "28d")
    selfservice: Annotated[tuple[str, ...], _windows("self-service")] = ("1h", "today")
    agents: Annotated[tuple[str, ...], _windows("agents")] = ("5m", "15m", "1h", "today")
    contacts: Annotated[tuple[str, ...], _windows("what is joined by customer")] = ("today", "7d")


class ExporterGroupWindows(Struct, frozen=True, kw_only=True):
    """The windows of groups, by family."""

    tickets: Annotated[tuple[str, ...], _group_windows("tickets")] = ("1h", "today", "7d")
    calls: Annotated[tuple[str, ...], _group_windows("calls")] = ("5m", "1h", "today")
    surveys: Annotated[tuple[str, ...], _group_windows("surveys")] = ("7d", "28d")
    selfservice: Annotated[tuple[str, ...], _group_windows("self-service")] = ("today", "28d")
    agents: Annotated[tuple[str, ...], _group_windows("agents")] = ("1h",)
    contacts: Annotated[tuple[str, ...], _group_windows("what is joined by customer")] = ("7d",)


USUAL: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "tickets": (("team",), ("channel",), ("priority",), ("category",), ("team", "priority")),
    "calls": (("queue",), ("team",), ("channel",)),
    "surveys": (("channel",), ("kind",), ("team",)),
    "selfservice": (("channel",), ("article",)),
    "agents": (("team",),),
    "contacts": (("channel",), ("category",)),
}
"""The groupings exported where the configuration names none, as far as numbers are kept by them."""


def _groups(family: str, fields: tuple[str, ...] = SEGMENT_FIELDS) -> Key:
    usual = ", ".join(f"[{', '.join(one)}]" for one in USUAL[family])
    words = f"By what the numbers of {family} are exported; null = what `groupings.{family}` holds of {usual}"
    return Key(Groupings(fields), words)


_Chosen = tuple[tuple[str, ...], ...] | None


class ExporterGroupings(Struct, frozen=True, kw_only=True):
    """The groupings that are exported beside the whole, by family."""

    tickets: Annotated[_Chosen, _groups("tickets")] = None
    calls: Annotated[_Chosen, _groups("calls")] = None
    surveys: Annotated[_Chosen, _groups("surveys", ("kind", *SEGMENT_FIELDS))] = None
    selfservice: Annotated[_Chosen, _groups("selfservice", ("article", *SEGMENT_FIELDS))] = None
    agents: Annotated[_Chosen, _groups("agents", ("agent", "team", "site"))] = None
    contacts: Annotated[_Chosen, _groups("contacts")] = None


class ExporterConfig(Struct, frozen=True, kw_only=True):
    """Where `/metrics`, `/healthz` and `/readyz` are served, and how much `/metrics` tells."""

    host: Annotated[str, Key(Text(r"[A-Za-z0-9.:_-]+", "a host name or address"), "Address to listen on")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Key(Whole(0, 65_535), "Port to listen on; 0 = any free one")] = 9464
    windows: ExporterWindows = ExporterWindows()
    group_windows: ExporterGroupWindows = ExporterGroupWindows()
    groupings: ExporterGroupings = ExporterGroupings()
    groups_max: Annotated[
        int,
        Key(Whole(1, GROUPS_MAX), "Groups of a grouping with series of their own; the others are `other`"),
    ] = 30
