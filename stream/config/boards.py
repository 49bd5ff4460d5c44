"""The section `boards`: wallboards by name, each a list of tiles. What stands on them is checked against the
catalog by `stream/query/wall_boards.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Struct

from stream.config.keys import Key
from stream.config.kinds import Choice, Flag, Kind, Text, Whole, quoting
from stream.config.problems import At, Wrong, shown
from stream.config.structs import ListOf, ListOfKinds
from stream.events.clocks import CLOCKS

_LINE = Text(r"[^\x00-\x1f\x7f]{1,80}", "one line of text, at most 80 characters")
_WORD = Text(r"[A-Za-z0-9_]{1,64}", "a name of letters, digits and underscores")
_WINDOW = Text(r"[A-Za-z0-9]{1,16}", "a window such as 1h, today or 7d")

TILES_MAX = 40
COLUMNS_MAX = 12


class Conditions(Kind):
    """Dimension -> the value it must have."""

    yaml_text = True

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected a condition such as {{team: billing}}, got {shown(value)}")
        for name, wanted in value.items():
            if not isinstance(wanted, str) or not wanted:
                at.into(str(name)).note(f"expected one text, got {shown(wanted)}{quoting(wanted)}")
        return {str(name): wanted for name, wanted in value.items() if isinstance(wanted, str) and wanted}


_METRIC = Key(_WORD, "Id of a metric (`floorcast metrics` lists them)")
_STAT = Key(_WORD, "Which stat of it; null = the metric's own")
_LABEL = Key(_LINE, "What it is called; null = by what it shows")
_WINDOW_KEY = Key(_WINDOW, "Over which time; null = the board's; levels and gauges without one are of now")
_WHERE = Key(Conditions(), "Dimension -> value: only what has it, beside the board's own condition")


class ColumnConfig(Struct, frozen=True, kw_only=True):
    """One number of every row of a table."""

    metric: Annotated[str, _METRIC] = ""
    stat: Annotated[str | None, _STAT] = None
    label: Annotated[str | None, _LABEL] = None
    window: Annotated[str | None, _WINDOW_KEY] = None
    where: Annotated[dict[str, str], _WHERE] = {}


class NumberTile(Struct, frozen=True, kw_only=True):
    """One number, with target, state, sparkline, comparison and the count behind it."""

    kind: Annotated[str, Key(Choice("number"), "`number`; it may be left out")] = "number"
    metric: Annotated[str, _METRIC] = ""
    stat: Annotated[str | None, _STAT] = None
    label: Annotated[str | None, _LABEL] = None
    window: Annotated[str | None, _WINDOW_KEY] = None
    where: Annotated[dict[str, str], _WHERE] = {}
    compare: Annotated[
        Literal["week", "none"],
        Key(Choice("week", "none"), "`week`: with the same hours of the same weekday a week before"),
    ] = "week"


class TableTile(Struct, frozen=True, kw_only=True):
    """Numbers by the values of one dimension."""

    kind: Annotated[str, Key(Choice("table"), "`table`")] = "table"
    label: Annotated[str | None, _LABEL] = None
    by: Annotated[str, Key(_WORD, "Dimension: a segment field, or a label such as `state` or `clock`")] = ""
    columns: Annotated[
        tuple[ColumnConfig, ...], Key(ListOf(ColumnConfig), "The numbers; keys below, as of a column")
    ] = ()
    top: Annotated[int, Key(Whole(1, 50), "Most rows: those that have most")] = 12


class SlaTile(Struct, frozen=True, kw_only=True):
    """The clocks that run out next, counting down."""

    kind: Annotated[str, Key(Choice("sla"), "`sla`")] = "sla"
    label: Annotated[str | None, _LABEL] = None
    clock: Annotated[str | None, Key(Choice(*CLOCKS), "Only this clock; null = all")] = None
    state: Annotated[
        str | None, Key(Choice("running", "at_risk", "breached"), "Only clocks in this state; null = all")
    ] = None
    where: Annotated[dict[str, str], _WHERE] = {}
    most: Annotated[int, Key(Whole(1, 50), "Most rows: the soonest due")] = 12


class SourcesTile(Struct, frozen=True, kw_only=True):
    """How far each topic is read, and how fresh its numbers are."""

    kind: Annotated[str, Key(Choice("sources"), "`sources`")] = "sources"
    label: Annotated[str | None, _LABEL] = None


class DeadlettersTile(Struct, frozen=True, kw_only=True):
    """What each topic's records became, and how many were refused."""

    kind: Annotated[str, Key(Choice("deadletters"), "`deadletters`")] = "deadletters"
    label: Annotated[str | None, _LABEL] = None


TileConfig = NumberTile | TableTile | SlaTile | SourcesTile | DeadlettersTile
TILES: dict[str, type[Struct]] = {
    "number": NumberTile,
    "table": TableTile,
    "sla": SlaTile,
    "sources": SourcesTile,
    "deadletters": DeadlettersTile,
}
"""Kind -> its keys."""


class BoardConfig(Struct, frozen=True, kw_only=True):
    """One wallboard."""

    title: Annotated[str | None, Key(_LINE, "What stands above it; null = its name")] = None
    about: Annotated[str | None, Key(_LINE, "What it is for, in the list of boards")] = None
    private: Annotated[
        bool, Key(Flag(), "Whether only an admin token shows it: it is about single people")
    ] = False
    window: Annotated[str, Key(_WINDOW, "Over which time its numbers are, where a tile has none")] = "1h"
    where: Annotated[dict[str, str], Key(Conditions(), "Dimension -> value: only what has it")] = {}
    tiles: Annotated[
        tuple[TileConfig, ...],
        Key(ListOfKinds(TILES, "number"), "What stands on it, in this order; keys below, by `kind`"),
    ] = ()
