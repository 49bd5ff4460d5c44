"""Which policy, calendar and target are in force at an instant, from sla.md "Configuration" and rule 11.

`settings` is the raw `config:` mapping of a scenario, as YAML gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.business import Calendar, duration_ms, instant_ms
from tests.oracle.model import Segments

Settings = Mapping[str, Any]
ALWAYS = Calendar()

# sla.md "Clocks", the column "pauses in (default)".
PAUSES: dict[str, tuple[str, ...]] = {
    "pausable_update": ("pending",),
    "requester_wait": ("pending",),
    "agent_work": ("pending", "on_hold"),
}


@dataclass(frozen=True)
class Terms:
    """What holds for one clock at an instant: `target_ms` unless `due_at_ms` is set."""

    policy: str | None
    calendar: Calendar
    target_ms: int | None
    due_at_ms: int | None
    pauses: tuple[str, ...]
    warn: tuple[str, ...]


class Agreements:
    """Policies and calendars of a deployment, in all their versions."""

    def __init__(self, settings: Settings) -> None:
        deployment = settings.get("timezone") or "UTC"
        self.default = settings.get("default_calendar") or "24x7"
        self.queues: list[Settings] = list(settings.get("queues") or [])
        self.policies: list[tuple[int | None, Settings]] = [
            (_effective_ms(policy, ZoneInfo(deployment)), policy) for policy in settings.get("policies") or []
        ]
        self.calendars: dict[str, list[tuple[int | None, Calendar]]] = {"24x7": [(None, ALWAYS)]}
        for name, told in (settings.get("calendars") or {}).items():
            versions = told if isinstance(told, list) else [told]
            made = [(version, Calendar(version, deployment)) for version in versions]
            self.calendars[name] = [(_effective_ms(version, one.zone), one) for version, one in made]

    def changes_ms(self) -> list[int]:
        """The instants at which a version of anything comes into force."""
        versions = [*self.policies, *(one for of in self.calendars.values() for one in of)]
        return sorted({at_ms for at_ms, _ in versions if at_ms is not None})

    def calendar(self, name: str | None, at_ms: int) -> Calendar:
        """The version in force at `at_ms`; before all of them, the earliest. None: the default calendar."""
        versions = sorted(self.calendars[name or self.default], key=lambda one: _order(one[0]))
        in_force = [calendar for from_ms, calendar in versions if from_ms is None or from_ms <= at_ms]
        return in_force[-1] if in_force else versions[0][1]

    def policy(self, state: Mapping[str, Any], at_ms: int) -> Settings | None:
        """ "First match wins". Of one name, the version that came into force last."""
        in_force = [(from_ms, one) for from_ms, one in self.policies if from_ms is None or from_ms <= at_ms]
        for from_ms, one in in_force:
            newest = max(_order(other_ms) for other_ms, other in in_force if other["name"] == one["name"])
            if _order(from_ms) == newest and matches(one.get("when") or {}, state):
                return one
        return None

    def terms(self, clock: str, state: Mapping[str, Any], due_at_ms: int | None, at_ms: int) -> Terms | None:
        """The terms of a ticket's clock, or None when it does not exist under the policy in force."""
        policy = self.policy(state, at_ms) or {}
        target = (policy.get("targets") or {}).get(clock)
        # rule 12: "replaces the due instant of `resolution` and `full_resolution` while set; it starts
        # `resolution` even where no policy names it".
        due_at_ms = due_at_ms if clock in ("resolution", "full_resolution") else None
        if target is None and (due_at_ms is None or clock != "resolution"):
            return None
        return Terms(
            policy.get("name"),
            self.calendar(policy.get("calendar"), at_ms),
            None if target is None else duration_ms(target),
            due_at_ms,
            tuple((policy.get("pause") or {}).get(clock, PAUSES.get(clock, ()))),
            tuple(policy.get("warn") or ()),
        )

    def max_wait(self, segments: Segments) -> Terms | None:
        """rule 16: "24x7 time, target `max_wait` of the first entry that matches the queue it is in now"."""
        for one in self.queues:
            if matches(one.get("when") or {}, segments):
                wait = one.get("max_wait")
                return None if wait is None else Terms(None, ALWAYS, duration_ms(wait), None, (), ())
        return None


def _effective_ms(version: Settings, zone: ZoneInfo) -> int | None:
    told = version.get("effective_from")
    return None if told is None else instant_ms(told, zone)


def _order(from_ms: int | None) -> float:
    return float("-inf") if from_ms is None else from_ms


def matches(when: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """ "All keys must match; a list means any of; any segment field, `tags`"."""
    for name, wanted in when.items():
        accepted = wanted if isinstance(wanted, list) else [wanted]
        has = state.get(name)
        values = has if isinstance(has, list) else [has]
        if not any(value in accepted for value in values if value is not None):
            return False
    return True
