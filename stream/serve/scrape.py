"""One scrape: everything that `/metrics` says at a moment, and whether the numbers are fit to be read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, Protocol, get_args

import stream
from stream.config import Config
from stream.config.history import history_of
from stream.config.published import PublishedPolicy
from stream.events.refusal import Reason
from stream.metrics.catalog import Catalog
from stream.metrics.targets import target_of
from stream.query.journal import tally
from stream.query.look import Look, Published, age_ms, now_of
from stream.query.model import StoreReader
from stream.query.panes import PaneMemory
from stream.serve.arrivals import arrivals
from stream.serve.counters import Rising
from stream.serve.families import PREFIX
from stream.serve.health import Health, HealthSource, add_pane_memory
from stream.serve.numbers import STALE_MS, Moment, Numbers
from stream.serve.samples import Families, Labels
from stream.shard.changes import Fence
from stream.shard.family import COUNTED

READY_MS: Final = STALE_MS
"""A shard that has not caught up for so long makes the deployment unready."""


class Source(StoreReader, Published, HealthSource, Protocol):
    """What a scrape reads of the store."""

    async def journals(self, family: str) -> Mapping[int, Mapping[str, int]]:
        """By partition, what was counted about the work itself."""


class Scraper:
    """Reads a deployment again and again. What it remembers makes counters, and spares reading again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._numbers = Numbers()
        self._panes = PaneMemory()
        self._health = Health(source)
        self._stored = Rising()

    async def read(self, catalog: Catalog, config: Config, wall_ms: int) -> Families:
        """All families of this moment."""
        began = time.perf_counter()
        look = Look(self._source, config, self._panes)
        shards = await look.shards()
        moment = Moment(catalog, config, look, await now_of(look, config, wall_ms), wall_ms)
        families = await self._numbers.read(moment)
        families.take(await arrivals(moment))
        _add_catalog(families, catalog)
        _add_policies(families, config, moment.now_ms)
        _add_clocks(families, shards, wall_ms)
        _add_groupings(families, config, shards)
        for family in COUNTED:
            _add_journal(families, self._stored, family, await self._source.journals(family))
        families.take(await self._health.read(shards, moment.now_ms, wall_ms))
        add_pane_memory(families, self._panes)
        families.add(
            f"{PREFIX}scrape_timestamp_seconds",
            "When the numbers of this scrape were read.",
            (),
            wall_ms / 1000,
        )
        took_s = time.perf_counter() - began
        families.add(
            f"{PREFIX}scrape_seconds", "How long reading the numbers of this scrape took.", (), took_s
        )
        return families


async def unready(config: Config, source: StoreReader, wall_ms: int) -> list[str]:
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


def _add_policies(families: Families, config: Config, now_ms: int) -> None:
    versions = [version for version in history_of(config) if version.from_ms <= now_ms]
    in_force: dict[str, PublishedPolicy] = {}
    for policy in sorted(versions[-1].sla.policies if versions else (), key=lambda one: one.effective_ms):
        if policy.effective_ms <= now_ms:
            in_force[policy.name] = policy
    for policy in in_force.values():
        for clock, target_ms in policy.targets.items():
            families.add(
                f"{PREFIX}sla_target_seconds", "Targets of the policies in force, in their calendars' time.",
                (("policy", policy.name), ("clock", clock)), target_ms / 1000,
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


def _add_groupings(families: Families, config: Config, shards: Mapping[tuple[str, int], Fence]) -> None:
    for family in dict.fromkeys(family for family, _ in shards):
        marks = [fence.invalid() for (name, _), fence in shards.items() if name == family]
        for number, fields in enumerate(getattr(config.groupings, family), 1):
            families.add(
                f"{PREFIX}grouping_invalid",
                "1: a grouping of a topic has had too many groups; nothing is told by it.",
                (("topic", family), ("dimension", ",".join(fields))),
                any(number in over for over in marks),
            )


def _add_journal(
    families: Families, stored: Rising, family: str, journals: Mapping[int, Mapping[str, int]]
) -> None:
    if not journals:
        return
    total = tally(journals)
    topic = ("topic", family)
    others = {"duplicate": total.duplicates, "ignored": total.ignored, **total.refused}
    results = {"applied": total.records - sum(others.values()), **others}
    # Those that have not been seen yet, too: a counter that begins with its first event has no rise there.
    letters = dict.fromkeys(get_args(Reason), 0) | total.refused
    if family == "contacts":
        del letters["late"]  # it can be told again from what caused it, so there is no letter

    def add(name: str, words: str, labels: Labels, count: int) -> None:
        families.add(name, words, labels, stored.of((name, labels), count))

    for result, count in results.items():
        words = "Records read, by what became of them."
        add(f"{PREFIX}events_total", words, (topic, ("result", result)), count)
    for kind, count in total.applied.items():
        words = "Events applied, by type."
        add(f"{PREFIX}events_applied_total", words, (topic, ("type", kind)), count)
    for reason, count in letters.items():
        words = "Records refused, by why; each is in the topic of dead letters."
        add(f"{PREFIX}dead_letters_total", words, (topic, ("reason", reason)), count)
    words = "Events out of order: their history was folded again."
    add(f"{PREFIX}entities_replayed_total", words, (topic,), total.replayed)
    words = "Records that Kafka deleted before they were read: the numbers lack them."
    add(f"{PREFIX}records_lost_total", words, (topic,), total.lost)
    words = "Versions of calendars and policies that shards learned of too late: a rebuild counts them anew."
    add(f"{PREFIX}late_versions_total", words, (topic,), total.late_versions)
