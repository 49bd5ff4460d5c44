"""The numbers of the catalog as samples: read again and again, with what must be remembered in between."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from stream.config import Config
from stream.metrics.catalog import Catalog, Metric
from stream.metrics.formula import LevelShare, Values
from stream.metrics.sizes import DAY, Sizes
from stream.query.freshness import reached
from stream.query.grouping import OTHERS, By, OverCap
from stream.query.look import Look
from stream.query.model import Answer, Question
from stream.query.query import Queries, Shared
from stream.query.windows import Calendar, Window
from stream.serve.counters import DAYS, Key, Tally
from stream.serve.families import OTHER, QUANTILES, Block, Exported, blocks, ranks_of, values_of
from stream.serve.groups import Groups
from stream.serve.samples import Families, Labels
from stream.shard.family import COUNTED

_Rows = dict[By, Values]
_DAY_MS: Final = 86_400_000
_WHOLE: Final[frozenset[By]] = frozenset([()])
STALE_MS: Final = 30_000
"""A family with a shard that has not caught up for so long is left out, and `/readyz` says so."""


class Moment:
    """What is asked at one moment."""

    def __init__(self, catalog: Catalog, config: Config, look: Look, now_ms: int, wall_ms: int) -> None:
        self.config = config
        self.catalog = catalog
        self.look = look
        self.now_ms = now_ms
        self.wall_ms = wall_ms
        self.shared = Shared()
        self.calendar = Calendar(config.timezone)
        self._queries = Queries(catalog, config, look, None, look.remembered, self.shared)
        self._sizes = Sizes(config.timezone)
        self._stamps: dict[tuple[str, int], Hashable] = {}

    async def rows(
        self, metric: Metric, by: tuple[str, ...], window: Window | None,
        where: Mapping[str, str] = {}, own: frozenset[By] | None = None, sums: bool = False,
    ) -> _Rows:  # fmt: skip
        """The values by group; of all that are not among `own` as OTHERS."""
        answer = await self.ask(metric, by, window, where, own, sums)
        return {
            OTHERS if row.other else tuple(row.by[name] for name in by): row.values for row in answer.rows
        }

    async def ask(
        self, metric: Metric, by: tuple[str, ...], window: Window | None,
        where: Mapping[str, str] = {}, own: frozenset[By] | None = None, sums: bool = False,
    ) -> Answer:  # fmt: skip
        """The answer to one question."""
        from_ms, to_ms = window or (None, None)
        question = Question(
            metric.id, self.now_ms, from_ms, to_ms, by, dict(where), own=own if by else None, sums=sums
        )
        return await self._queries.ask(question)

    async def ranked(self, groups: Groups, block: Block) -> None:
        """Ranks the groups of a block, now and then."""
        if groups.due(self.wall_ms):
            ranks = []
            for metric, word in ranks_of(block):
                window = self.calendar.window(word, self.now_ms) if word else None
                ranks.append((await self.ask(self.catalog.get(metric), block.by, window)).rows)
            groups.rank(ranks, self.wall_ms)

    @cached_property
    def days(self) -> list[Window]:
        """The days that counters are made of: as far as they are kept, the one that has begun last."""
        kept = min(DAYS, self.config.retention.panes_1d_ms // _DAY_MS - 1)
        return list(self.calendar.step("1d").windows(self.calendar.window(f"{max(1, kept)}d", self.now_ms)))

    async def stamp(self, metric: Metric, day: Window) -> Hashable:
        """The same for a day whose numbers of a metric are the same."""
        families = (metric.family, *metric.also)
        # How long agents were in a state depends on the days before, too.
        closing = not isinstance(metric.formula, LevelShare)
        return day[1], tuple([await self._written(name, day[0], closing) for name in families])

    async def _written(self, family: str, start_ms: int, closing: bool) -> Hashable:
        key = (f"{family}{closing}", start_ms)
        if key not in self._stamps:
            fences = await self.look.fences(family)
            remembered = self.look.remembered
            written = await remembered.written(family, list(fences)) if remembered else {}
            end_ms = self._sizes.end(DAY, start_ms)
            self._stamps[key] = tuple(
                written[partition].panes.get((DAY, start_ms))
                if closing and partition in written and end_ms <= fence.clock
                else fence.commit_id
                for partition, fence in fences.items()
            )
        return self._stamps[key]


@dataclass(slots=True)
class _Counted:
    """The counters of what is exported, and the groups that they are of."""

    own: frozenset[By]
    tally: Tally = field(default_factory=Tally)


class Numbers:
    """What is remembered from one reading to the next: groups and counters."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, tuple[str, ...]], Groups] = {}
        self._counted: dict[tuple[str, Labels], _Counted] = {}
        self._blocks: tuple[Catalog, list[Block]] | None = None

    async def read(self, moment: Moment) -> Families:
        """Everything that can be told now. What is not up to date is left out: it must not stand still as if
        nothing happened."""
        states = {
            family: (await reached(moment.look, family, moment.wall_ms, STALE_MS)).state for family in COUNTED
        }
        found = Families()
        for block in self._known(moment):
            fit = [exported for exported in block.exported if _fit(exported.metric, states)]
            if fit:
                await self._take(found, moment, block, fit)
                moment.shared.forget_rows()
        return found

    def _known(self, moment: Moment) -> list[Block]:
        """What is exported; a new configuration has a new catalog."""
        if self._blocks is None or self._blocks[0] is not moment.catalog:
            self._blocks = moment.catalog, blocks(moment.catalog, moment.config)
        return self._blocks[1]

    async def _take(self, found: Families, moment: Moment, block: Block, fit: list[Exported]) -> None:
        groups = None
        part = Families()
        try:
            if block.by:
                key = block.family, block.by
                groups = self._groups.setdefault(key, Groups(block.by, moment.config.exporter.groups_max))
                await moment.ranked(groups, block)
            for exported in fit:
                await _add_gauges(part, moment, exported, groups)
            for exported in fit:
                if exported.pairs:
                    await self._count(moment, exported, groups)
                    self._add_pairs(part, exported)
            found.take(part)
        except OverCap:
            pass  # `grouping_invalid` says so; one wild dimension must not take the other numbers with it

    async def _count(self, moment: Moment, exported: Exported, groups: Groups | None) -> None:
        own = groups.counted if groups else _WHOLE
        counted = self._counted.setdefault(_identity(exported), _Counted(own))
        counted.tally.begin(moment.now_ms)
        days = moment.days
        for day in days:
            stamp = await moment.stamp(exported.metric, day)
            if not counted.tally.knows(day[0], stamp):
                counted.tally.see(day[0], stamp, await _sums(moment, exported, day, counted.own))
        if own != counted.own:
            for day in days:
                stamp = await moment.stamp(exported.metric, day)
                counted.tally.regroup(day[0], stamp, await _sums(moment, exported, day, own))
            counted.own = own
        counted.tally.forget(days[0][0])

    def _add_pairs(self, part: Families, exported: Exported) -> None:
        tally = self._counted[_identity(exported)].tally
        words = {pair.name: pair.help for pair in exported.pairs}
        for ending, amounts, more in (
            ("_total", tally.added, ""),
            ("_retracted_total", tally.retracted, " What was taken back."),
        ):
            for (name, labels), amount in amounts.items():
                part.add(f"{name}{ending}", words[name] + more, labels, amount)


def _fit(metric: Metric, states: Mapping[str, str]) -> bool:
    """Whether a metric's numbers are of now. A family that it also reads may have no shards at all: nobody
    tells of it."""
    beside = (*metric.also, *metric.fed_by)
    return states[metric.family] == "fresh" and all(states[name] != "stale" for name in beside)


def _identity(exported: Exported) -> tuple[str, Labels]:
    return exported.pairs[0].name, exported.labels


async def _add_gauges(part: Families, moment: Moment, exported: Exported, groups: Groups | None) -> None:
    own = groups.top if groups else _WHOLE
    shown: Collection[By] = [*own, OTHERS] if groups and groups.full else own
    for word in exported.windows or ("",):
        window = moment.calendar.window(word, moment.now_ms) if word else None
        last: Labels = (("window", word),) if word else ()
        for labels, where in values_of(exported):
            rows = await moment.rows(exported.metric, exported.by, window, where, own)
            for group, values in _filled(exported.metric, rows, shown):
                named = (*_group_labels(exported.by, group), *labels, *last)
                _add_row(part, exported, named, values)


def _add_row(part: Families, exported: Exported, labels: Labels, values: Values) -> None:
    for gauge in exported.gauges:
        if gauge.stat == "quantile":
            for stat, quantile in QUANTILES.items():
                value = _scaled(values[stat], gauge.scale)
                part.add(gauge.name, gauge.help, (("quantile", quantile), *labels), value, gauge.type)
        else:
            part.add(gauge.name, gauge.help, labels, _scaled(values[gauge.stat], gauge.scale), gauge.type)


async def _sums(moment: Moment, exported: Exported, day: Window, own: frozenset[By]) -> dict[Key, float]:
    """What adds up, of one day."""
    found: dict[Key, float] = {}
    for labels, where in values_of(exported):
        rows = await moment.rows(exported.metric, exported.by, day, where, own, sums=True)
        for group, values in _filled(exported.metric, rows, own):
            named = (*_group_labels(exported.by, group), *labels)
            for pair in exported.pairs:
                found[pair.name, named] = float(values[pair.stat] or 0)
    return found


def _filled(metric: Metric, rows: _Rows, shown: Collection[By]) -> Iterator[tuple[By, Values]]:
    """Answers leave out rows of zeros; a series that comes and goes would be none."""
    nothing = metric.formula.nothing()
    for group in dict.fromkeys((*shown, *rows)):
        yield group, rows.get(group, nothing)


def _group_labels(by: tuple[str, ...], group: By) -> Labels:
    values = (OTHER,) * len(by) if group == OTHERS else group
    return tuple((name, value or "") for name, value in zip(by, values, strict=True))


def _scaled(value: float | None, scale: int) -> float | None:
    return None if value is None else value * scale
