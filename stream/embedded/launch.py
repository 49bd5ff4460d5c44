"""Run as a script: `python -I launch.py PARENT_PID COMMAND...` becomes COMMAND, which dies with its parent.

A small program of its own, because code between fork and exec (`preexec_fn`) can deadlock a process that
has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Have the kernel kill this process when its parent dies (on Linux), then exec the command."""
    parent_pid, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent_pid):  # it died before the line above could take effect
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
