"""What a figure depends on: cores, interpreter, versions; CPU and memory of a process (Linux)."""

from __future__ import annotations

import os
import platform
import sysconfig
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from stream.shard import shard

LIBRARIES = ("faust-streaming", "aiokafka", "msgspec", "redis", "hiredis", "uvloop")


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core each worker is pinned to, and where all else runs: servers, producer, this process."""

    workers: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def apart(self) -> bool:
        """Whether two workers leave the servers a core."""
        return not set(self.workers) & set(self.others)


def share_out() -> Cores:
    """With four cores or more, two for workers; with less the second worker shares the others' core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) >= 4:
        return Cores((cores[0], cores[1]), tuple(cores[2:]))
    return Cores((cores[0], cores[-1]), tuple(cores[1:]) or tuple(cores))


def has_pgo() -> bool:
    """Whether the interpreter was built with profile-guided optimisation, which is worth 12-18 %."""
    built = " ".join(str(sysconfig.get_config_var(name)) for name in ("CONFIG_ARGS", "PY_CFLAGS_NODIST"))
    return "--enable-optimizations" in built or "-fprofile-use" in built


def interpreter() -> str:
    """The interpreter's name, as it belongs to every figure."""
    return (
        f"{platform.python_implementation()} {platform.python_version()} "
        f"({platform.python_compiler()}, {'PGO' if has_pgo() else 'built without PGO'}), "
        f"core {'compiled by mypyc' if core_is_compiled() else 'not compiled'}"
    )


def core_is_compiled() -> bool:
    """Whether the pure core runs as compiled by mypyc (`make bench`) or as plain Python."""
    return not str(shard.__file__).endswith(".py")


def versions() -> str:
    """The libraries that the figures depend on."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process: user and system, all its threads, those that have ended too."""
    # Linux's own number for the clock of another process; /proc/PID/stat has only hundredths of a second.
    return time.clock_gettime((~pid) << 3 | 2)


def waited_s(pid: int) -> float:
    """Seconds in which threads of a process could run and had no core: something else was on it."""
    waits = [path.read_text().split()[1] for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(map(int, waits)) / 1e9


def memory_mb(pid: int, name: str) -> float:
    """Memory of a process: `VmRSS`, resident now, or `VmHWM`, the most it has been."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(f"no {name} of process {pid}")
