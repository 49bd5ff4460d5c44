"""Apache Kafka 4.x as one KRaft node from jars, for tests that must hold on the real broker."""

import os
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from uuid import uuid4

from stream.embedded.child import Child
from stream.embedded.probe import HOST, free_ports, kafka_cluster_id
from tests.rig.missing import MissingPart

PROJECT_ROOT = Path(__file__).parents[2]
READY_TIMEOUT_S = 90.0
FENCED_S = 3.0
"""Within which a broker that was frozen is fenced, if it was silent for too long."""
JVM_OPTIONS = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
SHORT_LIVED = "-XX:TieredStopAtLevel=1"
"""Starts in two thirds of the CPU time; what lives for hours would be slower."""
# One node, so everything has one replica. Few internal partitions and no waiting for more members: quick.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "2",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "2",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A broker that was killed may register again only when its old session is over (default 9000).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}


def kafka_libs() -> Path:
    """The directory of Kafka's jars. Raises MissingPart when it, or Java, is not there."""
    if shutil.which("java") is None:
        raise MissingPart("Java >= 17 is missing: apt-get install default-jre-headless")
    libs = Path(os.environ.get("FLOORCAST_KAFKA_LIBS") or PROJECT_ROOT / ".cache" / "kafka" / "libs")
    if not any(libs.glob("kafka_2.13-4.*.jar")):
        raise MissingPart(
            f"Apache Kafka's jars are missing in {libs}: run `make kafka-libs` (needs Maven), "
            "or name a directory that has them in FLOORCAST_KAFKA_LIBS"
        )
    return libs


class Kafka:
    """One broker with controller on fixed ports and a log directory, both kept over restarts."""

    def __init__(self, directory: Path, libs: Path, options: Sequence[str] = (SHORT_LIVED,)) -> None:
        """Nothing runs before `start`. `directory` holds its configuration, log and output; `options` of the
        JVM stand beside JVM_OPTIONS."""
        self._directory = directory
        self._classpath = str(libs / "*")
        self._options = (*JVM_OPTIONS, *options)
        self._port, self._controller_port = free_ports(2)
        # Behind a letter: the tool that formats the log takes an id that begins with "-" for an option.
        self._cluster_id = "k" + urlsafe_b64encode(uuid4().bytes).rstrip(b"=").decode()[1:]
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Return when the broker takes requests. Raises EmbeddedError, with its last output, otherwise."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> None:
        """The first half of `start`, which needs the main thread."""
        properties = self._directory / "server.properties"
        if not properties.exists():
            self._format(properties)
        command = [*self._java(), *self._options, "kafka.Kafka", str(properties)]
        self._child = Child("Apache Kafka", command, self._directory / "kafka.log")

    def wait_ready(self) -> None:
        """The second half, which may wait elsewhere."""
        assert self._child is not None
        self._child.wait_ready(lambda: kafka_cluster_id(self._port) == self._cluster_id, READY_TIMEOUT_S)

    def stop(self) -> None:
        """A clean stop; nothing when it does not run."""
        if self._child is not None:
            self._child.stop(timeout_s=30)
            self._child = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It answers nobody while the context lasts. Behind it whoever comes finds a broker that works: the
        controller may have fenced it for its silence."""
        assert self._child is not None
        os.kill(self._child.pid, SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._child.pid, SIGCONT)
            time.sleep(FENCED_S)
            self.wait_ready()

    def kill9(self) -> None:
        """Ends it at once, without a clean stop. `start` brings it back with what its log holds."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """A clean stop, then a start on the same ports and log."""
        self.stop()
        self.start()

    def _format(self, properties: Path) -> None:
        """Write the configuration and give the log directory its cluster id, which the first start needs."""
        controller = f"{HOST}:{self._controller_port}"
        own = {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self._directory / "log"),
        }
        draft = properties.with_suffix(".draft")
        draft.write_text("".join(f"{key}={value}\n" for key, value in (SETTINGS | own).items()))
        tool = [*self._java(), *self._options, "kafka.tools.StorageTool"]
        given = ["format", "-t", self._cluster_id, "-c", str(draft)]
        subprocess.run([*tool, *given], check=True, capture_output=True, timeout=READY_TIMEOUT_S)
        draft.rename(properties)

    def _java(self) -> list[str]:
        java = shutil.which("java")
        assert java is not None, "kafka_libs() was asked first"
        return [java, "-cp", self._classpath]
