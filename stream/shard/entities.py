"""The entities of one shard in memory: a bounded cache of what the store holds, and what the batch at hand
has touched."""

from __future__ import annotations

from stream.lifecycle.entity import Entity, unpack_entity
from stream.lifecycle.fold import Fold


class Entities:
    """Two generations: what is used stays in the young one; when that is full the old one is forgotten."""

    def __init__(self, fold: Fold, bound: int) -> None:
        self._fold = fold
        self._half = max(1, bound // 2)
        self._young: dict[str, Entity] = {}
        self._old: dict[str, Entity] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def has(self, subject: str) -> bool:
        """Whether the entity is in memory."""
        return subject in self._young or subject in self._old

    def get(self, subject: str) -> Entity:
        """An entity that is in memory."""
        entity = self._young.get(subject)
        if entity is None:
            entity = self._young[subject] = self._old.pop(subject)
        return entity

    def put(self, subject: str, packed: bytes | None) -> Entity:
        """What the store has of an entity: `None` is nothing."""
        entity = Entity(self._fold.new()) if packed is None else unpack_entity(self._fold, packed)
        self._young[subject] = entity
        return entity

    def drop(self, subject: str) -> None:
        """Forgets an entity for good."""
        self._young.pop(subject, None)
        self._old.pop(subject, None)

    def evict(self) -> None:
        """Keeps to the bound; to be called when all is written."""
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
