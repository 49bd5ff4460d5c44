"""What every channel does, and how a delivery fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stream.alerts.message import Message
from stream.alerts.state import Kind


class Failed(Exception):
    """A delivery that did not happen, or of which that is not known. The text holds no secret and no address.

    retry: whether another try can succeed. after_ms: the pause that the destination asks for.
    maybe: it may have arrived.
    """

    def __init__(self, reason: str, *, retry: bool, maybe: bool = False, after_ms: int | None = None) -> None:
        super().__init__(reason)
        self.retry = retry
        self.maybe = maybe
        self.after_ms = after_ms


class Channel(Protocol):
    """One destination. `send` may be called again with the same messages after a failure, also in another
    process: it uses `Message.key` and `id` for deduplication where the destination knows such a thing."""

    kinds: tuple[Kind, ...]
    """What it can be told; nothing else is given to it."""
    batch_max: int
    """Most messages of one `send`."""
    refresh_ms: int | None
    """So often it must be told what still stands; None: it remembers by itself."""

    async def send(self, messages: Sequence[Message]) -> str | None:
        """Delivers all of them, as one where that is possible: where follow-ups go (a thread), if anywhere.

        Raises Failed; ConfigError when a secret's file cannot be read.
        """
        ...
