"""`floorcast demo`: everything on this machine, with a simulated floor and its board."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from stream.cli.run import environment, parts, prepare
from stream.cli.supervise import Part, Supervisor, ended_by_signals
from stream.cli.until import duration
from stream.config import Config
from stream.embedded.child import Child, EmbeddedError
from stream.embedded.pair import start_pair
from stream.embedded.probe import HOST, free_port

CONFIG: Final = Path(__file__).with_name("demo.yaml")
ZONES: Final = (
    "Pacific/Auckland", "Australia/Brisbane", "Asia/Tokyo", "Asia/Bangkok", "Asia/Karachi", "Asia/Dubai",
    "Europe/Helsinki", "Europe/Berlin", "Europe/Lisbon", "Atlantic/Azores", "America/Sao_Paulo",
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu",
)  # fmt: skip
BUSIEST_HOUR: Final = 11


@click.command("demo")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated floor.")
@click.option(
    "--rate", type=click.FloatRange(0, 10_000, min_open=True), default=0.3, show_default=True,
    help="Mean events/s, over a week of day and night.",
)  # fmt: skip
@click.option(
    "--history", "history_ms", callback=duration, metavar="D", default="10d", show_default=True,
    help="For how long the floor has been open: what is a week old takes part in comparisons.",
)  # fmt: skip
def command(seed: int, rate: float, history_ms: int) -> None:
    """Show moving numbers: embedded broker and Redis, worker, exporter, wallboards, a simulated floor and
    `floorcast top`.

    The floor is where it is working time now. Ends with Ctrl-C; nothing stays behind.
    """
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="floorcast-demo-") as directory:
        data_dir = Path(directory)
        now = datetime.now(UTC)
        config_path = configured(data_dir, working_zone(now))
        try:
            with start_pair(data_dir):
                config = prepare(config_path, data_dir)
                ports = free_port(config.serve.port), free_port(config.exporter.port)
                note = _note(config, now, ports)
                click.echo(note)
                env = _environment(data_dir, config_path, ports)
                start = (now - timedelta(milliseconds=history_ms)).isoformat()
                floor = ["simulate", "--seed", str(seed), "--rate", str(rate), "--start", start]
                every = [*parts(None, data_dir, None, data_dir), Part("floor", floor, data_dir / "floor.log")]
                board = Child("board", [sys.executable, "-m", "stream", "top", "--note", note], None, env)
                status = Supervisor(every, env).run(board)
        except EmbeddedError as error:
            raise click.ClickException(str(error)) from None
    sys.exit(status)


def working_zone(now: datetime) -> str:
    """Where it is late morning at `now`: a floor that sleeps shows nothing."""

    def from_busiest(zone: str) -> float:
        there = now.astimezone(ZoneInfo(zone))
        return abs(there.hour + there.minute / 60 - BUSIEST_HOUR)

    return min(ZONES, key=from_busiest)


def configured(data_dir: Path, zone: str) -> Path:
    """Writes the demo's configuration there: its path."""
    path = data_dir / "floorcast.yaml"
    path.write_text(f"timezone: {zone}\n{CONFIG.read_text(encoding='utf-8')}", encoding="utf-8")
    return path


def _note(config: Config, now: datetime, ports: tuple[int, int]) -> str:
    there = now.astimezone(ZoneInfo(config.timezone))
    place = config.timezone.rpartition("/")[2].replace("_", " ")
    return (
        f"A simulated support floor in {place}, where it is {there:%A %H:%M}.\n"
        f"Wallboards: http://{HOST}:{ports[0]}/   metrics for Prometheus: http://{HOST}:{ports[1]}/metrics\n"
        "Its past days are read first, which takes a minute or two; Ctrl-C ends the demo."
    )


def _environment(data_dir: Path, config_path: Path, ports: tuple[int, int]) -> Mapping[str, str]:
    return {
        **environment(data_dir),
        "FLOORCAST_CONFIG": str(config_path),
        "FLOORCAST_SERVE_PORT": str(ports[0]),
        "FLOORCAST_EXPORTER_PORT": str(ports[1]),
    }
