"""The kinds of values that speak of segments: groupings, and the conditions of queue rules."""

from __future__ import annotations

from collections.abc import Mapping

from stream.config.kinds import Kind, quoting
from stream.config.problems import At, Wrong, nearest, path_text, shown

FIELDS_MAX = 4
"""Fields in one grouping: every further one multiplies the cells."""


class Groupings(Kind):
    """A list of groupings, each a list of 1 to 4 distinct fields; order inside one is as written first."""

    yaml_text = True

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, list):
            raise Wrong(f"expected a list of groupings such as [[team], [team, queue]], got {shown(value)}")
        first_with: dict[frozenset[str], int] = {}
        groupings = []
        for position, entry in enumerate(value):
            grouping = self._grouping(entry, at.into(position))
            if grouping is None:
                continue
            earlier = first_with.setdefault(frozenset(grouping), position)
            if earlier != position:
                same = path_text((*at.path, earlier))
                at.into(position).note(f"groups by the same fields as {same}, in whatever order: remove one")
            groupings.append(grouping)
        return tuple(groupings)

    def show(self, value: object) -> object:
        return [list(grouping) for grouping in value] if isinstance(value, tuple) else value

    def _grouping(self, entry: object, at: At) -> tuple[str, ...] | None:
        if not isinstance(entry, list):
            at.note(f"expected a list of fields such as [team, priority], got {shown(entry)}")
        elif not entry:
            at.note("an empty grouping is the whole, which is always kept: remove it")
        elif len(entry) > FIELDS_MAX:
            at.note(f"has {len(entry)} fields, at most {FIELDS_MAX} are possible")
        else:
            good = [_known_field(name, self._fields, at.into(place)) for place, name in enumerate(entry)]
            if all(good) and len(set(entry)) == len(entry):
                return tuple(entry)
            if all(good):
                at.note("names a field twice: remove one")
        return None


class When(Kind):
    """A condition: segment field -> values that match. All fields must match, any value of a list does."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def read(self, value: object, at: At) -> object:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected a condition such as {{queue: [sales, support]}}, got {shown(value)}")
        condition: dict[str, tuple[str, ...]] = {}
        for name, wanted in value.items():
            here = at.into(str(name))
            values = wanted if isinstance(wanted, list) else [wanted]
            if _known_field(name, self._fields, here) and _good_values(values, here):
                condition[str(name)] = tuple(values)
        return condition

    def show(self, value: object) -> object:
        return {name: list(values) for name, values in value.items()} if isinstance(value, dict) else value


def _known_field(name: object, fields: tuple[str, ...], at: At) -> bool:
    if name in fields:
        return True
    near = f"; the nearest is {nearest(name, fields)}" if isinstance(name, str) else ""
    at.note(f"expected a segment field, got {shown(name)}{near} (known: {', '.join(fields)})")
    return False


def _good_values(values: list[object], at: At) -> bool:
    if not values:
        at.note("an empty list matches nothing: name a value or remove the field")
        return False
    bad = next((value for value in values if not isinstance(value, str) or not value), None)
    if bad is not None or None in values:
        at.note(f"expected text or a list of texts, got {shown(bad)}{quoting(bad)}")
        return False
    return True
