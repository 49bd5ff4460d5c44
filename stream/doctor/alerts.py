"""Alerts: can destinations be used as they are configured, and does anybody deliver? Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.config import ConfigError
from stream.config.secrets import secret_of
from stream.doctor.finding import Finding, ok, problem, warning
from stream.doctor.gather import Facts

AREA: Final = "alerts"


def destinations(facts: Facts) -> Iterator[Finding]:
    """The files of their secrets can be read here, and a route leads to each."""
    alerts = facts.config.alerts
    if not alerts.destinations:
        yield ok(AREA, "no destinations are configured: nobody is told of breaches")
        return
    routed = {name for route in alerts.routes for name in route.to}
    for name, destination in alerts.destinations.items():
        faults = list(_unreadable(name, destination))
        for fault in faults:
            yield problem(AREA, fault, "the dispatcher needs it, too", "AlertDestinations")
        if name not in routed:
            todo = f"name it in alerts.routes, or remove alerts.destinations.{name}"
            yield warning(AREA, f"no route leads to {name}", todo, "AlertDestinations")
        elif not faults:
            yield ok(AREA, f"{name} ({destination.kind}) is configured; `floorcast alerts test` tries it")


def _unreadable(name: str, destination: object) -> Iterator[str]:
    for field in getattr(destination, "__struct_fields__", ()):
        if field.endswith("_file") and (file := getattr(destination, field)) is not None:
            try:
                secret_of(f"alerts.destinations.{name}.{field.removesuffix('_file')}", None, file)
            except ConfigError as error:
                yield str(error)


def dispatcher(facts: Facts) -> Iterator[Finding]:
    """Somebody delivers."""
    if not facts.config.alerts.destinations or facts.config.clock == "events" or facts.store is None:
        return
    running = facts.dispatchers()
    if not running:
        todo = "start `floorcast alerts`: it knows what was sent"
        yield problem(AREA, "no dispatcher of alerts reports", todo, "FloorcastDispatcherGone")
    for report in running:
        yield ok(AREA, f"{report.name} delivers")


CHECKS = (destinations, dispatcher)
