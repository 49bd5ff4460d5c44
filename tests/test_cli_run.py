"""`floorcast run` and `floorcast demo`: one command, several processes, nothing of them left in the end."""

import asyncio
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from stream.cli.demo import configured, working_zone
from stream.cli.options import read_config
from stream.embedded.pair import Pair, find_pair
from stream.embedded.probe import HOST, free_ports
from tests.rig.pipeline import (
    Pipeline,
    Process,
    Told,
    a_moment,
    children_of,
    expected,
    pipeline,
    recent_mix,
    until,
)

ADAPTER = """
import asyncio
import json

def rows(path):
    with open(path) as lines:
        yield from map(json.loads, lines)
"""


@pytest.fixture
def deployment(unique_name: str, tmp_path: Path, embedded_pair: Pair) -> Iterator[Pipeline]:
    """Finds its servers in the directory `data` (`embedded_pair` is for knowing that there are such)."""
    (tmp_path / "tmp").mkdir()
    exporter, serve = map(str, free_ports(2))
    with pipeline(
        f"{HOST}:1", f"redis://{HOST}:1/0", unique_name, tmp_path, DATA=str(tmp_path / "data"),
        EXPORTER_PORT=exporter, SERVE_PORT=serve,
    ) as one:  # fmt: skip
        yield one


def everyone(pid: int) -> list[int]:
    """A process and all that it has started, directly or not."""
    try:
        children = children_of(pid)
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in everyone(child))]


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def command_of(pid: int) -> str:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def child(process: Process, command: str) -> int | None:
    """The child that runs a floorcast command, None while there is none."""
    for pid in process.children():
        if f"-m stream {command}" in command_of(pid):
            return pid
    return None


def fetched(url: str) -> bytes:
    """What is served there; nothing while nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def listening(ports: set[int]) -> set[int]:
    """Those of the ports on which somebody listens."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return ports & {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}


async def gone(process: Process, number: int) -> None:
    """Signals a command: it ends with status 0, and everything that it had started is gone."""
    family = everyone(process.pid)
    os.kill(process.pid, number)
    assert await process.ended() == 0, process.output
    assert not [command_of(pid) for pid in family if exists(pid)]
    assert "Traceback" not in process.output


def lines(path: Path, events: list[Told]) -> Path:
    """A file of events as JSON lines."""
    path.write_bytes(b"\n".join(msgspec.json.encode(event) for _, event in events))
    return path


async def asked(deployment: Pipeline, metric: str) -> tuple[dict[str, Any], int]:
    """The values of `floorcast query --json` over two hours, and when (ms) the data were fresh."""
    status, output = await deployment.run("query", metric, "--window", "2h", "--json")
    now_ms = time.time_ns() // 1_000_000
    assert status == 0, output
    answer = json.loads(output)
    (row,) = answer["rows"]
    return row["values"], now_ms - answer["fresh_ms"]


async def started(deployment: Pipeline, tmp_path: Path) -> tuple[Process, set[int]]:
    """`floorcast run --embedded`, its worker at work, and the ports on which it listens."""
    run = deployment.start("run", "--embedded")
    await until(lambda: (tmp_path / "data" / "pair.json").exists() or run.exit_code is not None)
    assert run.exit_code is None, run.output
    pair = find_pair(tmp_path / "data")
    await deployment.wait()
    addresses = (pair.bootstrap, pair.redis_url.removesuffix("/0"))
    served = {deployment.config.exporter.port, deployment.config.serve.port}
    return run, {*served, *(int(address.rsplit(":", 1)[1]) for address in addresses)}


async def test_a_script_can_run_produce_import_wait_and_query(deployment: Pipeline, tmp_path: Path) -> None:
    """All with the directory alone; what is killed comes back; SIGTERM ends everything."""
    events = recent_mix(4_000)
    run, ports = await started(deployment, tmp_path)
    assert listening(ports) == ports
    status, output = await deployment.run("produce", str(lines(tmp_path / "1.jsonl", events[:2_000])))
    assert (status, output.splitlines()[-1]) == (0, "2000 events published")
    await deployment.wait()
    for part in ("worker", "exporter", "serve"):
        before = child(run, part)
        assert before is not None
        os.kill(before, SIGKILL)
        while child(run, part) in (None, before):
            await asyncio.sleep(0.1)
        assert f"{part} ended with status -9; it is started again" in run.output
    (tmp_path / "adapter.py").write_text(ADAPTER)
    source, adapter = lines(tmp_path / "2.jsonl", events[2_000:]), f"{tmp_path / 'adapter.py'}:rows"
    status, output = await deployment.run("import", str(source), "--adapter", adapter)
    assert status == 0, output
    assert "2000 events published in" in output
    await deployment.wait()
    for metric in ("ticket_volume", "calls_offered", "calls_answered"):
        values, _ = await asked(deployment, metric)
        assert values["value"] == expected(events)[metric]
    assert (await deployment.verify()).same
    page = f"http://{HOST}:{deployment.config.exporter.port}/metrics"
    await until(lambda: b"support_" in fetched(page))
    boards = f"http://{HOST}:{deployment.config.serve.port}/api/v1/boards"
    await until(lambda: b"executive" in fetched(boards))
    await gone(run, SIGTERM)
    assert not listening(ports)
    assert not (tmp_path / "data" / "pair.json").exists()


async def test_freshness_tells_a_quiet_floor_from_a_stopped_worker(
    deployment: Pipeline, tmp_path: Path
) -> None:
    """No events: the numbers stand still and stay fresh. No worker: they are as old as it is gone. SIGINT
    ends everything."""
    run, ports = await started(deployment, tmp_path)
    status, output = await deployment.run("produce", str(lines(tmp_path / "1.jsonl", recent_mix(500))))
    assert status == 0, output
    await deployment.wait()
    values, fresh_at = await asked(deployment, "ticket_volume")
    renewed_at = fresh_at
    while renewed_at < fresh_at + 2_000:  # it is renewed, though nothing happens
        again, renewed_at = await asked(deployment, "ticket_volume")
        assert again == values
    worker = child(run, "worker")
    assert worker is not None
    os.kill(worker, SIGSTOP)
    try:
        _, stopped_at = await asked(deployment, "ticket_volume")
        await asyncio.sleep(3)
        again, still_at = await asked(deployment, "ticket_volume")
        assert again == values
        assert still_at == pytest.approx(stopped_at, abs=1_000)  # by the processes' own start and end
    finally:
        os.kill(worker, SIGCONT)
    await gone(run, SIGINT)
    assert not listening(ports)


def moving(output: str) -> bool:
    """Whether one figure had three values on the boards so far, besides 0."""
    return len(set(re.findall(r"Tickets created +last hour ([1-9][0-9,]*)", output))) >= 3


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
async def test_the_demo_shows_moving_numbers_and_ends_clean(
    deployment: Pipeline, tmp_path: Path, number: signal.Signals
) -> None:
    """Without a terminal: boards one after the other, of a floor that is at work, beside where its wallboards
    are. Nothing stays behind."""
    demo = deployment.start("demo", "--history", "2h", "--rate", "20", TMPDIR=str(tmp_path / "tmp"))
    await until(lambda: moving(demo.output) or demo.exit_code is not None)
    assert demo.exit_code is None, demo.output
    assert f"Wallboards: http://127.0.0.1:{deployment.config.serve.port}/" in demo.output
    await gone(demo, number)
    assert not list((tmp_path / "tmp").iterdir())
    assert not listening({deployment.config.exporter.port, deployment.config.serve.port})


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_floor_of_the_demo_is_where_people_work_now(hour: int, tmp_path: Path) -> None:
    """Whoever tries it at night sees a busy floor too; and its configuration is a good one."""
    now = datetime(2026, 1, 5, hour, tzinfo=UTC)
    zone = working_zone(now)
    assert 9 <= now.astimezone(ZoneInfo(zone)).hour <= 13
    config = read_config(configured(tmp_path, zone))
    assert config.timezone == zone
    assert config.policies


async def test_a_signal_at_any_moment_of_the_start_ends_the_demo_clean(
    deployment: Pipeline, tmp_path: Path
) -> None:
    """While Python imports it may be killed outright; after that everything is undone."""
    for _ in range(3):
        demo = deployment.start("demo", TMPDIR=str(tmp_path / "tmp"))
        await until(lambda: list((tmp_path / "tmp").iterdir()))
        await a_moment(0.0, 3.0)
        await gone(demo, SIGTERM)
        assert not list((tmp_path / "tmp").iterdir())
