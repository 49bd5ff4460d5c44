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
    """The values of one entity's dimensions at one instant, and the groups that they are counted in: those
    with sketches (`groups`) and those without (`plain_groups`). Coarser groups are made of these."""

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
        self._made_of = [self._finer(number) for number in range(len(self.groupings))]
        self._coarser: dict[bytes, tuple[bytes, ...]] = {}
        self._counted = self._places(False)
        self._counted_plain = self._places(True)
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
                values, _names(self._counted, values), _names(self._counted_plain, values)
            )
        return found

    def _places(self, plain: bool) -> list[tuple[int, list[int]]]:
        """Of the groupings that are made of no others: the number, and the places of the fields."""
        return [
            (number, [self.dimensions.index(field) for field in fields])
            for number, fields in enumerate(self.groupings)
            if self._made_of[number] < 0 and self._plain[number] == plain
        ]

    def _finer(self, number: int) -> int:
        """The grouping of whose groups those of another one can be summed, or -1: it has all its fields and
        more, keeps what it keeps, and there is none finer. Of several the one with the fewest groups, as far
        as fields can tell."""
        sets = [frozenset(grouping) for grouping in self.groupings]
        alike = [other for other, plain in enumerate(self._plain) if plain == self._plain[number]]
        finest = [one for one in alike if not any(sets[one] < sets[other] for other in alike)]
        finer = [(len(sets[one]), one) for one in finest if sets[number] < sets[one]]
        return min(finer)[1] if finer else -1

    def coarser(self, group: bytes) -> tuple[bytes, ...]:
        """The groups of other groupings that are made of this one among others."""
        found = self._coarser.get(group)
        if found is None:
            if len(self._coarser) >= self.BOUND:
                self._coarser.clear()
            number, values = group_values(group)
            named = dict(zip(self.groupings[number], values, strict=True))
            found = self._coarser[group] = tuple(
                [
                    msgpack.encode((made, *[named[field] for field in self.groupings[made]]))
                    for made, of in enumerate(self._made_of)
                    if of == number
                ]
            )
        return found


def _names(counted: list[tuple[int, list[int]]], values: tuple[str | None, ...]) -> tuple[bytes, ...]:
    names: list[bytes] = []
    for number, places in counted:
        names.append(group_name(number, [values[place] for place in places]))
    return tuple(names)


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
