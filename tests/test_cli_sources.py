"""`produce`, `import`, `topics create` and `simulate`, as they are typed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stream.cli import import_, produce, simulate, topics
from stream.config import TopicNames
from stream.embedded.pair import Pair
from tests.rig.log import read_log

ADAPTER = """
import json

def rows(path):
    for line in path.open():
        name, at = line.split()
        yield {
            "specversion": "1.0", "id": name, "source": "old", "type": "ticket.created", "subject": name,
            "time": at, "data": {"ticket": {"channel": "email"}},
        }
"""


def event(n: int, **changes: Any) -> str:
    """A line with a good event, or with changes."""
    return json.dumps(
        {
            "specversion": "1.0", "id": str(n), "source": "test", "type": "ticket.created",
            "subject": f"T{n}", "time": "2026-01-05T08:00:00Z", "data": {"ticket": {"channel": "email"}},
        } | changes
    )  # fmt: skip


class Deployment:
    """Topics of this test's own on the embedded pair, by a configuration file and --data."""

    def __init__(self, pair: Pair, name: str, directory: Path) -> None:
        self.pair = pair
        self.name = name
        self.directory = directory
        lines = "".join(f"    {part}: {name}.{part}\n" for part in TopicNames.__struct_fields__)
        config = f"kafka:\n  bootstrap: {pair.bootstrap}\n  topics:\n{lines}"
        (directory / "floorcast.yaml").write_text(config)
        self.config = str(directory / "floorcast.yaml")

    def run(self, command: Any, *words: str, stdin: str | None = None) -> Result:
        """A command with this configuration."""
        return CliRunner().invoke(command, [*words, "--config", self.config], input=stdin)

    def read(self, family: str, count: int) -> list[tuple[bytes | None, int]]:
        """(key, timestamp) of what stands in a topic."""
        records = asyncio.run(read_log(self.pair.bootstrap, [f"{self.name}.{family}"], count))
        return [(record.key, record.timestamp) for record in records]


@pytest.fixture
def deployment(embedded_pair: Pair, unique_name: str, tmp_path: Path) -> Deployment:
    """A deployment whose topics exist, each with one partition."""
    made = Deployment(embedded_pair, unique_name, tmp_path)
    result = made.run(topics.command, "create", "--partitions", "1")
    assert result.exit_code == 0, result.output
    assert f"{unique_name}.tickets: created, 1 partitions\n" in result.output
    return made


def test_produce_publishes_files_and_the_standard_input(deployment: Deployment) -> None:
    """Each event goes to the topic of its type."""
    file = deployment.directory / "events.jsonl"
    file.write_text(event(1) + "\n\n" + event(2, type="call.offered", subject="K2", data={}) + "\n")
    result = deployment.run(produce.command, str(file), "-", stdin=event(3))
    assert (result.exit_code, result.stdout) == (0, "3 events published\n")
    assert [key for key, _ in deployment.read("tickets", 2)] == [b"T1", b"T3"]
    assert [key for key, _ in deployment.read("calls", 1)] == [b"K2"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", "not JSON: "),
        ("[1]", "invalid: an event is a JSON object"),
        (
            event(2, data={"ticket": {"priority": 3}}),
            "invalid at data.ticket.priority: Expected `str | null`, got `int`",
        ),
        (event(2, type="order.made"), "invalid at type: 'order.made' is not a type of the contract"),
    ],
)
def test_produce_stops_at_the_first_wrong_line(deployment: Deployment, line: str, message: str) -> None:
    """File, line and reason; what stood before it is published; exit status 2."""
    file = deployment.directory / "events.jsonl"
    file.write_text(f"{event(1)}\n{line}\n{event(3)}\n")
    result = deployment.run(produce.command, str(file))
    assert result.exit_code == 2
    assert f"Error: {file}:2: {message}" in result.stderr
    assert result.stderr.endswith("\n1 events before it were published\n")
    assert [key for key, _ in deployment.read("tickets", 1)] == [b"T1"]


def run_import(deployment: Deployment, rows: str, *words: str) -> Result:
    """`floorcast import` of a file with some rows."""
    (deployment.directory / "adapter.py").write_text(ADAPTER)
    (deployment.directory / "rows.txt").write_text(rows)
    adapter = f"{deployment.directory / 'adapter.py'}:rows"
    return deployment.run(
        import_.command, str(deployment.directory / "rows.txt"), "--adapter", adapter, *words
    )


def test_import_publishes_in_order_of_time_under_the_events_own_timestamps(deployment: Deployment) -> None:
    """An export sorted by case comes out sorted by time."""
    rows = "b 1999-01-02T00:00:00Z\na 1999-01-01T00:00:00Z\nc 1999-01-02T00:00:01Z\n"
    result = run_import(deployment, rows)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 events published in ")
    assert result.stdout.endswith("from 1999-01-01T00:00:00Z to 1999-01-02T00:00:01Z\n")
    day_ms = 86_400_000
    first_ms = 915_148_800_000
    assert deployment.read("tickets", 3) == [
        (b"a", first_ms), (b"b", first_ms + day_ms), (b"c", first_ms + day_ms + 1000)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b 2999-01-01T00:00:00Z", "time 2999-01-01T00:00:00Z is later than now"),
        ("b yesterday", "invalid at time: Invalid RFC3339 encoded datetime"),
    ],
)
def test_import_publishes_nothing_when_one_event_is_wrong(
    deployment: Deployment, row: str, message: str
) -> None:
    """The error names the event and where it came from; exit status 2."""
    result = run_import(deployment, f"a 1999-01-01T00:00:00Z\n{row}\n")
    assert result.exit_code == 2
    assert f"rows.txt: event 2 (id 'b', subject 'b'): {message}" in result.stderr
    assert run_import(deployment, "c 1999-01-01T00:00:00Z\n").exit_code == 0
    assert [key for key, _ in deployment.read("tickets", 1)] == [b"c"]


def test_import_refuses_a_speed_that_it_does_not_know(deployment: Deployment) -> None:
    """Before anything is read."""
    result = run_import(deployment, "", "--speed", "fast")
    assert result.exit_code == 2
    assert "expected max, 1x, 60x or the like, got 'fast'" in result.stderr


def test_simulate_prints_or_publishes_the_same_floor(deployment: Deployment) -> None:
    """`--stdout` gives what `produce` takes; a floor of the past is there at once."""
    words = ("--seed", "4", "--rate", "3", "--start", "2026-01-05T08:00:00Z", "--duration", "5m")
    printed = CliRunner().invoke(simulate.command, [*words, "--stdout"])
    assert printed.exit_code == 0, printed.output
    events = [json.loads(line) for line in printed.stdout.splitlines()]
    assert len(events) > 100
    published = deployment.run(simulate.command, *words)
    assert published.stdout == f"{len(events)} events published\n"
    subjects = [e["subject"].encode() for e in events if e["type"].startswith("call.")]
    assert [key for key, _ in deployment.read("calls", len(subjects))] == subjects


def test_simulate_refuses_a_start_without_an_offset() -> None:
    """A local time could mean anything."""
    result = CliRunner().invoke(simulate.command, ["--stdout", "--start", "2026-01-05T08:00:00"])
    assert result.exit_code == 2
    assert "has no offset; write it like 2026-01-05T08:00:00Z" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_ends_clean_when_it_is_interrupted(deployment: Deployment, number: int) -> None:
    """What is under way is flushed and counted; exit status 0."""
    code = "from stream.cli.simulate import command; command()"
    command = [sys.executable, "-c", code, "--rate", "500", "--config", deployment.config]
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        deployment.read("calls", 1)  # it is at work
        time.sleep(0.2)
        child.send_signal(number)
        out, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors
    assert out.endswith(" events published\n")
    assert "Traceback" not in errors


def test_data_finds_the_embedded_pair(embedded_pair: Pair, tmp_path: Path) -> None:
    """Without a pair in the directory the error says how to start one."""
    result = CliRunner().invoke(topics.command, ["create", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert f"no embedded pair runs in {tmp_path}" in result.stderr
