"""The list of clocks that run, by the time that is left, and `floorcast sla`, which prints it."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli.main import cli
from stream.config import RedisConfig, load, parse
from stream.query.memory import ImageReader
from stream.query.model import QueryError
from stream.query.sla_board import Running, read_running
from stream.shard.family import COUNTED
from tests.answers import Told, floor, image, ms, put

SETTINGS = """
policies:
- {name: all, targets: {first_reply: 1h, resolution: 4h}, warn: [50%, 15m], pause: {resolution: [pending]}}
queues:
- {when: {queue: sales}, max_wait: 2m}
"""
CONFIG = parse(
    {
        "policies": [
            {
                "name": "all", "targets": {"first_reply": "1h", "resolution": "4h"}, "warn": ["50%", "15m"],
                "pause": {"resolution": ["pending"]},
            }
        ],
        "queues": [{"when": {"queue": "sales"}, "max_wait": "2m"}],
    }
)  # fmt: skip
NOW = "2026-03-02T10:20:00"


def created(time: str, name: str, team: str) -> Told:
    """A ticket of a team."""
    return f"2026-03-02T{time}:00", "ticket.created", name, {"ticket": {"team": team, "channel": "email"}}


EVENTS: list[Told] = [
    created("09:00", "late", "red"),
    created("09:30", "soon", "blue"),
    created("10:15", "fresh", "red"),
    ("2026-03-02T10:16:00", "ticket.assigned", "fresh", {"ticket": {"agent": "ana"}}),
    ("2026-03-02T10:17:00", "ticket.status_changed", "fresh", {"ticket": {"status": "pending"}}),
]
CALLS: list[Told] = [("2026-03-02T10:19:00", "call.queued", "K1", {"call": {"queue": "sales"}})]


def running(**asked: str) -> list[Running]:
    """What is listed of these at NOW."""
    source = floor(CONFIG, NOW, tickets=EVENTS, calls=CALLS)
    where = {"team": asked.pop("team")} if "team" in asked else {}
    return asyncio.run(read_running(CONFIG, source, ms(NOW), asked.get("clock"), asked.get("state"), where))


def told(found: list[Running]) -> list[tuple[str, str, str, int]]:
    """Entity, clock, state and minutes left of each."""
    return [(one.subject, one.view.clock, one.view.state, one.left_ms // 60_000) for one in found]


def test_the_soonest_due_comes_first() -> None:
    """Past due before all; a paused clock is due at no instant, so it is not there."""
    assert told(running()) == [
        ("late", "first_reply", "breached", -20),
        ("K1", "queue_wait", "running", 1),
        ("soon", "first_reply", "at_risk", 10),
        ("fresh", "first_reply", "running", 55),
        ("late", "resolution", "running", 160),
        ("soon", "resolution", "running", 190),
    ]


def test_of_one_team_clock_or_state() -> None:
    """Filters go together."""
    assert told(running(team="blue", clock="first_reply")) == [("soon", "first_reply", "at_risk", 10)]
    assert told(running(state="breached")) == [("late", "first_reply", "breached", -20)]
    assert [one.subject for one in running(clock="queue_wait")] == ["K1"]


def test_what_to_do_and_whose_it_is() -> None:
    """Each row names owner, level and next step."""
    (soon,) = running(team="blue", clock="first_reply")
    assert (soon.view.level, soon.segments["team"], soon.next_step) == ("15m", "blue", "answer the customer")
    (fresh,) = [one for one in running(team="red") if one.subject == "fresh"]
    assert fresh.segments["agent"] == "ana"


def test_a_field_that_is_not_kept_is_told() -> None:
    """The error names those that are."""
    with pytest.raises(QueryError, match=r"tickets are not kept by 'brand'; there are .*team"):
        asyncio.run(read_running(CONFIG, ImageReader({}), ms(NOW), where={"brand": "x"}))


def test_the_command(redis_config: RedisConfig, tmp_path: Path) -> None:
    """For people a table, for machines the same as JSON."""
    path = tmp_path / "floorcast.yaml"
    path.write_text(
        f"clock: events\nredis: {{url: '{redis_config.url}', namespace: {redis_config.namespace}}}\n"
        + SETTINGS
    )
    config = load(path)
    events = {"tickets": EVENTS, "calls": CALLS}
    images = {
        (name, 0): image(name, config, [*events.get(name, []), tick(name)], NOW)
        for name in COUNTED
        if name != "contacts"
    }
    asyncio.run(put(config.redis, images))
    result = CliRunner().invoke(cli, ["sla", "--json", "--state", "breached", "--config", str(path)])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["subject"], row["clock"], row["left_s"], row["overdue_s"]) == (
        "late",
        "first_reply",
        -1200,
        1200,
    )
    assert row["due_at"].startswith("2026-03-02T10:00:00")
    people = CliRunner().invoke(cli, ["sla", "--team", "blue", "--config", str(path)], env={"COLUMNS": "160"})
    assert "answer the customer" in people.stdout
    nothing = CliRunner().invoke(cli, ["sla", "--team", "green", "--config", str(path)])
    assert nothing.stdout == "no clock runs that was asked for\n"


def tick(name: str) -> Told:
    """Something at NOW, which moves the clock of history."""
    kinds: dict[str, tuple[str, dict[str, str]]] = {
        "tickets": ("ticket.resolved", {}), "calls": ("call.offered", {}), "surveys": ("survey.expired", {}),
        "selfservice": ("selfservice.ended", {}), "agents": ("agent.heartbeat", {}),
    }  # fmt: skip
    kind, data = kinds[name]
    return NOW, kind, "tick", data
