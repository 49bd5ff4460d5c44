"""The lists of boards that are no numbers of the catalog: clocks that run out next, and dead letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from stream.config import Config, SlaTile
from stream.query.journal import tally
from stream.query.sla_board import Running, Source, read_running
from stream.query.wall_document import Letters, SlaRow, Ticks
from stream.query.wall_memory import Memory
from stream.shard.changes import Fence
from stream.shard.family import INPUTS

SLA_HOLD_MS: Final = 500
"""It takes a read for every kind of clock and shard; in between its rows count down by themselves."""
LETTERS_HOLD_MS: Final = 2_000
_SHOWN: Final = ("team", "agent", "queue", "priority", "channel")


class Note(NamedTuple):
    """Who has taken note of a clock, and when (ms)."""

    by: str
    at_ms: int


Notes = Callable[[str, str], Note | None]
"""The latest note of a subject's clock."""


def no_notes(subject: str, clock: str) -> None:
    """Nobody has taken note of anything."""


class LetterSource(Protocol):
    """What dead letters are read from."""

    async def fences(self, family: str) -> dict[int, Fence]: ...

    async def journals(self, family: str) -> dict[int, dict[str, int]]: ...


async def read_sla(
    config: Config, source: Source, memory: Memory, tile: SlaTile, where: dict[str, str], now_ms: int,
    wall_ms: int, notes: Notes,
) -> list[SlaRow]:  # fmt: skip
    """The clocks that match, the soonest due first. Raises QueryError."""
    wanted: Mapping[str, str | None] = where

    async def read() -> list[Running]:
        return await read_running(config, source, now_ms, tile.clock, tile.state, wanted, tile.most)

    key = ("sla", tile.clock, tile.state, tile.most, tuple(sorted(where.items())))
    found = await memory.get(key, wall_ms, SLA_HOLD_MS, read)
    return [_row(one, notes(one.subject, one.view.clock)) for one in found]


def _row(one: Running, note: Note | None) -> SlaRow:
    view = one.view
    if note is not None and note.at_ms < view.started_ms:
        note = None  # it was of an earlier instance
    return SlaRow(
        id=f"{one.subject}/{view.clock}/{view.instance}", subject=one.subject, clock=view.clock,
        instance=view.instance, state=view.state, level=view.level, policy=view.policy,
        segments={name: one.segments[name] for name in _SHOWN if name in one.segments},
        next_step=one.next_step, ticks=Ticks(until_ms=view.due_ms),
        acknowledged_by=note.by if note is not None else None,
    )  # fmt: skip


async def read_letters(source: LetterSource, memory: Memory, wall_ms: int) -> list[Letters]:
    """What became of the records of every family that has been counted."""

    async def read() -> list[Letters]:
        found = [await _letters(source, family) for family in INPUTS]
        return [letters for letters in found if letters is not None]

    return await memory.get("letters", wall_ms, LETTERS_HOLD_MS, read)


async def _letters(source: LetterSource, family: str) -> Letters | None:
    fences = (await source.fences(family)).values()
    if not fences:
        return None
    total = tally(await source.journals(family))
    seen, refused = (sum(getattr(fence, name) for fence in fences) for name in ("seen", "refused"))
    return Letters(
        family=family, records=total.records, duplicates=total.duplicates,
        refused={reason: count for reason, count in total.refused.items() if count},
        recent_share=refused / seen if seen else None,
    )  # fmt: skip
