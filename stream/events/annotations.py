"""Topic `support.annotations`: what happened around the numbers, shown on charts (subject = source name)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from stream.events.envelope import Envelope, Instant, Optional, ranks

RANKS = ranks("annotation.published")
REQUIRED = {"annotation.published": "title"}


class Data(Struct, gc=False):
    title: str | UnsetType = UNSET
    starts_at: Instant | Optional = UNSET
    ends_at: Instant | Optional = UNSET
    kind: Literal["release", "outage", "campaign", "price_change", "policy_change", "holiday"] | Optional = (
        UNSET
    )
    link: str | Optional = UNSET


class AnnotationEvent(Envelope, gc=False, kw_only=True):
    data: Data | Optional = UNSET
