"""docker-compose.yml and the Dockerfile name only commands, variables, ports and files that exist."""

import hashlib
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from stream.cli.main import cli
from stream.cli.options import read_config
from stream.config import AlertmanagerConfig, Config, environment_names
from stream.embedded.redis import SMALL_HASHES

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "floorcast"}
THEIRS = {"kafka", "redis", "prometheus", "alertmanager", "grafana"}
CONTENT: str = COMPOSE["configs"]["floorcast"]["content"]


def test_the_deployment_has_all_its_parts() -> None:
    """Kafka, Redis, the one-shot creation of topics, workers, alerts, wallboards, the exporter, Prometheus,
    Alertmanager, Grafana and, if asked for, a simulated floor."""
    assert set(OURS) == {"topics", "worker", "alerts", "serve", "exporter", "simulator"}
    assert set(SERVICES) - set(OURS) == THEIRS
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "simulator": ["demo"]
    }


def test_any_number_of_workers_can_run() -> None:
    """`--scale worker=3`: it has no name and no port that only one can have."""
    assert not {"container_name", "ports"} & set(SERVICES["worker"])


def test_what_is_run_is_pinned_and_bounded() -> None:
    """An image has a version, and no service may take all memory."""
    for name, service in SERVICES.items():
        assert service["mem_limit"], name
        assert name in OURS or re.search(r":v?\d+\.\d+", service["image"]), name


def test_the_configuration_is_a_good_one(tmp_path: Path) -> None:
    """What the services mount is read by them all; its alerts go to the Alertmanager beside it."""
    path = tmp_path / "floorcast.yaml"
    path.write_text(CONTENT)
    config = read_config(path)
    assert config.policies
    (router,) = config.alerts.destinations.values()
    assert isinstance(router, AlertmanagerConfig)
    assert urlsplit(router.url).hostname == "alertmanager"
    for service in OURS.values():
        assert service["environment"]["FLOORCAST_CONFIG"] == service["configs"][0]["target"]


def test_the_token_of_the_wallboards_is_the_one_that_is_written_there() -> None:
    """Its hash is in the configuration, the address with it at the top of the file."""
    (token,) = re.findall(r"\?token=(\S+)", (ROOT / "docker-compose.yml").read_text())
    assert hashlib.sha256(token.encode()).hexdigest() in CONTENT


def test_no_password_is_set() -> None:
    """Where one would be a default that everybody knows, there is none, and nobody can log in."""
    grafana = SERVICES["grafana"]["environment"]
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert grafana["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]
    assert not [name for name in names if "PASSWORD" in name]


def test_mounted_files_are_in_the_repository() -> None:
    """What is mounted from here exists."""
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), source


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
        "serve": config.serve.port,
        "prometheus": 9090,
        "alertmanager": 9093,
        "grafana": 3000,
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
    copied = [
        path for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.M) for path in line.split()[:-1]
    ]
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
