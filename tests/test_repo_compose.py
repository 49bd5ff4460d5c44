"""docker-compose.yml and the Dockerfile name only commands, variables, ports and files that exist."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from stream.cli.main import cli
from stream.config import Config, environment_names
from stream.embedded.redis import SMALL_HASHES

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "floorcast"}


def test_the_deployment_has_all_its_parts() -> None:
    """Kafka, Redis, the one-shot creation of topics, the worker, the exporter and, if asked for, alerts."""
    assert set(SERVICES) == {"kafka", "redis", "topics", "worker", "exporter", "alerts"}
    assert set(OURS) == {"topics", "worker", "exporter", "alerts"}
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["alerts"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    """Each of our services starts a command of `floorcast`, with arguments that it takes."""
    command: click.Command = cli
    words = list(OURS[name]["command"])
    context = click.Context(cli)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found is not None, f"`floorcast {shlex.join(OURS[name]['command'])}` is no command"
        command = found
    command.make_context(name, words)


@pytest.mark.parametrize("name", OURS)
def test_a_service_sets_variables_that_exist(name: str) -> None:
    """Each variable that we set is a key of the configuration."""
    assert set(OURS[name]["environment"]) <= {*environment_names(), "FLOORCAST_CONFIG"}


def test_the_services_reach_each_other() -> None:
    """Ours are told the address that Kafka advertises inside, and Redis by the name of its service."""
    inside = re.search(r"INSIDE://([^,]+)", SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    assert inside is not None
    for service in OURS.values():
        assert service["environment"]["FLOORCAST_KAFKA_BOOTSTRAP"] == inside[1]
        assert urlsplit(service["environment"]["FLOORCAST_REDIS_URL"]).hostname == "redis"


def test_published_ports_are_the_defaults_of_the_configuration() -> None:
    """`floorcast` on the host finds the deployment without a setting, and nobody outside the host does."""
    config = Config()
    defaults = {
        "kafka": int(config.kafka.bootstrap.rsplit(":", 1)[1]),
        "redis": urlsplit(config.redis.url).port,
        "exporter": config.exporter.port,
    }
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in defaults.items()}


def test_redis_keeps_what_floorcast_needs() -> None:
    """The server may not drop keys: floorcast refuses one that could."""
    assert "--maxmemory-policy noeviction" in shlex.join(SERVICES["redis"]["command"])


def test_redis_is_set_up_as_recommended() -> None:
    """Compose, docs/redis.md, the demo and the benchmark have the same limits for small hashes."""
    documented = (ROOT / "docs" / "redis.md").read_text()
    for name, value in SMALL_HASHES.items():
        assert f"--{name} {value}" in shlex.join(SERVICES["redis"]["command"])
        assert f"`{name} {value}`" in documented


def test_services_start_in_order() -> None:
    """Who is waited for exists, and has a health check where its health is waited for."""
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[needed]


def test_the_image_is_built_from_files_that_exist() -> None:
    """Each path that the Dockerfile copies is in the repository, and not kept from the build."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = [path for line in re.findall(r"^COPY (.+)$", dockerfile, re.M) for path in line.split()[:-1]]
    assert copied
    allowed = (ROOT / ".dockerignore").read_text().split()
    for path in copied:
        assert (ROOT / path).exists(), path
        assert f"!{path.removeprefix('./')}" in allowed, path


def test_the_image_runs_floorcast_without_privileges() -> None:
    """The entry point is the command, under a user of its own."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["floorcast"]' in dockerfile
    assert dockerfile.index("USER floorcast") < dockerfile.index("ENTRYPOINT")
