"""Low scores with a comment: whom to call back, and about what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET

from stream.lifecycle.entity import Entity, entity_rows, unpack_entity
from stream.lifecycle.survey import REFERENCES, Survey, is_low, scale
from stream.shard.family import Family


@dataclass(frozen=True, slots=True)
class LowScore:
    """An answer to follow up. `score` is a bool for kind fcr; `about`: ticket, call and customer; `segments`:
    what it is counted under. Absent values are left out."""

    survey: str
    at_ms: int
    kind: str
    score: int | bool
    scale: tuple[int, int]
    about: dict[str, str]
    segments: dict[str, str]


def low_scores(
    rules: Family,
    states: Iterable[tuple[str, bytes]],
    span: tuple[int, int],
    where: Mapping[str, str | None],
) -> Iterator[LowScore]:
    """Those of stored survey histories that were answered in [from, to) and have these values of
    dimensions."""
    dimensions = rules.fold.segments.dimensions
    for subject, packed in states:
        entity = unpack_entity(rules.fold, packed)
        survey = entity.state
        if not isinstance(survey, Survey) or not survey.commented or not is_low(survey.facts, survey.answer):
            continue
        named = dict(zip(dimensions, survey.answered_in.values, strict=True))
        if not span[0] <= survey.answered_ms < span[1] or any(named[k] != v for k, v in where.items()):
            continue
        assert isinstance(survey.answer, int)
        yield LowScore(
            subject, survey.answered_ms, survey.facts[0], survey.answer, scale(survey.facts),
            _about(rules, entity), {name: value for name, value in named.items() if value is not None},
        )  # fmt: skip


def _about(rules: Family, entity: Entity) -> dict[str, str]:
    known: dict[str, str | None] = {}
    places = [(name, rules.fold.snapshots.names.index(name)) for name in REFERENCES]
    for row in entity_rows(rules.fold, entity):
        for name, place in places:
            if row[7] is not None and row[7][place] is not UNSET:
                known[name] = row[7][place]
    return {name: value for name, value in known.items() if value is not None}
