"""What became of the records of a family, from the journals of its shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_REFUSED = "refused_"


@dataclass(frozen=True, slots=True)
class Tally:
    """All shards together. `refused`: by reason, in alphabetical order; `replayed`: events out of order."""

    records: int
    duplicates: int
    replayed: int
    refused: dict[str, int]


def tally(journals: Mapping[int, Mapping[str, int]]) -> Tally:
    """The sums of journals, by partition."""
    total: dict[str, int] = {}
    for journal in journals.values():
        for name, count in journal.items():
            total[name] = total.get(name, 0) + count
    refused = {
        name.removeprefix(_REFUSED): count
        for name, count in sorted(total.items())
        if name.startswith(_REFUSED)
    }
    return Tally(total.get("records", 0), total.get("duplicates", 0), total.get("replayed", 0), refused)
