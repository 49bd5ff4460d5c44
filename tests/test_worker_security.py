"""KafkaConfig as aiokafka's arguments."""

from pathlib import Path

import msgspec
import pytest

from stream.config import ConfigError, KafkaConfig, Secret
from stream.worker.security import client_arguments


def test_plaintext_sends_no_credentials() -> None:
    """The default."""
    assert client_arguments(KafkaConfig(bootstrap="a:1,b:2")) == {
        "bootstrap_servers": "a:1,b:2",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_sasl_takes_the_password_from_its_file(tmp_path: Path) -> None:
    """Read when the client is made, so that it can be rotated."""
    (tmp_path / "password").write_text("s3cret\n")
    kafka = KafkaConfig(
        security="sasl_plaintext",
        sasl_mechanism="SCRAM-SHA-512",
        username="floorcast",
        password_file=str(tmp_path / "password"),
    )
    arguments = client_arguments(kafka)
    assert arguments["security_protocol"] == "SASL_PLAINTEXT"
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("floorcast", "s3cret")


def test_tls_checks_the_brokers_name() -> None:
    """With SASL inside it when configured."""
    kafka = KafkaConfig(security="sasl_ssl", username="u", password=Secret("p"))
    arguments = client_arguments(kafka)
    assert arguments["security_protocol"] == "SASL_SSL"
    assert arguments["ssl_context"].check_hostname


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
def test_a_certificate_that_cannot_be_read_is_named(key: str) -> None:
    """With the key it stands under."""
    kafka = msgspec.structs.replace(KafkaConfig(security="ssl"), **{key: "/no/such.pem"})
    with pytest.raises(OSError, match=f"kafka.{key}.*/no/such.pem"):
        client_arguments(kafka)


def test_a_password_file_that_cannot_be_read_is_named() -> None:
    """By the configuration's own error."""
    with pytest.raises(ConfigError, match="/no/such"):
        client_arguments(KafkaConfig(security="sasl_ssl", username="u", password_file="/no/such"))
