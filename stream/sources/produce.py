"""JSON lines of CloudEvents into Kafka, as they come."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from stream.config import KafkaConfig
from stream.events.refusal import Refused
from stream.sources.lines import LineTooLong, numbered_lines
from stream.sources.prepare import Prepared, prepare
from stream.sources.publish import Publisher
from stream.sources.topics import topic_names


class BadLine(Exception):
    """A line that is no event of the contract; the text is `file:line: what is wrong`."""


async def produce(publisher: Publisher, kafka: KafkaConfig, file: BinaryIO, name: str, bytes_max: int) -> int:
    """Publish each line's event to the topic of its type, with the timestamp of now; the number published.

    Stops at the first line that is wrong with BadLine; what stood before it is published.
    """
    topics = topic_names(kafka)
    published = 0
    try:
        async for number, line in numbered_lines(file, bytes_max):
            event = _event(line, f"{name}:{number}", bytes_max)
            await publisher.publish(topics[event.family], event.key, event.value)
            published += 1
    except LineTooLong as error:
        raise BadLine(f"{name}:{error.line}: {error}") from None
    finally:
        await publisher.flush()
    return published


def _event(line: bytes, place: str, bytes_max: int) -> Prepared:
    try:
        event = msgspec.json.decode(line)
        if not isinstance(event, dict):
            raise Refused("invalid", "", "an event is a JSON object")
        return prepare(event, bytes_max)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadLine(f"{place}: not JSON: {error}") from None
    except Refused as refused:
        raise BadLine(f"{place}: {refused}") from None
