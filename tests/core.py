"""Plays records through a shard in memory and tells what its image means, for the tests of the core."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stream.config import Config
from stream.events.decode import decoder_of
from stream.events.instants import to_ms
from stream.lifecycle.checkpoint import seal
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import entity_rows, unpack_entity
from stream.lifecycle.fold import Fold, names_of
from stream.lifecycle.rows import Row
from stream.metrics.cells import unpack_cell
from stream.shard.deadletter import DeadLetter, read_dead_letter
from stream.shard.facts import is_facts
from stream.shard.family import Family, family
from stream.shard.image import Image, run_batch
from stream.shard.intake import checksum
from stream.shard.shard import Shard
from tests.strategies import Delivery, Sent

DECODE_REASONS = frozenset({"empty", "too_large", "not_json", "invalid", "missing", "late", "future"})
"""Refusals that hang on the record and the log before it alone."""


def new_shard(name: str, config: Config) -> Shard:
    """The owner of partition 0 of a family."""
    return Shard(family(name, config), f"support.{name}", 0, config)


def forgetful_shard(name: str, config: Config) -> Shard:
    """One that keeps hardly anything in memory, as if it were much larger than that."""
    return Shard(family(name, config), f"support.{name}", 0, config, cache_entities=1, cells_max=2)


def play(name: str, config: Config, sent: Iterable[Sent], now_ms: int) -> Image:
    """The image after events in one batch, in the order given, and then a tick at `now_ms`."""
    shard, image = new_shard(name, config), Image()
    run_batch(shard, image, [one.record(offset) for offset, one in enumerate(sent)], None)
    run_batch(shard, image, [], now_ms)
    return image


def play_delivery(
    name: str, config: Config, delivery: Delivery, now_ms: int, retention_clock: int = 0
) -> Image:
    """The image after a delivery and then a tick at `now_ms`: owners change, and are forgetful."""
    shard, image = forgetful_shard(name, config), Image()
    offset = 0
    for batch, restart, wall_ms in zip(delivery.batches, delivery.restarts, delivery.now_ms, strict=True):
        if restart:
            shard = forgetful_shard(name, config)
            shard.restore(image.restored(), retention_clock)
        records = [one.record(offset + place) for place, one in enumerate(batch)]
        offset += len(batch)
        run_batch(shard, image, records, None if wall_ms is None else min(wall_ms, now_ms))
    run_batch(shard, image, [], now_ms)
    return image


def letters(image: Image) -> list[DeadLetter]:
    """The dead letters in the outbox, by offset."""
    return [read_dead_letter(packed) for _, packed in sorted(image.outbox.items()) if not is_facts(packed)]


def meaning(image: Image, rules: Family, horizon_ms: int) -> dict[str, Any]:
    """What an image says, without what may differ: the order within packed cells, and how far histories
    are sealed.

    Of a history the state counts, and the events that can still be joined by others.
    """
    sealed_before_ms = image.fence.log_clock - horizon_ms
    return {
        "clocks": (image.fence.log_clock, image.fence.clock, image.fence.retention_clock),
        "cells": {pane: _cells(groups) for pane, groups in image.cells.items()},
        "levels": _cells(image.levels),
        "since": image.since,
        "timers": image.timers,
        "drops": {day: subjects for day, subjects in image.drops.items() if subjects},
        "states": {
            subject: _state(rules, packed, sealed_before_ms) for subject, packed in image.states.items()
        },
        "refused": sorted(
            (letter.reason, letter.path, letter.value or b"") for letter in _decode_refusals(image)
        ),
    }


def _decode_refusals(image: Image) -> list[DeadLetter]:
    """One of each: how often a record came does not matter."""
    found = {
        (letter.reason, letter.value): letter for letter in letters(image) if letter.reason in DECODE_REASONS
    }
    return list(found.values())


def _cells(groups: dict[bytes, bytes]) -> dict[bytes, dict[int, int]]:
    return {group: unpack_cell(packed) for group, packed in groups.items()}


def _state(rules: Family, packed: bytes, sealed_before_ms: int) -> dict[str, Any]:
    entity = unpack_entity(rules.fold, packed)
    rows = [row for row in entity_rows(rules.fold, entity) if row[0] >= sealed_before_ms]
    return {**state_of(entity.state), "rows": rows}


def state_of(state: Any) -> dict[str, Any]:
    """A state as plain values, by name."""
    values, *_ = seal(state, Delta())
    return dict(zip(names_of(state), values, strict=True))


def row_of(fold: Fold, one: Sent) -> Row:
    """The row that a shard makes of an event."""
    decoder, record = decoder_of(fold.family), one.record(0)
    event = decoder.decode(one.value)
    return (
        one.at_ms, event.source, int(event.sequence or 0), decoder.rank[event.type], event.id,
        to_ms(event.recordedtime) if event.recordedtime else one.at_ms, checksum(record),
        fold.snapshots.of_subject(event.subject, event.data),
        fold.extra_of(decoder.rank[event.type], event.data),
    )  # fmt: skip
