"""Reads from images in memory: scenarios and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Self

from stream.config.published import History
from stream.metrics.panes import Group, Pane
from stream.metrics.sizes import LONG
from stream.shard.changes import Fence, Since, Written
from stream.shard.image import Image


class ImageReader:
    """A `Reader` of images by family and partition."""

    def __init__(self, images: dict[tuple[str, int], Image]) -> None:
        self._images = images

    def pinned(self) -> Self:
        """Images are of one generation."""
        return self

    async def versions(self, known: int) -> History:
        return ()

    async def fences(self, family: str) -> dict[int, Fence]:
        return {partition: image.fence for (name, partition), image in self._images.items() if name == family}

    async def fences_of(self, families: Sequence[str]) -> dict[str, dict[int, Fence]]:
        return {family: await self.fences(family) for family in families}

    async def read_cells(
        self, family: str, panes: dict[int, list[Pane]], groups: list[Group] | None
    ) -> dict[int, dict[Pane, dict[Group, bytes]]]:
        return {
            partition: {
                pane: _some(self._images[family, partition].cells[pane], groups)
                for pane in wanted
                if pane in self._images[family, partition].cells
            }
            for partition, wanted in panes.items()
        }

    async def read_levels(
        self, family: str, partitions: list[int], groups: list[Group] | None
    ) -> dict[int, dict[Group, bytes]]:
        return {partition: _some(self._images[family, partition].levels, groups) for partition in partitions}

    async def read_soonest(
        self, family: str, places: Sequence[tuple[int, int]], most: int
    ) -> list[list[Since]]:
        """As of the store."""
        return [
            sorted(
                (since for since in self._images[family, partition].since if since.level == level),
                key=lambda since: (since.since_ms, since.subject),
            )[:most]
            for partition, level in places
        ]

    async def read_entities(self, family: str, partition: int, subjects: list[str]) -> dict[str, bytes]:
        """As of the store."""
        states = self._images[family, partition].states
        return {subject: states[subject] for subject in subjects if subject in states}

    async def read_members(self, family: str, partitions: list[int], level: int, oldest: bool) -> list[Since]:
        found: list[Since] = []
        for partition in partitions:
            members = [member for member in self._images[family, partition].since if member.level == level]
            members.sort(key=lambda member: member.since_ms)
            found += members[:1] if oldest else members
        return found

    async def written(
        self, family: str, partitions: Sequence[int], known: Mapping[int, Written]
    ) -> dict[int, Written]:
        """As of the store, with what the panes hold in place of the commits that wrote them."""
        found = {}
        for partition in partitions:
            cells = self._images[family, partition].cells
            panes = {pane: _digest(held) for pane, held in cells.items() if pane[0] >= LONG}
            found[partition] = Written(b"", panes)
        return found

    async def journals(self, family: str) -> dict[int, dict[str, int]]:
        return {
            partition: dict(image.journal)
            for (name, partition), image in self._images.items()
            if name == family
        }


def _digest(cells: dict[Group, bytes]) -> bytes:
    digest = hashlib.blake2b()
    for group, cell in sorted(cells.items()):
        digest.update(b"%d:%d:" % (len(group), len(cell)) + group + cell)
    return digest.digest()


def _some(cells: dict[Group, bytes], groups: list[Group] | None) -> dict[Group, bytes]:
    return cells if groups is None else {group: cells[group] for group in groups if group in cells}
