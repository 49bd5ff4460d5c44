"""Debian's Prometheus for tests that must hold on the real one: with the rules of `grafana/`, quickened."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from stream.embedded.child import Child
from stream.embedded.probe import HOST, free_ports
from tests.rig.missing import MissingPart

READY_TIMEOUT_S = 30.0
PATIENCE_S = 120.0
Sample = tuple[dict[str, str], float]
"""Labels and value."""


def prometheus_program() -> str:
    """The path of the program. Raises MissingPart when it is not there."""
    program = shutil.which("prometheus")
    if program is None:
        raise MissingPart("Prometheus is missing: apt-get install prometheus")
    return program


def promtool(*arguments: str, directory: Path) -> str:
    """What promtool says; fails with it when it is not content. Raises MissingPart when it is not there."""
    program = shutil.which("promtool")
    if program is None:
        raise MissingPart("promtool is missing: apt-get install prometheus")
    done = subprocess.run([program, *arguments], cwd=directory, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


class PrometheusServer:
    """One server with a copy of a directory such as grafana/prometheus: it scrapes and evaluates every two
    seconds instead of as configured, and finds the exporter and Alertmanager where they are in the test."""

    def __init__(
        self, directory: Path, program: str, source: Path, exporter: str, alertmanager: str = ""
    ) -> None:
        """`exporter` and `alertmanager` are a host and a port. Nothing runs before `start`."""
        self._directory = directory
        self._program = program
        (self.port,) = free_ports(1)
        self._child: Child | None = None
        self._client = httpx.Client(base_url=self.url, timeout=30)
        shutil.copytree(source, directory, dirs_exist_ok=True)
        path = directory / "prometheus.yml"
        config = yaml.safe_load(path.read_text())
        config["global"] = {"scrape_interval": "2s", "evaluation_interval": "2s"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [exporter]}]
        managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        config["alerting"]["alertmanagers"] = managers
        path.write_text(yaml.safe_dump(config))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Return when it answers. Raises EmbeddedError, with its last output, otherwise."""
        command = [
            self._program, f"--config.file={self._directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._directory / 'data'}", f"--web.listen-address={HOST}:{self.port}",
            "--rules.alert.resend-delay=1s",  # Alertmanager is known some seconds after the first alert
        ]  # fmt: skip
        self._child = Child("Prometheus", command, self._directory / "prometheus.log")
        self._child.wait_ready(self._is_ready, READY_TIMEOUT_S)

    def stop(self) -> None:
        """Ends it."""
        self._client.close()
        if self._child is not None:
            self._child.kill()
            self._child = None

    def query(self, expr: str, at: float | None = None) -> list[Sample]:
        """What an expression gives now, or at an instant (seconds)."""
        asked = {"query": expr} if at is None else {"query": expr, "time": str(at)}
        answer = self._client.post("/api/v1/query", data=asked).json()
        assert answer["status"] == "success", f"{expr}: {answer}"
        result = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [({}, float(result[1]))]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def until(self, expr: str) -> list[Sample]:
        """What an expression gives, as soon as it gives anything."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.query(expr)):
            assert time.monotonic() < deadline, f"{expr} has no data"
            time.sleep(0.2)
        return found

    def rules(self) -> list[dict[str, Any]]:
        """All rules with their state."""
        answer = self._client.get("/api/v1/rules").raise_for_status().json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def _is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").is_success
        except httpx.HTTPError:
            return False
