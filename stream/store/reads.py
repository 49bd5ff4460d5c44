"""Reading in bulk: hashes in one round trip, or whole keys of any length bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from stream.metrics.panes import Group
from stream.store.client import Client
from stream.store.connections import Command
from stream.store.script import Script

FIELDS_MAX: Final = 1_000
"""Fields that one command asks for: Redis serves others between commands."""
KEYS_MAX: Final = 100
"""Keys that `scan` reads side by side."""

PANES: Final = Script("read.lua")
CALLS_MAX: Final = 100
"""Calls of the script in one round trip."""
VALUES_MAX: Final = 10_000
"""Fields that one call of the script asks for, all keys together: a few ms of Redis."""
WHOLE_MAX: Final = 100
"""Whole hashes that one call of the script asks for."""

Fields = Sequence[str] | Sequence[bytes] | None
"""Which fields of a hash; None: all."""


class Panes(NamedTuple):
    """Panes of one shard that are asked for the same groups."""

    numbers: bytes
    """The key of the numbers of groups."""
    keys: Sequence[bytes]
    groups: Sequence[Group] | None
    """None: all."""


async def read_hashes(
    client: Client, wanted: Iterable[tuple[bytes, Fields]], others: Sequence[Command] = ()
) -> tuple[list[dict[Any, bytes]], list[Any]]:
    """The fields found of each wanted (key, fields), and the answers to others of the same round trip."""
    wanted = list(wanted)
    commands = [command for key, fields in wanted for command in _commands(key, fields)]
    answers = iter(await client.ask([*commands, *others]))
    return [_found(fields, answers) for _, fields in wanted], list(answers)


async def read_panes(client: Client, wanted: Sequence[Panes]) -> list[list[dict[Group, bytes]]]:
    """The cells found in each pane of each of `wanted`, in few calls."""
    found: list[list[dict[Group, bytes]]] = [[{} for _ in panes.keys] for panes in wanted]
    calls = list(_calls(wanted))
    for at in range(0, len(calls), CALLS_MAX):
        part = calls[at : at + CALLS_MAX]
        words: list[Command] = [
            (1 + len(call.keys), call.numbers, *call.keys, *(call.groups or ())) for _, _, call in part
        ]
        answers = await client.run(PANES, words)
        for (of, start, call), (numbers, *panes) in zip(part, answers, strict=True):
            for place, cells in enumerate(_cells(call.groups, numbers, panes), start):
                found[of][place].update(cells)
    return found


def name_cells(names: Mapping[bytes, Group], cells: Iterable[tuple[bytes, bytes]]) -> dict[Group, bytes]:
    """Cells by group instead of by its number. One that no group has (damage) stands for itself."""
    return {names.get(number, number): cell for number, cell in cells}


async def scan(client: Client, command: str, keys: Sequence[bytes]) -> list[list[Any]]:
    """Everything in each key, in steps of a bounded size; exact only when nobody writes meanwhile.

    `command`: HSCAN or ZSCAN, which give pairs, or SSCAN.
    """
    found: dict[bytes, dict[Any, None]] = {key: {} for key in keys}
    pending = [(key, 0) for key in keys]
    while pending:
        step, pending = pending[:KEYS_MAX], pending[KEYS_MAX:]
        answers = await client.ask([(command, key, cursor, "COUNT", FIELDS_MAX) for key, cursor in step])
        for (key, _), (cursor, items) in zip(step, answers, strict=True):
            # A scan may tell an element twice.
            found[key].update(dict.fromkeys(items.items() if isinstance(items, dict) else items))
            if int(cursor):
                pending.append((key, int(cursor)))
    return [list(found[key]) for key in keys]


def score_pairs(answer: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Member and score of an answer WITHSCORES. Scores are whole: instants in ms, exact to 2^53."""
    for member, score in zip(answer[::2], answer[1::2], strict=True):
        yield member, int(float(score))


def _calls(wanted: Sequence[Panes]) -> Iterator[tuple[int, int, Panes]]:
    """Calls of the script, each with its place in `wanted` and that of its first key."""
    for of, (numbers, keys, groups) in enumerate(wanted):
        parts: list[Sequence[Group] | None] = [None]
        if groups is not None:
            parts = [groups[at : at + FIELDS_MAX] for at in range(0, len(groups), FIELDS_MAX)]
        for part in parts:
            step = VALUES_MAX // len(part) if part else WHOLE_MAX
            for start in range(0, len(keys), step):
                yield of, start, Panes(numbers, keys[start : start + step], part)


def _cells(
    groups: Sequence[Group] | None, numbers: Sequence[Any], panes: Sequence[Any]
) -> Iterator[dict[Group, bytes]]:
    """What there is in each pane of an answer of the script."""
    if groups is None:
        names = dict(zip(numbers[1::2], numbers[::2], strict=True))
        for cells in panes:
            yield name_cells(names, zip(cells[::2], cells[1::2], strict=True))
    else:
        known = [group for group, number in zip(groups, numbers, strict=True) if number is not None]
        for cells in panes:
            yield {group: cell for group, cell in zip(known, cells, strict=True) if cell is not None}


def _commands(key: bytes, fields: Fields) -> Iterator[Command]:
    if fields is None:
        yield "HGETALL", key
    else:
        for start in range(0, len(fields), FIELDS_MAX):
            yield "HMGET", key, *fields[start : start + FIELDS_MAX]


def _found(fields: Fields, answers: Iterator[Any]) -> dict[Any, bytes]:
    if fields is None:
        everything: dict[Any, bytes] = next(answers)
        return everything
    found = {}
    for start in range(0, len(fields), FIELDS_MAX):
        values = next(answers)
        for field, value in zip(fields[start : start + FIELDS_MAX], values, strict=True):
            if value is not None:
                found[field] = value
    return found
