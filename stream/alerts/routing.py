"""Which destinations are told, and how: the first route that matches, and those below one that goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stream.config.alerts import Occasion, Route


class Target(NamedTuple):
    """One destination and its route's manners. `route` is the route's place in the list."""

    to: str
    route: int
    repeat_ms: int | None
    digest_ms: int | None


def targets(routes: Sequence[Route], on: Occasion, labels: Mapping[str, str]) -> list[Target]:
    """Who is told of an alert with these labels (segments, `clock`, `level`, `policy`).

    A destination that several routes name is told once, as the first of them says.
    """
    found: dict[str, Target] = {}
    for number, route in _matching(routes, on, labels):
        for name in route.to:
            found.setdefault(name, Target(name, number, route.repeat_ms, route.digest_ms))
    return list(found.values())


def _matching(
    routes: Sequence[Route], on: Occasion, labels: Mapping[str, str]
) -> Iterator[tuple[int, Route]]:
    for number, route in enumerate(routes):
        if on in route.on and all(labels.get(field) in values for field, values in route.when.items()):
            yield number, route
            if not route.go_on:
                return
