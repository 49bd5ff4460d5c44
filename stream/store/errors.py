"""What can go wrong with the store.

StoreError
 |- Fenced        somebody else writes this shard, or Redis lost its last writes: reload
 |- ImageMoved    a shard was written while its whole image was read: read again
 |- Unavailable   no usable answer for the store's patience: it is not known whether a commit was applied
 |- Rejected      the server refused a command (rights, memory, a foreign key): nothing was written
 `- Unsuitable    this server, or its settings, cannot hold the store: found at start
"""

from __future__ import annotations


class StoreError(Exception):
    """Any failure of the store. The message says what, where, and what to do."""


class Fenced(StoreError):
    """The shard's fence holds another `commit_id` than expected. Nothing was written."""

    def __init__(self, shard: str, current: str) -> None:
        """`current` is the id that the fence holds, empty when there is no fence."""
        super().__init__(
            f"{shard}: the store is at commit {current or '(none)'}, not at ours: another worker took the "
            "shard over, or Redis lost its last writes"
        )
        self.current = current


class ImageMoved(StoreError):
    """A commit came while the image was read, so its parts do not belong together."""


class Unavailable(StoreError):
    """Redis gave no usable answer for as long as the store waits. A commit may have been applied or not."""


class Rejected(StoreError):
    """Redis refused a command; nothing was written."""


class Unsuitable(StoreError):
    """This Redis cannot be used as it is set up."""
