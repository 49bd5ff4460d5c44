"""What a check says."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warning", "problem"]
Section = Literal[
    "AlertDestinations",
    "ClocksApart",
    "KafkaRights",
    "KafkaTopics",
    "KafkaUnreachable",
    "OtherImage",
    "OtherVersions",
    "RedisPersistence",
    "RedisRights",
    "RedisSettings",
    "RedisUnreachable",
    # Sections that alerts link to, too.
    "FloorcastDeadLetters",
    "FloorcastDispatcherGone",
    "FloorcastNoWorker",
    "FloorcastRedisFull",
    "FloorcastStale",
]
"""The sections of docs/runbooks.md that findings link to."""


class Finding(Struct, frozen=True):
    """`todo` and `runbook` are empty when all is well."""

    area: str
    level: Level
    what: str
    todo: str = ""
    runbook: Section | None = None


def ok(area: str, what: str) -> Finding:
    """As it should be."""
    return Finding(area, "ok", what)


def warning(area: str, what: str, todo: str, runbook: Section) -> Finding:
    """It works, and may not for long or for everything."""
    return Finding(area, "warning", what, todo, runbook)


def problem(area: str, what: str, todo: str, runbook: Section) -> Finding:
    """Numbers or alerts are missing, or will be."""
    return Finding(area, "problem", what, todo, runbook)
