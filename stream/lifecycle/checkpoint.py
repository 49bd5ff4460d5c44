"""A checkpoint: what is kept of an entity's events older than the horizon, once no event can come before them
any more.

It holds the state after them, and the ledger of what they contributed, so that a removal can still take it
back.
"""

from __future__ import annotations

from typing import Any

from stream.lifecycle.delta import Delta, Fact
from stream.lifecycle.fold import Life, names_of
from stream.metrics.segments import Segment, Segments, in_order
from stream.sla.clocks import Clocks

Checkpoint = tuple[list[Any], list[Any], list[Any]]
"""(state, ledger, facts told) as plain values, for MessagePack."""


def seal(state: Life, ledger: Delta) -> Checkpoint:
    """The checkpoint of a state and of all that was contributed up to it."""
    values = [_plain(getattr(state, name)) for name in names_of(state)]
    return values, plain_ledger(ledger), _plain_facts(ledger.facts)


def unseal(checkpoint: Checkpoint, state: Life, segments: Segments) -> tuple[Life, Delta]:
    """The state (filled into a new one) and the ledger of a checkpoint."""
    values, ledger, facts = checkpoint
    for name, value in zip(names_of(state), values, strict=True):
        setattr(state, name, _lively(value, segments))
    out = Delta()
    for start, values, cell in ledger:
        target = out.cell(start, segments.of(tuple(values)))
        for code, amount in cell:
            target[code] = target.get(code, 0) + amount
    for kind, customer, at, said, amount in facts:
        out.facts[kind, customer, at, tuple(said)] = amount
    return state, out


def plain_ledger(ledger: Delta) -> list[Any]:
    """[[pane start, values, [[code, amount], ...]], ...] without zeros, sorted: equal ledgers are equal
    bytes."""
    merged: dict[tuple[int, tuple[Any, ...]], dict[int, int]] = {}
    for start, segments in ledger.panes.items():
        for segment, cell in segments.items():
            target = merged.setdefault((start, segment.values), {})
            for code, amount in cell.items():
                target[code] = target.get(code, 0) + amount
    plain = [
        [start, list(values), sorted([code, amount] for code, amount in cell.items() if amount)]
        for (start, values), cell in merged.items()
    ]
    return sorted(
        (entry for entry in plain if entry[2]),
        key=lambda entry: (entry[0], in_order(entry[1])),
    )


def _plain_facts(facts: dict[Fact, int]) -> list[Any]:
    plain = [[*fact[:3], list(fact[3]), amount] for fact, amount in facts.items() if amount]
    return sorted(plain, key=lambda fact: (fact[:3], in_order(fact[3])))


def _plain(value: Any) -> Any:
    if isinstance(value, Segment):
        return {"in": list(value.values)}
    if isinstance(value, Clocks):
        return {"clocks": _plain(value.plain())}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _lively(value: Any, segments: Segments) -> Any:
    if isinstance(value, dict):
        if "clocks" in value:
            clocks = Clocks(segments.nothing)
            clocks.fill(_lively(value["clocks"], segments))
            return clocks
        return segments.of(tuple(value["in"]))
    if isinstance(value, list):
        return tuple(_lively(part, segments) for part in value)
    return value
