"""Several floorcast processes as one: started together, restarted when they fail, ended together."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from stream.cli.logs import say
from stream.cli.options import WRONG_INPUT
from stream.embedded.child import Child

NEEDS_A_PERSON = 3
"""Exit status of a process that must not be restarted as it is: another log, another configuration, a bad
deployment."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A process that ran for so long begins with the short pause again."""
STOP_TIMEOUT_S = 20.0
POLL_S = 0.1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Part:
    """One process: what is given to `floorcast`, and where its output goes (None: where ours does)."""

    name: str
    arguments: Sequence[str]
    log: Path | None = None


class _Running:
    def __init__(self, part: Part, env: Mapping[str, str] | None) -> None:
        self.part = part
        self._env = env
        self._pause_s = FIRST_PAUSE_S
        self._again_at = 0.0
        self.start()

    def start(self) -> None:
        self._started = time.monotonic()
        command = [sys.executable, "-m", "stream", *self.part.arguments]
        self.child = Child(self.part.name, command, self.part.log, self._env)

    def keep(self) -> int | None:
        """Restarts it when it has failed; the exit status when that must not be."""
        code = self.child.exit_code
        if code is None or code in (WRONG_INPUT, NEEDS_A_PERSON):
            return code
        now = time.monotonic()
        if not self._again_at:
            if now - self._started > STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            self._again_at = now + self._pause_s
            say(
                "run",
                f"{self.part.name} ended with status {code}; it is started again in {self._pause_s:g} s",
            )
        elif now >= self._again_at:
            self._again_at = 0.0
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self.start()
        return None


class Supervisor:
    """Keeps parts running until `foreground` or a part that needs a person ends them all."""

    def __init__(self, parts: Sequence[Part], env: Mapping[str, str] | None = None) -> None:
        """`env`: the environment of the parts, ours when None."""
        self._parts = parts
        self._env = env
        self._running: list[_Running] = []

    def run(self, foreground: Child | None = None) -> int:
        """Starts them, and returns the exit status when everything has ended: 0 when `foreground` has. An
        exception (`ended_by_signals`) ends everything, too. Call it in the main thread."""
        try:
            for part in self._parts:
                self._running.append(_Running(part, self._env))
            while foreground is None or foreground.running():
                for running in self._running:
                    status = running.keep()
                    if status is not None:
                        where = f"; see {running.part.log}" if running.part.log else ""
                        say("run", f"{running.part.name} cannot go on{where}")
                        return status
                time.sleep(POLL_S)
            return 0
        finally:
            self._stop(foreground)

    def _stop(self, foreground: Child | None) -> None:
        children = [running.child for running in self._running] + ([foreground] if foreground else [])
        for child in children:
            child.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in children:
            child.stop(max(0.1, deadline - time.monotonic()))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """In this block SIGINT, SIGTERM and SIGHUP end the program in order, wherever it is: exit status 0 once
    everything is undone. Further signals do not disturb that."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
