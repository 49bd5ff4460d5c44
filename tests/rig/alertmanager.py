"""Debian's Alertmanager for tests that must hold on the real one."""

import shutil
import time
from pathlib import Path
from typing import Any

import httpx

from stream.embedded.child import Child
from stream.embedded.probe import HOST, free_ports
from tests.rig.missing import MissingPart

READY_TIMEOUT_S = 30.0
CONFIG = """
route: {receiver: nobody, group_by: [team], group_wait: 0s, group_interval: 1s}
receivers: [{name: nobody}]
"""


def alertmanager_program() -> str:
    """The path of the program. Raises MissingPart when it is not there."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        raise MissingPart("Alertmanager is missing: apt-get install prometheus-alertmanager")
    return program


class AlertmanagerServer:
    """One server that by default groups by team and notifies nobody; it forgets all when it is restarted."""

    def __init__(self, directory: Path, program: str, config: str = CONFIG) -> None:
        """`config` is what it is configured with. Nothing runs before `start`."""
        self._directory = directory
        self._program = program
        self._config = config
        (self.port,) = free_ports(1)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Return when it answers. Raises EmbeddedError, with its last output, otherwise."""
        config = self._directory / "alertmanager.yml"
        config.write_text(self._config)
        command = [
            self._program, f"--config.file={config}", f"--storage.path={self._directory / 'data'}",
            f"--web.listen-address={HOST}:{self.port}", "--cluster.listen-address=",
        ]  # fmt: skip
        self._child = Child("Alertmanager", command, self._directory / "alertmanager.log")
        self._child.wait_ready(self._is_ready, READY_TIMEOUT_S)

    def stop(self) -> None:
        """Ends it."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """The alerts with these labels that are not over, also those that others inhibit."""
        filters = [f'{name}="{value}"' for name, value in labels.items()]
        answer = httpx.get(f"{self.url}/api/v2/alerts", params={"filter": filters, "active": True})
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    def groups(self) -> dict[str, int]:
        """Team -> active alerts in its group."""
        answer = httpx.get(f"{self.url}/api/v2/alerts/groups").raise_for_status().json()
        return {group["labels"].get("team", ""): len(group["alerts"]) for group in answer}

    def until(self, count: int, **labels: str) -> list[dict[str, Any]]:
        """The active alerts with these labels, as soon as there are so many."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while len(found := self.alerts(**labels)) != count:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").is_success
        except httpx.HTTPError:
            return False
