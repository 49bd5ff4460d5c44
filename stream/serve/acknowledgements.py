"""Who has taken note of what, for the boards: the latest acknowledgement of every clock."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from stream.config import KafkaConfig
from stream.events.acknowledgements import Acknowledgement, decode_acknowledgement
from stream.events.instants import to_ms
from stream.query.wall_lists import Note
from stream.sources.follow import Follower


class Acknowledgements:
    """As their topic tells them; while that cannot be read, as it last did. `run` goes on until it is
    cancelled."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._follower = Follower(kafka, kafka.topics.acknowledgements, _identity)

    async def run(self) -> None:
        """Follows the topic."""
        await self._follower.run()

    @property
    def changes(self) -> int:
        """Grows when there is another one."""
        return self._follower.changes

    def of(self, subject: str, clock: str) -> Note | None:
        """Who has taken note of a clock last."""
        value = self._follower.latest((subject, clock))
        said = None if value is None else _read(value)
        return None if said is None else Note(said.data.by, to_ms(said.time))


def _identity(key: bytes, value: bytes | None) -> Hashable:
    said = None if value is None else _read(value)
    return key if said is None else (said.subject, said.data.clock)


def _read(value: bytes) -> Acknowledgement | None:
    try:
        return decode_acknowledgement(value)
    except msgspec.MsgspecError:
        return None
