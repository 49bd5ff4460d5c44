"""What every aiokafka client needs to connect as the configuration says."""

from __future__ import annotations

import ssl
from typing import Any

from stream.config import ConfigError, KafkaConfig


def client_options(kafka: KafkaConfig) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client: where to connect, with TLS and login when configured.

    They hold the password in the clear: pass them on, never print them. Raises ConfigError when a file of the
    configuration cannot be read.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security.upper(),
    }
    if kafka.security in ("ssl", "sasl_ssl"):
        options["ssl_context"] = ssl_context(kafka.ca_file, kafka.cert_file, kafka.key_file)
    if kafka.security in ("sasl_plaintext", "sasl_ssl"):
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.username
        options["sasl_plain_password"] = kafka.secret()
    return options


def ssl_context(ca_file: str | None, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """TLS that checks the server's certificate and name; the system's authorities when `ca_file` is None."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one, too
        raise ConfigError([f"kafka.ca_file: {ca_file}: {_why(error)}; name a readable PEM file"]) from None
    if cert_file is not None:
        try:
            # A password callback that gives none: otherwise OpenSSL would ask for it on the terminal.
            context.load_cert_chain(cert_file, key_file, password=lambda: "")
        except OSError as error:
            files = f"kafka.cert_file {cert_file}, kafka.key_file {key_file}"
            raise ConfigError([f"{files}: {_why(error)}; they must be PEM, the key not encrypted"]) from None
    return context


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
