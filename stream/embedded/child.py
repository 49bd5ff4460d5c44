"""A server as a child process: started, waited for, ended by its pid, and never outliving this process."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from os import getpid
from pathlib import Path

from stream.embedded import launch

LOG_TAIL_BYTES = 2_000


class EmbeddedError(RuntimeError):
    """A server could not be started, did not get ready or is not there; the message says what to do."""


class Child:
    """One running process. `name` is for messages; its output is appended to the file `log` (None: goes where
    ours does).

    It has a session of its own: Ctrl-C in a terminal reaches only us, and we stop it when its users are done.
    On Linux it is killed when this process dies, however that happens.
    """

    def __init__(
        self, name: str, command: list[str], log: Path | None, env: Mapping[str, str] | None = None
    ) -> None:
        """Start `command` (first word: an absolute path) with the environment `env` (None: ours).

        Raises RuntimeError outside the main thread, because the kernel takes the end of the starting thread
        for our death.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"start {name} from the main thread: it would die with the thread that did")
        self.name = name
        self.log = log
        self._asked = False
        with log.open("ab") if log is not None else nullcontext() as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", launch.__file__, str(getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the server (the launcher becomes it, so it is known from the start)."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit status (negative: the signal that ended it), `None` while it runs."""
        return self._process.poll()

    def running(self) -> bool:
        """Whether the process still exists."""
        return self._process.poll() is None

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready()` is true; otherwise end the server.

        Raises EmbeddedError, with the end of the log, when the server ends by itself or `timeout_s` is over.
        """
        try:
            self._wait_ready(ready, timeout_s)
        except BaseException:  # Ctrl-C too: nobody has this child yet who could stop it
            self.kill()
            raise

    def terminate(self) -> None:
        """Asks it to end (SIGTERM) without waiting; again does nothing, as to many that means haste."""
        if not self._asked:
            self._asked = True
            self._process.terminate()

    def stop(self, timeout_s: float = 10.0) -> None:
        """SIGTERM, then SIGKILL after `timeout_s`. Returns when the process is gone; again does nothing."""
        self.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._process.kill()
        self._process.wait()

    def _wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not ready():
            late = time.monotonic() > deadline
            if late or not self.running():
                what = f"was not ready after {timeout_s:g} s" if late else "ended while it started"
                raise EmbeddedError(f"{self.name} {what}; end of {self.log}:\n{self._log_tail()}")
            time.sleep(0.02)

    def _log_tail(self) -> str:
        return "" if self.log is None else self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
