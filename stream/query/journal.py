"""What became of the records of a family, from the journals of its shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """All shards together.

    `ignored`: of types that the contract does not know; `replayed`: events out of order; `lost`: deleted by
    Kafka before they were read; `late_versions`: of calendars and policies, known after what they change was
    counted. `refused` by reason, `applied` by type, both in alphabetical order.
    """

    records: int
    duplicates: int
    ignored: int
    replayed: int
    lost: int
    late_versions: int
    refused: dict[str, int]
    applied: dict[str, int]


def tally(journals: Mapping[int, Mapping[str, int]]) -> Tally:
    """The sums of journals, by partition."""
    total: dict[str, int] = {}
    for journal in journals.values():
        for name, count in journal.items():
            total[name] = total.get(name, 0) + count
    return Tally(
        records=total.get("records", 0), duplicates=total.get("duplicates", 0),
        ignored=sum(_part(total, "ignored_").values()), replayed=total.get("replayed", 0),
        lost=total.get("lost_at_head", 0), late_versions=total.get("late_versions", 0),
        refused=_part(total, "refused_"), applied=_part(total, "applied_"),
    )  # fmt: skip


def _part(total: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): count for name, count in sorted(total.items()) if name.startswith(prefix)
    }
