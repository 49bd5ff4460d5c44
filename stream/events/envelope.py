"""The CloudEvents 1.0 envelope and the field types that all topics share (events.md 1 and 2)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

SEGMENT_FIELDS = (
    "channel", "priority", "team", "agent", "queue", "category", "product", "region", "plan",
    "customer_type", "language", "brand", "tier",
)  # fmt: skip
"""The dimensions by which numbers may be grouped; all are optional strings on every snapshot."""

Name = Annotated[str, Meta(min_length=1, max_length=512)]
"""An identity: event id, source, subject."""
Customer = Annotated[str, Meta(max_length=512)]
"""A customer's id, as long as any identity; empty: none."""
Value = Annotated[str, Meta(max_length=256)]
"""A segment's value. The bound keeps one bad producer from filling Redis with a single field."""
Instant = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with an offset."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]
Optional = UnsetType | None


class Segments(Struct, gc=False):
    """The segment fields of a snapshot: absent is unchanged, `None` clears."""

    channel: Value | Optional = UNSET
    priority: Value | Optional = UNSET
    team: Value | Optional = UNSET
    agent: Value | Optional = UNSET
    queue: Value | Optional = UNSET
    category: Value | Optional = UNSET
    product: Value | Optional = UNSET
    region: Value | Optional = UNSET
    plan: Value | Optional = UNSET
    customer_type: Value | Optional = UNSET
    language: Value | Optional = UNSET
    brand: Value | Optional = UNSET
    tier: Value | Optional = UNSET


class Envelope(Struct, gc=False, kw_only=True):
    """The attributes of every event; each topic adds its typed `data`."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: Name
    time: Instant
    recordedtime: Instant | UnsetType = UNSET
    sequence: Count | Annotated[str, Meta(pattern="^[0-9]{1,15}$")] | UnsetType = UNSET


class Head(Struct):
    """Just enough of an event to tell whether its type is one of ours."""

    type: str | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


def ranks(*types: str) -> dict[str, int]:
    """The rank of each type: its place in the contract's table, which orders events of one instant."""
    return {name: rank for rank, name in enumerate(types)}
