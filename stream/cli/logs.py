"""The log of a process: lines for people, or JSON objects, one a line, with what they are about as fields."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

import click

from stream.config import Config
from stream.printable import json_line, printable_lines

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FIELDS: Final = ("shard", "shards", "offset", "end_offset", "reason", "reasons")
"""What a line may be about, given as `extra` where it is logged. Offsets: the first, and behind the last."""


class TextLines(logging.Formatter):
    """Lines for people. A record begins a line and nothing else does: a traceback's lines, and a line break
    in what somebody sent, are indented."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record)).replace("\n", "\n    ")


class JsonLines(logging.Formatter):
    """`{"time": ..., "level": ..., "logger": ..., "message": ..., "shard": ...}`, whatever the text holds."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _clean(record.getMessage()),
        }
        told |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            told["exception"] = _clean(self.formatException(record.exc_info))
        return json_line(told, enc_hook=str)


def set_up(config: Config) -> None:
    """To be called once, before anything is logged."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if config.log.format == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def say(name: str, text: str) -> None:
    """A line of a command itself on standard error; of logger `floorcast.<name>` where the log is JSON."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        logging.getLogger(f"floorcast.{name}").error("%s", text)
    else:
        click.echo(text, err=True)


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()
