"""Which grouping answers a question by some dimensions, and how its groups fall into the rows asked for."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from stream.config.segments import FIELDS_MAX
from stream.metrics.panes import Group
from stream.metrics.segments import Grouping, group_name, group_values
from stream.query.model import QueryError
from stream.shard.cap import GROUPS_MAX

By = tuple[str | None, ...]
OTHERS: Final[By] = (None,) * (FIELDS_MAX + 1)
"""The row of all groups that have none of their own: longer than any real one, so it is no group's."""


class OverCap(QueryError):
    """A grouping has so many groups that nothing is told by it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The groups of one grouping that match `where`, and the row (values of `by`) of each.

    `own`: the rows that stand for themselves, when the others are one.
    """

    number: int
    fields: Grouping
    by: tuple[str, ...]
    where: dict[str, str | None]
    own: frozenset[By] | None = None

    def key(self) -> tuple[Hashable, ...]:
        """Selections of one family with equal keys give equal rows."""
        return self.number, self.by, tuple(sorted(self.where.items())), self.own

    def groups(self) -> list[Group] | None:
        """The one group that is asked for, when `where` fixes every field; else `None`: all, to be picked
        from."""
        if all(field in self.where for field in self.fields):
            return [group_name(self.number, [self.where[field] for field in self.fields])]
        return None

    def whole(self) -> bool:
        """Whether nothing is split or picked."""
        return not self.by and not self.where

    def row_of(self, dimensions: Sequence[str], values: Sequence[str | None]) -> By | None:
        """The row of an entity with these values of dimensions, or `None` if it is not of this selection."""
        named = dict(zip(dimensions, values, strict=True))
        if any(named[field] != value for field, value in self.where.items()):
            return None
        row = tuple(named[field] for field in self.by)
        return row if self.own is None or row in self.own else OTHERS

    def row(self, group: Group) -> By | None:
        """The row of a stored group, or `None` if it is not of this selection."""
        number, values = group_values(group)
        return self.row_of(self.fields, values) if number == self.number else None


def select(
    groupings: Sequence[Grouping],
    family: str,
    by: Sequence[str],
    where: dict[str, str | None],
    own: frozenset[By] | None = None,
    without_sketches: Sequence[Grouping] = (),
    sketches: bool = False,
    invalid: Collection[int] = (),
) -> Selection:
    """The smallest grouping that has all the dimensions asked for, with `sketches` if they are wanted, or
    `QueryError` that says which groupings there are. `invalid`: those that have too many groups."""
    wanted = {*by, *where}
    every: list[Grouping] = [(), *groupings]
    plain = {frozenset(fields) for fields in without_sketches}
    fitting = [(len(fields), number) for number, fields in enumerate(every) if wanted <= set(fields)]
    if not fitting:
        raise QueryError(
            f"no grouping of {family} holds {', '.join(sorted(wanted))}; there are {_listed(every)}. "
            f"To add one, list it in floorcast.yaml under groupings.{family}"
        )
    telling = [(size, number) for size, number in fitting if frozenset(every[number]) not in plain]
    if sketches and not telling:
        raise QueryError(
            f"percentiles, min and max by {', '.join(sorted(wanted))} are not kept: of {family} those "
            f"groupings have sketches: {_listed([one for one in every if frozenset(one) not in plain])}. "
            f"Ask for mean, count or sum; or take {_listed([every[number] for _, number in fitting])} out of "
            f"groupings.without_sketches.{family} in floorcast.yaml, or add a grouping that holds it"
        )
    choices = telling if sketches else fitting
    usable = [(size, number) for size, number in choices if number not in invalid]
    if not usable:
        names = _listed([every[number] for _, number in choices])
        raise OverCap(
            f"of {family} nothing is told by {names} any more: one shard has had more than {GROUPS_MAX:,} "
            "groups. Mend the source that sends so many values, or group by less; counting by it again needs "
            "a rebuild"
        )
    _, number = min(usable)
    return Selection(number, every[number], tuple(by), dict(where), own)


def _listed(groupings: Sequence[Grouping]) -> str:
    return ", ".join(f"[{', '.join(fields)}]" for fields in groupings)
