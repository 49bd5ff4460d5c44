"""The commands of docker-compose.yml, started without Docker: each runs with its environment and its files,
is healthy by its own check, and a simulated floor's numbers come out at the other end."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from stream.embedded.child import Child
from stream.embedded.pair import Pair, start_pair
from stream.embedded.probe import HOST, free_ports
from tests.conftest import _part
from tests.rig.alertmanager import alertmanager_program
from tests.rig.pipeline import PATIENCE_S, until
from tests.rig.prometheus import prometheus_program
from tests.test_repo_compose import CONTENT, OURS, ROOT, SERVICES

PUBLISHED = {"serve": 8080, "exporter": 9464, "prometheus": 9090, "alertmanager": 9093}
"""Service -> the port that it listens on in its container."""
AGO = timedelta(hours=1)
"""The simulated floor has been open for so long, so that it has something to tell at once."""


class Composed:
    """The services as children, each with its environment and its addresses on this machine."""

    def __init__(self, pair: Pair, directory: Path) -> None:
        self.ports = dict(zip(PUBLISHED, free_ports(len(PUBLISHED)), strict=True))
        self._pair = pair
        self._directory = directory
        self._open = ExitStack()
        config = CONTENT
        for service, port in PUBLISHED.items():
            config = config.replace(f"http://{service}:{port}", f"http://{HOST}:{self.ports[service]}")
        assert "alertmanager" not in config.replace("kind: alertmanager", "")
        (directory / "floorcast.yaml").write_text(config)

    def environment(self, service: str) -> dict[str, str]:
        """What the service is told, with this machine's servers and a name of its own in them."""
        told = {
            **SERVICES[service]["environment"],
            "FLOORCAST_CONFIG": str(self._directory / "floorcast.yaml"),
            "FLOORCAST_KAFKA_BOOTSTRAP": self._pair.bootstrap,
            "FLOORCAST_REDIS_URL": self._pair.redis_url,
        }
        for kind in ("SERVE", "EXPORTER"):
            if f"FLOORCAST_{kind}_HOST" in told:
                told |= {f"FLOORCAST_{kind}_HOST": HOST}
            told[f"FLOORCAST_{kind}_PORT"] = str(self.ports[kind.lower()])
        return {**os.environ, **told}

    def ours(self, service: str, *more: str) -> Child:
        """Starts one of our services."""
        command = [sys.executable, "-m", "stream", *OURS[service]["command"], *more]
        return self._child(service, command, self.environment(service))

    def theirs(self, service: str, program: str) -> Child:
        """Starts one of the others with the arguments and the files of its container."""
        for volume in SERVICES[service]["volumes"]:
            source, inside, *_ = volume.split(":")
            there = self._inside(inside)
            there.parent.mkdir(parents=True, exist_ok=True)
            if source.startswith("./"):
                there.symlink_to(ROOT / source)
            else:
                there.mkdir(exist_ok=True)
        command = [self._moved(word) for word in SERVICES[service]["command"]]
        listen = f"--web.listen-address={HOST}:{self.ports[service]}"
        return self._child(service, [program, *command, listen], dict(os.environ))

    def output(self, service: str) -> str:
        """What it has said."""
        return (self._directory / f"{service}.log").read_text()

    def is_healthy(self, service: str) -> bool:
        """What the service's own health check finds."""
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        here = [word.replace(f":{PUBLISHED[service]}/", f":{self.ports[service]}/") for word in words]
        if here[0] == "wget":  # not on every machine
            return httpx.get(here[-1]).is_success
        assert here[0] == "python"
        return subprocess.run([sys.executable, *here[1:]], capture_output=True, timeout=30).returncode == 0

    def close(self) -> None:
        """Ends all."""
        self._open.close()

    def _inside(self, path: str) -> Path:
        return self._directory / "inside" / path.lstrip("/")

    def _moved(self, word: str) -> str:
        name, equals, value = word.partition("=")
        return f"{name}={self._inside(value)}" if equals and value.startswith("/") else word

    def _child(self, service: str, command: list[str], env: dict[str, str]) -> Child:
        child = Child(service, command, self._directory / f"{service}.log", env)
        self._open.callback(child.stop)
        return child


@pytest.fixture
def composed(embedded_pair: Pair, tmp_path: Path) -> Iterator[Composed]:
    """Nothing but a broker and a Redis runs yet."""
    (tmp_path / "pair").mkdir()
    with start_pair(tmp_path / "pair") as pair:
        services = Composed(pair, tmp_path)
        yield services
        services.close()


async def test_every_service_runs_as_it_is_composed(composed: Composed) -> None:
    """Topics first, then the others; what they show asks for the token that stands at the file's top."""
    topics = composed.ours("topics")
    await until(lambda: not topics.running())
    assert topics.exit_code == 0, composed.output("topics")
    start = (datetime.now(UTC) - AGO).isoformat()
    running = {name: composed.ours(name) for name in ("worker", "alerts", "serve", "exporter")}
    running["simulator"] = composed.ours("simulator", "--start", start)
    running["prometheus"] = composed.theirs("prometheus", _part(prometheus_program))
    running["alertmanager"] = composed.theirs("alertmanager", _part(alertmanager_program))
    for name in PUBLISHED:
        await until(lambda name=name: composed.is_healthy(name))  # type: ignore[misc]
    (token,) = re.findall(r"\?token=(\S+)", (ROOT / "docker-compose.yml").read_text())
    async with httpx.AsyncClient(
        base_url=f"http://{HOST}:{composed.ports['serve']}", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        assert (await client.get("/api/v1/session")).json() == {"name": "local", "may_write": True}
        async with asyncio.timeout(PATIENCE_S):
            while await created(client) < 20:
                await asyncio.sleep(0.2)
    for name, child in running.items():
        assert child.running(), composed.output(name)


async def created(client: httpx.AsyncClient) -> int:
    """Tickets of the last day."""
    answer = await client.get("/api/v1/query", params={"metric": "ticket_volume", "window": "1d"})
    value: int = answer.json()["rows"][0]["values"]["value"]
    return value
