"""What a wallboard shows at an instant, as it is sent: tiles by id, and how fresh they are.

Times are ms since the epoch, seconds stand in values of metrics whose unit that is. A number comes with what
it takes to judge it; what ticks in the page between two documents says since when or until when (`ticks`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stream.query.freshness import Reached

WallSource = Reached
Freshness = Literal["fresh", "stale", "none"]
State = Literal["ok", "warn", "bad", "none"]
"""Against the target: met, missed by at most a tenth of it, missed by more; `none`: nothing to judge."""


class Target(Struct, frozen=True, kw_only=True):
    """What a number should be, in words; where these are a number, `value` (in the metric's unit) and
    `bound`: `lower` = at least that, `upper` = below that, `most` = at most that."""

    text: str
    value: float | None = None
    bound: Literal["lower", "upper", "most"] | None = None


class Ticks(Struct, frozen=True, kw_only=True):
    """From which instant a length of time grows, or up to which it shrinks."""

    since_ms: int | None = None
    until_ms: int | None = None


class Change(Struct, frozen=True, kw_only=True):
    """Against the same weekday and hour a week before. `relative`: as a share of what was; of counts per
    time, where the span then was not as long. `better` says whether that is good, if the target tells."""

    then: float | int
    by: float
    relative: float | None
    better: bool | None


class Tile(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all tiles have. `freshness`: `fresh`, `stale` (since `since_ms`), or `none`: nothing is counted.

    `note` says why there is nothing to see."""

    label: str
    freshness: Freshness
    since_ms: int | None = None
    note: str | None = None


class NumberTile(Tile, frozen=True, kw_only=True, tag="number"):
    """One number. `count` is what it is made of: numerator and denominator, or how many were observed; of
    shares of time in seconds (`count_unit`).

    `spark`: (end of a step, value), the oldest first, of whole steps that have ended.
    """

    metric: str
    stat: str
    unit: str
    window: str | None
    where: dict[str, str]
    help: str
    owner: str
    next_action: str
    value: float | int | None = None
    target: Target | None = None
    state: State = "none"
    count: dict[str, float | int | None] = {}
    count_unit: Literal["seconds"] | None = None
    spark: list[tuple[int, float | int | None]] = []
    change: Change | None = None
    ticks: Ticks | None = None


class Column(Struct, frozen=True, kw_only=True):
    """What one number of every row is."""

    label: str
    metric: str
    stat: str
    unit: str
    window: str | None
    target: Target | None = None


class Cell(Struct, frozen=True, kw_only=True):
    """One number of a row."""

    value: float | int | None = None
    state: State = "none"
    ticks: Ticks | None = None


class TableRow(Struct, frozen=True, kw_only=True):
    """One value of the dimension; `None`: those that have none."""

    name: str | None
    cells: list[Cell]


class TableTile(Tile, frozen=True, kw_only=True, tag="table"):
    """Numbers by a dimension, the rows with most first; `more` rows are left out."""

    by: str
    columns: list[Column]
    rows: list[TableRow] = []
    more: int = 0


class SlaRow(Struct, frozen=True, kw_only=True):
    """A clock that runs (`running`, `at_risk` with its `level`) or has run out (`breached`)."""

    id: str
    subject: str
    clock: str
    instance: int
    state: str
    level: str | None
    policy: str
    segments: dict[str, str]
    next_step: str
    ticks: Ticks
    acknowledged_by: str | None = None
    """Who has taken note of it."""


class SlaTile(Tile, frozen=True, kw_only=True, tag="sla"):
    """The clocks that run out next, the soonest first."""

    rows: list[SlaRow] = []


class SourcesTile(Tile, frozen=True, kw_only=True, tag="sources"):
    """Shows the document's `sources`."""


class Letters(Struct, frozen=True, kw_only=True):
    """What became of the records of a family since its image began. `recent_share`: refused of the latest."""

    family: str
    records: int
    duplicates: int
    refused: dict[str, int]
    recent_share: float | None


class DeadlettersTile(Tile, frozen=True, kw_only=True, tag="deadletters"):
    """Dead letters by family and reason."""

    rows: list[Letters] = []


AnyTile = NumberTile | TableTile | SlaTile | SourcesTile | DeadlettersTile


class Wall(Struct, frozen=True, kw_only=True):
    """One board at `now_ms`, which is the wall's time, or with `clock: events` the events'."""

    board: str
    title: str
    window: str | None
    filters: dict[str, str]
    now_ms: int
    timezone: str
    private: bool
    sources: list[WallSource]
    tiles: dict[str, AnyTile]
