"""What a seed means: a deployment, and the steps that are done to it in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.simulation.events import record_steps

FOR_S = 20.0
"""So long steps come."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One thing that happens. `what` of it says the rest."""

    number: int
    at_s: float
    kind: str
    what: Json


@dataclass(frozen=True)
class Plan:
    """One run. `families`: how many partitions the topic of each has; `torn_share`: of pipelines between
    whose commands others come."""

    seed: int
    families: dict[str, int]
    workers: int
    settings: Json
    torn_share: float
    steps: tuple[Step, ...]

    def only(self, numbers: set[int]) -> Plan:
        """The same with fewer steps."""
        return replace(self, steps=tuple(step for step in self.steps if step.number in numbers))


POLICIES: Json = {
    "calendars": {"desk": {"timezone": "Europe/Berlin", "hours": {"mon-sun": ["00:00-24:00"]}}},
    "policies": [
        {
            "name": "red", "when": {"team": "red"}, "calendar": "desk", "warn": ["50%", "2s"],
            "targets": {"first_reply": "4s", "next_reply": "3s", "resolution": "12s"},
        },
        {"name": "rest", "warn": ["80%"], "targets": {"first_reply": "7s", "requester_wait": "9s"}},
    ],
}  # fmt: skip
LATER: tuple[Json, ...] = (
    {
        "policies": [
            {"name": "red", "when": {"team": "red"}, "targets": {"first_reply": "2s", "resolution": "6s"}}
        ]
    },
    {"policies": [{"name": "all", "warn": ["50%"], "targets": {"first_reply": "1m", "next_reply": "1s"}}]},
)
"""What policies are changed to."""
WAITS: Json = {
    "queues": [
        {"when": {"queue": "sales"}, "answer_within": "5s", "short_abandon": "2s", "max_wait": "4s"},
        {"max_wait": "9s"},
    ]
}  # fmt: skip
SHAPES: tuple[dict[str, int], ...] = (
    {"tickets": 2},
    {"tickets": 1, "contacts": 1},
    {"tickets": 2, "calls": 1, "contacts": 1},
    {"calls": 2},
    {"agents": 1, "selfservice": 1},
    {"tickets": 1, "surveys": 1},
)


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(seed)
    families = random.choice(SHAPES)
    steps = [
        *record_steps(random, families, FOR_S),
        *faults(random, families),
        *((random.uniform(1, FOR_S), "look", {}) for _ in range(2)),
    ]
    steps.sort(key=lambda step: step[0])
    return Plan(
        seed, families, random.choice((1, 2, 2, 3)), settings(random, families),
        random.choice((0.0, 0.2, 0.5)),
        tuple(Step(number, *step) for number, step in enumerate(steps)),
    )  # fmt: skip


def settings(random: Random, families: dict[str, int]) -> Json:
    """A configuration in which everything is near: targets of seconds, panes that are soon gone."""
    found: Json = {
        "horizon": random.choice(("1m", "1h", "2d")),
        "future": "30s",
        "timezone": "Europe/Berlin",
        "keep_finished": dict.fromkeys(("tickets", "calls", "surveys", "selfservice", "agents"), "1d"),
        "lost": {"waiting": "15s", "unfinished": "30s", "agents": "20s"},
        "retention": {"10s": "2m", "1m": "30m", "15m": "2d", "1d": "3d"},
        "groupings": {
            "tickets": [["team"], ["channel"]], "calls": [["queue"], ["team"]], "contacts": [["team"]],
            "agents": [["team"]], "surveys": [["team"]], "selfservice": [["channel"]],
        },
        "worker": {
            "batch_records": random.choice((1, 3, 10, 1000)), "cache_entities": random.choice((1, 100_000))
        },
        "alerts": {
            "destinations": {
                "pager": {"kind": "webhook", "url": "http://pager.invalid/"},
                "floor": {"kind": "webhook", "url": "http://floor.invalid/"},
            },
            "routes": [
                {"to": ["pager"], "on": ["breached"], "continue": True},
                {"to": ["floor"], "on": ["at_risk", "breached"], "digest": "2s", "repeat": "30s"},
            ],
            "blind_after": "1h",
        },
    }  # fmt: skip
    if "tickets" in families and random.random() < 0.8:
        found |= POLICIES
    if "calls" in families:
        found |= WAITS
    return found


Drawn = tuple[float, str, Json]


def faults(random: Random, families: dict[str, int]) -> list[Drawn]:
    """Some kinds of faults, and of each a few: with all of them at once no run would get anywhere."""
    kinds = random.sample(sorted(KINDS), random.randint(0, 6))
    found: list[Drawn] = []
    for kind in kinds:
        for _ in range(random.randint(1, 4 if kind in OFTEN else 2)):
            at_s = random.uniform(0.2, FOR_S)
            found += [
                (max(0.1, at_s + after_s), name, what) for after_s, name, what in _one(random, kind, families)
            ]
    return found


DISPATCHED = ("mark a breach", "keep", "send")
"""The calls of a dispatcher between which it must not forget anything."""
OFTEN = ("kill", "call", "alerts", "freeze")
KINDS = (
    "kill", "call", "freeze", "deal", "leave", "down", "tail", "empty", "truncate", "jump", "skew", "silent",
    "alerts", "refuse", "configure", "twice",
)  # fmt: skip


def _one(random: Random, kind: str, families: dict[str, int]) -> list[Drawn]:
    who = random.randrange(3)
    call = random.choice((1, 1, 2, 3, random.randint(1, 30)))
    where = random.choice(({"call": call}, {"at": "commit"}))
    seconds = random.choice((0.3, 1.5, 3.0, 6.0))
    match kind:
        case "kill":
            return [(0, kind, {"who": who, **where, "how": random.choice(("kill before", "kill after"))})]
        case "call":
            how = random.choice(("lose request", "lose reply", "repeat"))
            return [(0, kind, {"who": who, **where, "how": how, "times": random.choice((1, 1, 4, 40))})]
        case "alerts":
            how = random.choice(("kill before", "kill after"))
            where = random.choice(({"call": random.randint(1, 12)}, {"at": random.choice(DISPATCHED)}))
            return [(0, kind, {**where, "how": how})]
        case "freeze" | "leave":
            return [(0, kind, {"who": who, "for_s": seconds})]
        case "down" | "silent" | "refuse":
            return [(0, kind, {"for_s": seconds, "maybe": random.random() < 0.5})]
        case "tail":
            return [(-seconds, "remember", {}), (0, kind, {})]
        case "truncate":
            return [
                (0, kind, {"family": random.choice(sorted(families)), "share": random.choice((0.3, 0.8, 1))})
            ]
        case "jump":
            ms = random.choice((-60_000, -5_000, -1_000, 5_000, 70_000, 3_600_000, 2 * 86_400_000))
            return [(0, kind, {"ms": ms})]
        case "skew":
            return [(0, kind, {"who": who, "ms": random.choice((-1_500, 1_500, -300, 700))})]
        case "configure":
            return [(0, kind, {"to": random.randrange(len(LATER))})]
    return [(0, kind, {})]
