"""Why a number is what it is: an entity's kept events, the state they lead to, and what it contributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from stream.config import Config
from stream.events.decode import decoder_of
from stream.lifecycle import agent as agents
from stream.lifecycle import call as calls
from stream.lifecycle import call_facts, resolution
from stream.lifecycle import survey as surveys
from stream.lifecycle import ticket_rules as tickets
from stream.lifecycle.checkpoint import plain_ledger
from stream.lifecycle.entity import Entity, contributions, entity_history, unpack_entity
from stream.lifecycle.fold import NEVER, names_of
from stream.lifecycle.rows import Row
from stream.lifecycle.snapshot import Snapshot
from stream.metrics.catalog import Catalog
from stream.metrics.formula import Formula
from stream.metrics.measures import SKETCHES, is_plain, measure_name, shift
from stream.metrics.panes import Pane
from stream.metrics.segments import Segment
from stream.metrics.sizes import SIZES, Sizes
from stream.metrics.sketch import WIDTH, middle
from stream.query.clocks import views
from stream.query.windows import Calendar
from stream.shard.changes import Fence
from stream.shard.family import Family
from stream.sla.clocks import Clocks

_MESSAGES = {
    tickets.BY_CUSTOMER: "message of the customer",
    tickets.HUMAN_REPLY: "public reply by a person",
    tickets.NOTE: "note that the customer does not see",
    tickets.MACHINE_REPLY: "public message of a bot, the system or an automation",
    tickets.CUSTOMER_ASIDE: "message of the customer, automatic or not public",
}
_OUTCOMES = {
    call_facts.NONE: "none",
    call_facts.ANSWER: "answered",
    call_facts.ABANDON: "abandoned",
    call_facts.OTHER: "another way out",
}
_INSTANTS = ("answer_from", "answered_from", "held_since", "left_from", "long_from")
_STATES = {level: state for state, level in agents.LEVELS.items()}
_LENGTHS = ("held_ms", "logged_ms", "worked_ms")
_HIDDEN = ("exists", "channel_told", "older_moves", "creation_ms", "stale_ms")

Fact = tuple[str, str]
"""A part of a state, and what it is."""


@dataclass(frozen=True, slots=True)
class Told:
    """One kept event. `said`: what it changes of the snapshot; only what rules and groupings read is kept."""

    at_ms: int
    type: str
    source: str
    id: str
    said: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """An amount that the entity adds to a measure, the panes that hold it, and the metrics that read it."""

    at_ms: int
    panes: tuple[Pane, ...]
    measure: str
    amount: int
    segments: dict[str, str]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All about one entity. `sealed`: events older than the horizon are in a checkpoint, so not listed."""

    subject: str
    sealed: bool
    history: list[Told]
    state: list[Fact]
    contributions: list[Contribution]


def explain(
    family: Family, config: Config, catalog: Catalog, fence: Fence, subject: str, packed: bytes
) -> Explanation:
    """The explanation of a stored entity at its shard's clock."""
    fold = family.fold
    entity = unpack_entity(fold, packed)
    out = contributions(fold, entity)
    fold.overlay(out, entity.state, fence.clock)  # an ending that never came
    holders = _Holders(config, fence)
    text = Calendar(config.timezone).short
    counted = [
        Contribution(
            start, holders.panes(start), _measure(family.name, code), amount,
            _segments(family, values), _readers(catalog, family.name, code),
        )
        for start, values, cell in plain_ledger(out)
        for code, amount in cell
    ]  # fmt: skip
    return Explanation(
        subject,
        entity.checkpoint is not None,
        _history(family, entity, text),
        [*_state(family, entity, text), *_clocks(family, entity, fence.clock, text)],
        counted,
    )


class _Holders:
    """Which stored panes hold what happened in a 10 s pane, by the rule of metrics/panes.py."""

    def __init__(self, config: Config, fence: Fence) -> None:
        self._sizes = Sizes(config.timezone)
        self._keep_ms = config.retention_ms
        self._fence = fence

    def panes(self, at_ms: int) -> tuple[Pane, ...]:
        held: list[Pane] = []
        finer_kept = False
        for size in range(SIZES):
            start = self._sizes.start(size, at_ms)
            end = self._sizes.end(size, start)
            kept = end + self._keep_ms[size] > self._fence.retention_clock
            if kept and (size == 0 or end <= self._fence.clock or not finer_kept):
                held.append((size, start))
            finer_kept = kept
        return tuple(held)


def _history(family: Family, entity: Entity, text: Callable[[int], str]) -> list[Told]:
    types = {rank: name for name, rank in decoder_of(family.name).rank.items()}
    told: list[Told] = []
    before: Snapshot | None = None
    for row in entity_history(family.fold, entity):
        parts = [*_changes(family, before, row[7]), *_extra(family.name, types[row[3]], row, text)]
        told.append(Told(row[0], types[row[3]], row[1], row[4], ", ".join(parts)))
        before = row[7] if row[7] is not None else before
    return told


def _changes(family: Family, before: Snapshot | None, snapshot: Snapshot | None) -> Iterable[str]:
    names = family.fold.snapshots.names
    for place, value in enumerate(snapshot or ()):
        if value is not UNSET and (before is None or value != before[place]):
            yield f"{names[place]}={'null' if value is None else value}"


def _extra(name: str, kind: str, row: Row, text: Callable[[int], str]) -> Iterable[str]:
    extra: Any = row[8]
    if extra is None:
        return
    if name == "tickets":
        yield f"{extra / 1000:g} s of work" if kind == "ticket.work_logged" else _MESSAGES[extra]
    elif name == "surveys":
        said = f"answer {extra[0]} with a comment" if isinstance(extra, list) else f"answer {extra}"
        yield f"score {extra}" if kind == "qa.reviewed" else said
    elif name == "selfservice":
        helpful, article = extra
        yield f"{article or 'an article'} was {'helpful' if helpful else 'not helpful'}"
    elif name == "agents":
        yield _STATES[extra]
    elif kind == "call.record":
        for place, at in extra.items():
            yield f"{calls.TIMES[place]}={'null' if at is None else text(at)}"
    else:
        yield f"stage {extra}"


def _state(family: Family, entity: Entity, text: Callable[[int], str]) -> list[Fact]:
    state = entity.state
    facts: list[Fact] = []
    for name in names_of(state):
        value = getattr(state, name)
        if name in _HIDDEN or value in (None, NEVER, False, ()) or isinstance(value, Clocks):
            continue
        if name == "facts":
            facts += [
                (known, str(said))
                for known, said in zip(surveys.FIELDS, value, strict=True)
                if said is not None
            ]
        elif name == "resolutions":
            facts += [(f"resolution by {entity}", text(at)) for at, _, entity in value]
        elif name == "counted":
            facts.append(
                (name, ", ".join(f"{measure_name(family.name, code)} {amount}" for code, amount in value))
            )
        elif name == "level":
            facts.append(("state", _STATES[value]))
        elif name == "figures":
            counted = zip(resolution.FIGURES, value, strict=True)
            facts.append(
                ("resolution_counts", ", ".join(_figure(known, amount) for known, amount in counted))
            )
        elif name in _LENGTHS:
            if value != resolution.NO_WORK:
                facts.append((name.removesuffix("_ms"), f"{value / 1000:g} s"))
        elif isinstance(value, Segment):
            named = _segments(family, value.values)
            if named:
                facts.append((name, ", ".join(f"{field}={said}" for field, said in named.items())))
        elif name in _INSTANTS or name.endswith("_ms"):
            facts.append((name.removesuffix("_ms"), text(value)))
        else:
            facts.append((name, _OUTCOMES[value] if name == "left" else str(value)))
    return facts


def _clocks(family: Family, entity: Entity, now_ms: int, text: Callable[[int], str]) -> Iterable[Fact]:
    for view in views(entity.state.clocks, family.fold.policies, now_ms):
        parts = [view.state, f"policy {view.policy}" if view.policy else "promised"]
        parts.append(f"{view.elapsed_ms / 1000:g} of {view.target_ms / 1000:g} s")
        for name, at in (
            ("due", view.due_ms),
            ("breached", view.breached_ms),
            ("fulfilled", view.fulfilled_ms),
        ):
            parts += [] if at is None else [f"{name} {text(at)}"]
        yield f"{view.clock}#{view.instance}", ", ".join(parts)


def _figure(name: str, amount: int) -> str:
    if not name.endswith("_ms"):
        return f"{name} {amount}"
    told = "nothing" if amount == resolution.NO_WORK else f"{amount / 1000:g} s"
    return f"{name.removesuffix('_ms')} {told}"


def _segments(family: Family, values: Iterable[str | None]) -> dict[str, str]:
    return {
        field: value
        for field, value in zip(family.fold.segments.dimensions, values, strict=True)
        if value is not None
    }


def _measure(family: str, code: int) -> str:
    name = measure_name(family, code)
    if code < SKETCHES:
        return name
    value = middle((code - SKETCHES) % WIDTH)
    return f"{name} (about {value:g})" if is_plain(family, code) else f"{name} (about {value / 1000:g} s)"


def _readers(catalog: Catalog, family: str, code: int) -> tuple[str, ...]:
    return tuple(
        metric.id
        for metric in catalog
        if family in (metric.family, *metric.also)
        and any(
            formula.reads(code if family == metric.family else code + shift(family))
            for formula in (metric.formula, *_labelled(metric.labels.values()))
        )
    )


def _labelled(labels: Iterable[Any]) -> Iterable[Formula]:
    return (formula for values in labels for formula in values.values())
