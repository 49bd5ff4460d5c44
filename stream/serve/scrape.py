"""One scrape: everything that `/metrics` says at a moment, and whether the numbers are fit to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import stream
from stream.config import Config
from stream.metrics.catalog import Catalog
from stream.metrics.formula import Values
from stream.metrics.targets import target_of
from stream.query.grouping import OverCap
from stream.query.journal import tally
from stream.query.look import Look, Published, age_ms, now_of
from stream.query.model import Question, Reader
from stream.query.query import Queries
from stream.query.windows import Calendar
from stream.serve.families import GROUPED, GROUPS_MAX, PREFIX, WHOLE, Exported, Grouped
from stream.serve.samples import OTHER, Families, Labels, put_together
from stream.shard.changes import Fence
from stream.shard.family import COUNTED

READY_MS: Final = 30_000
"""A shard that has not caught up for so long makes the deployment unready."""


class Source(Reader, Published, Protocol):
    """What a scrape reads of the store."""

    async def journals(self, family: str) -> Mapping[int, Mapping[str, int]]:
        """By partition, what was counted about the work itself."""


async def scrape(catalog: Catalog, config: Config, source: Source, wall_ms: int) -> Families:
    """All families; names are whole, but for the `_total` of counters, whose names end so here."""
    look = Look(source, config)
    asker = _Asker(catalog, config, look, await now_of(look, config, wall_ms))
    families = Families()
    for exported in WHOLE:
        for window in exported.windows or ("",):
            (values,) = (await asker.ask(exported, window, ())).values()
            labels = (*exported.labels, *((("window", window),) if window else ()))
            families.add_values(PREFIX + exported.name, catalog.get(exported.metric), labels, values)
    for grouped in GROUPED:
        if any(grouped.dimension in fields for fields in _groupings(config, catalog, grouped)):
            over = False
            try:
                await _add_groups(families, catalog, asker, grouped)
            except OverCap:
                over = True  # one wild dimension must not take the other numbers with it
            families.add(
                f"{PREFIX}grouping_invalid", "1: a topic's grouping has too many groups to be answered by.",
                (("topic", catalog.get(grouped.rank).family), ("dimension", grouped.dimension)), over,
            )  # fmt: skip
    _add_catalog(families, catalog)
    _add_clocks(families, await look.shards(), wall_ms)
    for family in COUNTED:
        _add_journal(families, family, await source.journals(family))
    return families


async def unready(config: Config, source: Reader, wall_ms: int) -> list[str]:
    """Why the numbers are not fit to be read: nothing when every shard has caught up lately."""
    shards = await Look(source, config).shards()
    if not shards:
        return [f"no worker has counted anything in namespace {config.redis.namespace} yet"]
    reasons = []
    for (family, partition), fence in shards.items():
        age = age_ms(fence.fresh, wall_ms)
        if age is None:
            reasons.append(f"{family}/{partition} has never caught up with its log")
        elif age >= READY_MS:
            reasons.append(f"{family}/{partition} had last caught up with its log {age // 1000} s ago")
    return reasons


class _Asker:
    """Asks for the rows of one scrape."""

    def __init__(self, catalog: Catalog, config: Config, look: Look, now_ms: int) -> None:
        self._queries = Queries(catalog, config, look)
        self._calendar = Calendar(config.timezone)
        self._now_ms = now_ms

    async def ask(self, exported: Exported, window: str, by: tuple[str, ...]) -> dict[str, Values]:
        """The values by group; an absent group is ''. Without `by` there is one row."""
        from_ms, to_ms = self._calendar.window(window, self._now_ms) if window else (None, None)
        question = Question(exported.metric, self._now_ms, from_ms, to_ms, by, dict(exported.where))
        answer = await self._queries.ask(question)
        return {(row.by[by[0]] or "") if by else "": row.values for row in answer.rows}


async def _add_groups(families: Families, catalog: Catalog, asker: _Asker, grouped: Grouped) -> None:
    by = (grouped.dimension,)
    ranked = await asker.ask(Exported("", grouped.rank), grouped.rank_window, by)
    sizes = {group: values.get("denominator", values.get("value")) or 0 for group, values in ranked.items()}
    top = sorted(sizes, key=lambda group: (-sizes[group], group))[:GROUPS_MAX]
    for exported in grouped.metrics:
        metric = catalog.get(exported.metric)
        for window in exported.windows or ("",):
            # Answers leave out rows of zeros; a series that comes and goes would be none.
            rows: dict[str, list[Values]] = {group: [] for group in top if group != OTHER}
            for group, values in (await asker.ask(exported, window, by)).items():
                # A group that is called `other` is one of the others.
                rows.setdefault(group if group in top and group != OTHER else OTHER, []).append(values)
            for group, parts in rows.items():
                labels = (
                    (grouped.dimension, group),
                    *exported.labels,
                    *((("window", window),) if window else ()),
                )
                values = put_together(metric, parts)
                families.add_values(f"{PREFIX}{grouped.dimension}_{exported.name}", metric, labels, values)


def _groupings(config: Config, catalog: Catalog, grouped: Grouped) -> tuple[tuple[str, ...], ...]:
    found: tuple[tuple[str, ...], ...] = getattr(config.groupings, catalog.get(grouped.rank).family)
    return found


def _add_catalog(families: Families, catalog: Catalog) -> None:
    for metric in catalog:
        labels: Labels = tuple(
            (name, getattr(metric, name)) for name in ("kind", "unit", "group", "owner", "target")
        )
        named = ("metric", metric.id)
        families.add(
            f"{PREFIX}metric_info", "The catalog.", (named, *labels, ("version", stream.__version__)), 1
        )
        target = target_of(metric)
        if target is not None:
            families.add(
                f"{PREFIX}metric_target", "Targets that are fixed numbers, in the metric's unit.",
                (named, ("bound", target.bound)), target.value,
            )  # fmt: skip


def _add_clocks(families: Families, shards: Mapping[tuple[str, int], Fence], wall_ms: int) -> None:
    for family in COUNTED:
        fences = [fence for (name, _), fence in shards.items() if name == family]
        if not fences:
            continue
        labels = (("topic", family),)
        families.add(
            f"{PREFIX}watermark_timestamp_seconds", "Up to when all timers of the topic's shards have fired.",
            labels, min(fence.clock for fence in fences) / 1000,
        )  # fmt: skip
        ages = [age_ms(fence.fresh, wall_ms) for fence in fences]
        known = [age for age in ages if age is not None]
        families.add(
            f"{PREFIX}fresh_seconds", "How long ago the oldest shard had read its log to the end.",
            labels, max(known) / 1000 if len(known) == len(ages) else None,
        )  # fmt: skip
        families.add(f"{PREFIX}shards", "Shards (partitions) of the topic.", labels, len(fences))


def _add_journal(families: Families, family: str, journals: Mapping[int, Mapping[str, int]]) -> None:
    if not journals:
        return
    total = tally(journals)
    applied = total.records - total.duplicates - sum(total.refused.values())
    results = {"applied": applied, "duplicate": total.duplicates, **total.refused}
    topic = ("topic", family)
    for result, count in results.items():
        families.add(
            f"{PREFIX}events_total",
            "Records read, by what became of them.",
            (topic, ("result", result)),
            count,
        )
    families.add(
        f"{PREFIX}entities_replayed_total", "Events out of order: their history was folded again.",
        (topic,), total.replayed,
    )  # fmt: skip
