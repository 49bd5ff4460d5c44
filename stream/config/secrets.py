"""Passwords: kept so that no repr, log line or error shows them, and read from files when asked for."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from stream.config.problems import ConfigError

MASK = "***"


class Secret:
    """Text that only `reveal` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the client that needs it, never for a message."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def password_of(section: str, password: Secret | None, password_file: str | None) -> str | None:
    """The password of a section, like `secret_of`."""
    return secret_of(f"{section}.password", password, password_file)


def secret_of(key: str, secret: Secret | None, file: str | None) -> str | None:
    """The secret of a key, or from the file that `KEY_file` names, as it is now; None without either.

    Raises ConfigError when the file cannot be read or is empty. The newline at its end is not part of it.
    """
    if secret is not None or file is None:
        return secret.reveal() if secret is not None else None
    try:
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        fault = "" if text else "the file is empty"
    except OSError as error:
        text, fault = "", str(error.strerror or "it cannot be read").lower()
    except ValueError:
        text, fault = "", "it is not UTF-8 text"
    if fault:
        # Raised out here: an exception in whose context the file's bytes stand could be logged.
        what = key.rpartition(".")[2].replace("_", " ")
        raise ConfigError([f"{key}_file: {file}: {fault}; write the {what} into that file"])
    return text


def split_url(url: str) -> tuple[str, str | None, str | None]:
    """A URL without user and password, the user, the password; both percent-decoded, None when absent."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return bare, user, password
