"""Heartbeats: signs of life that mean nothing else, of which a few stand for all.

Each one shows that the entity is there for a time from then on. Of those within one slot of that length only
the earliest and the latest matter, as no gap between the others can be as long: these two are kept, whatever
the order in which they come. A heartbeat has no identity: another version of it is just another one.
"""

from __future__ import annotations

from typing import Any

from stream.lifecycle.rows import Row

Beats = dict[int, tuple[int, int]]
"""Slot -> its earliest and latest heartbeat (ms)."""


def with_beat(beats: Beats, at: int, slot_ms: int) -> Beats | None:
    """The heartbeats with another one, or `None` if it tells nothing new."""
    slot = at // slot_ms
    known = beats.get(slot)
    if known is None:
        return {**beats, slot: (at, at)}
    first, last = known
    if first <= at <= last:
        return None
    return {**beats, slot: (min(first, at), max(last, at))}


def beats_of(instants: list[int], slot_ms: int) -> Beats:
    """The heartbeats at these instants."""
    beats: Beats = {}
    for at in instants:
        beats = with_beat(beats, at, slot_ms) or beats
    return beats


def with_beats(rows: list[Row], beats: Beats, rank: int) -> list[Row]:
    """A history in order with its heartbeats in it, as events of that rank."""
    signs: list[Row] = []
    for first, last in beats.values():
        signs.append(_sign(first, rank))
        if last != first:
            signs.append(_sign(last, rank))
    return sorted([*rows, *signs], key=_order)


def plain_beats(beats: Beats) -> list[int]:
    """[first, last, ...] in order, for the store."""
    return [at for slot in sorted(beats) for at in beats[slot]]


def beats_from(plain: list[int], slot_ms: int) -> Beats:
    """The heartbeats as the store has them."""
    return {first // slot_ms: (first, last) for first, last in zip(plain[::2], plain[1::2], strict=True)}


def _sign(at: int, rank: int) -> Row:
    nothing: Any = None
    return at, "", 0, rank, "", at, 0, nothing, nothing


def _order(row: Row) -> tuple[int, str, int, int, str]:
    return row[:5]
