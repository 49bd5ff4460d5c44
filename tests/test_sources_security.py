"""How clients of Kafka connect: as the configuration says, with its files, without showing secrets."""

import ssl
from pathlib import Path

import pytest

from stream.config import ConfigError, KafkaConfig, Secret
from stream.sources.security import client_options


def test_by_default_nothing_is_encrypted() -> None:
    """A broker on this machine needs no more than its address."""
    assert client_options(KafkaConfig()) == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_a_login_takes_the_password_from_its_file(tmp_path: Path) -> None:
    """SCRAM over TLS: the system's authorities, user and password."""
    (tmp_path / "password").write_text("sesame\n")
    options = client_options(
        KafkaConfig(
            security="sasl_ssl", sasl_mechanism="SCRAM-SHA-512", username="floor",
            password_file=str(tmp_path / "password"),
        )
    )  # fmt: skip
    context = options.pop("ssl_context")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert options == {
        "bootstrap_servers": "127.0.0.1:9092", "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "floor", "sasl_plain_password": "sesame",
    }  # fmt: skip


def test_a_password_in_the_configuration() -> None:
    """Without TLS no context is made."""
    options = client_options(KafkaConfig(security="sasl_plaintext", username="u", password=Secret("p")))
    assert options["sasl_plain_password"] == "p"
    assert "ssl_context" not in options


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"ca_file": "/no/ca.pem"}, "kafka.ca_file: /no/ca.pem: No such file"),
        (
            {"cert_file": "/no/c.pem", "key_file": "/no/k.pem"},
            "kafka.cert_file /no/c.pem, kafka.key_file /no/k.pem",
        ),
    ],
)
def test_files_that_cannot_be_read(files: dict[str, str], message: str) -> None:
    """The error names the key of the configuration and the file."""
    with pytest.raises(ConfigError, match=message):
        client_options(KafkaConfig(security="ssl", **files))  # type: ignore[arg-type]
