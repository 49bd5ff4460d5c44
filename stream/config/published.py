"""A version of calendars, policies and queues' targets as it is published and kept: all that clocks need,
holidays as dates, so that a rebuild, or a newer library, repeats them. Which came when is history.py's."""

from __future__ import annotations

from msgspec import Struct

from stream.config.resolve import Resolved
from stream.config.targets import Warn


class PublishedPolicy(Struct, frozen=True, kw_only=True):
    """A policy; `effective_ms`: from when on it counts, ALWAYS_MS: as long as the version."""

    name: str
    when: dict[str, tuple[str, ...]]
    calendar: str | None
    targets: dict[str, int]
    warn: tuple[Warn, ...]
    pause: dict[str, tuple[str, ...]]
    effective_ms: int


class PublishedQueue(Struct, frozen=True, kw_only=True):
    """The target of `queue_wait` of some calls; None is no clock."""

    when: dict[str, tuple[str, ...]]
    max_wait_ms: int | None


class Sla(Struct, frozen=True, kw_only=True):
    """What may change while a system runs."""

    default_calendar: str | None
    calendars: Resolved
    policies: tuple[PublishedPolicy, ...]
    queues: tuple[PublishedQueue, ...]


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published version. `follows`: how many there were before it as its publisher saw them; of two
    published at once the first in the log counts. `from_ms`: from when on it is in force, the first one from
    always. `source`: hash of what floorcast.yaml says, which a newer library of holidays does not change."""

    follows: int
    from_ms: int
    source: str
    sla: Sla


History = tuple[Version, ...]
"""Versions in the order of the log, ascending by `from_ms`; never empty where numbers are made."""
