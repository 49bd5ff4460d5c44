"""How a Kafka client proves who it is and whom it talks to: KafkaConfig as aiokafka's arguments."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream.config import KafkaConfig


def client_arguments(kafka: KafkaConfig) -> dict[str, Any]:
    """Address and security arguments, the same for every aiokafka client (consumer, producer, admin).

    Raises ConfigError for a password file that cannot be read, OSError naming the file for certificates.
    """
    arguments: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security.upper(),
        "ssl_context": _tls_context(kafka) if kafka.security in ("ssl", "sasl_ssl") else None,
    }
    if kafka.security.startswith("sasl_"):
        arguments |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.username,
            "sasl_plain_password": kafka.secret(),
        }
    return arguments


def _tls_context(kafka: KafkaConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file)
    except OSError as e:
        raise OSError(f"kafka.ca_file: {kafka.ca_file}: {e}") from e
    if kafka.cert_file is not None:
        try:
            context.load_cert_chain(kafka.cert_file, kafka.key_file)
        except OSError as e:
            raise OSError(f"kafka.cert_file, kafka.key_file: {kafka.cert_file}, {kafka.key_file}: {e}") from e
    return context
