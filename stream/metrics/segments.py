"""Groupings: by which dimensions a family's numbers are kept, and the packed name of each group.

A grouping is a tuple of segment fields; `()` is the whole. A group's name in the store is MessagePack of
`[grouping, value, value, ...]`, where a value is a string or nil (absent): any text is safe in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import msgpack

Grouping = tuple[str, ...]


class Segment:
    """The values of one entity's dimensions at one instant, and the group that they fall in of every
    grouping: those with sketches (`groups`) and those without (`plain_groups`)."""

    __slots__ = ("groups", "plain_groups", "values")

    def __init__(
        self, values: tuple[str | None, ...], groups: tuple[bytes, ...], plain_groups: tuple[bytes, ...]
    ) -> None:
        self.values = values
        self.groups = groups
        self.plain_groups = plain_groups


class Segments:
    """The segments of one family, interned: equal values give the same object, so comparing and hashing are
    cheap.

    `dimensions` are the fields that any grouping or rule (`also`) uses, in a fixed order: no others are kept
    in histories.
    """

    BOUND: ClassVar[int] = 200_000

    def __init__(
        self,
        groupings: Sequence[Grouping],
        also: tuple[str, ...] = (),
        without_sketches: Sequence[Grouping] = (),
    ) -> None:
        """`without_sketches`: of which groupings only counts and sums are kept."""
        self.groupings: tuple[Grouping, ...] = ((), *(tuple(g) for g in groupings if g))
        self.dimensions: tuple[str, ...] = tuple(
            dict.fromkeys([*(field for g in self.groupings for field in g), *also])
        )
        plain = {frozenset(g) for g in without_sketches}
        self._plain = [frozenset(g) in plain for g in self.groupings]
        self._places = [tuple(self.dimensions.index(field) for field in g) for g in self.groupings]
        self._known: dict[tuple[str | None, ...], Segment] = {}
        self.nothing = self.of((None,) * len(self.dimensions))

    def of(self, values: tuple[str | None, ...]) -> Segment:
        """The segment of these values (in the order of `dimensions`)."""
        found = self._known.get(values)
        if found is None:
            if len(self._known) >= self.BOUND:
                # Forgetting is safe: a second object of equal values names the same groups.
                self._known.clear()
            found = self._known[values] = Segment(
                values, self._groups(values, False), self._groups(values, True)
            )
        return found

    def _groups(self, values: tuple[str | None, ...], plain: bool) -> tuple[bytes, ...]:
        return tuple(
            [
                msgpack.encode((number, *[values[place] for place in places]))
                for number, places in enumerate(self._places)
                if self._plain[number] == plain
            ]
        )


def in_order(values: Sequence[str | None]) -> list[tuple[bool, str]]:
    """A key to sort groups by: by value, absent ones first."""
    return [(value is not None, value or "") for value in values]


def with_value(values: tuple[str | None, ...], place: int, value: str | None) -> tuple[str | None, ...]:
    """The same values but for one."""
    return (*values[:place], value, *values[place + 1 :])


def group_name(number: int, values: Sequence[str | None]) -> bytes:
    """The packed name of a group of the `number`-th grouping (0 is the whole)."""
    return msgpack.encode((number, *values))


def group_values(name: bytes) -> tuple[int, tuple[str | None, ...]]:
    """The grouping's number and the values of a packed name."""
    number, *values = msgpack.decode(name)
    return number, tuple(values)
