"""The product broken on purpose, one way at a time: the simulation must find each within 200 seeds.

    make simulate-mutants

Each is a piece of the product's text and what stands in its place, in a copy of the tree in plain Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SEEDS = 200


class Mutant(NamedTuple):
    """`text` stands once in the file. `found_by`: the first seed that finds it."""

    name: str
    path: str
    text: str
    instead: str
    found_by: int


_WORDS = "        call = words(keys, expected_commit_id, changes)\n"
_ANSWERED = "            self._work.refusals += 1\n            raise\n"
_SENT = "        await asyncio.gather(*await self._send_batches(producer, self._kafka.topics.sla, records))\n"
_FIELD = "            setattr(fence, field.name, int(value) if whole else value.decode())\n"
_COMMIT = "        try:\n            await self._store.commit(shard"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the fence is not asked", "stream/store/commit.lua",
        "if current ~= ARGV[1] then", "if false then", 3,
    ),
    Mutant(
        "the offset is committed before what its records caused", "stream/worker/mailbox.py",
        _COMMIT,
        "        await self._store.commit(shard.family.name, shard.partition, shard.fence.commit_id,\n"
        "            Changes(fence=fence, journal=changes.journal))\n"
        "        shard.fence.commit_id, fence.commit_id = fence.commit_id, new_commit_id()\n" + _COMMIT, 1,
    ),
    Mutant(
        "contributions of a history that is folded anew are not taken back", "stream/lifecycle/entity.py",
        "    out.merge(_replay(fold, entity, old)[1], -1)\n", "", 1,
    ),
    Mutant(
        "the outbox is written beside the commit", "stream/store/store.py",
        _WORDS,
        "        notices, changes.notices_added = changes.notices_added, {}\n" + _WORDS
        + "        changes.notices_added = notices\n"
        "        for number, packed in notices.items():\n"
        "            await self._client.send('HSET', keys.notices, number, packed)\n", 31,
    ),
    Mutant(
        "timers are forgotten by a new owner", "stream/shard/shard.py",
        "        heapq.heapify(self._timers)\n", "        self._timers, self._armed = [], {}\n", 1,
    ),
    Mutant(
        "a duplicate counts", "stream/lifecycle/entity.py",
        "    if may_be_known and _is_known(fold, entity, row, out):\n        return DUPLICATE\n", "", 3,
    ),
    Mutant(
        "notices are marked as told before they are", "stream/worker/letters.py",
        _SENT + "        mailbox.noticed(numbers)\n",
        "        mailbox.noticed(numbers)\n        await asyncio.sleep(1.5)\n" + _SENT, 8,
    ),
    Mutant(
        "half of a commit is written", "stream/store/store.py",
        _WORDS,
        "        states, changes.states = changes.states, {}\n" + _WORDS
        + "        for subject, packed in states.items():\n"
        "            told = ('HDEL', keys.states, subject) if packed is None else (\n"
        "                'HSET', keys.states, subject, packed)\n"
        "            await self._client.send(*told)\n", 6,
    ),
    Mutant(
        "the log's clock is not restored", "stream/store/layout.py",
        _FIELD, _FIELD + "    fence.log_clock = 0\n", 1,
    ),
    Mutant(
        "memory is used on after a reply that was lost", "stream/worker/mailbox.py",
        _ANSWERED,
        _ANSWERED + "        except Exception:\n            self._half_done = False\n            return\n",
        15,
    ),
    Mutant(
        "a new owner does not claim", "stream/worker/shards.py",
        "        await self._write(partition, stored, replace(fence, versions=len(history)), {})\n",
        "        stored.fence = replace(fence, versions=len(history))\n", 52,
    ),
    Mutant(
        "an alert is not known to be on its way", "stream/alerts/book.py",
        "            notice.tried = True\n            self.changed.add(alert.key)\n", "            pass\n",
        32,
    ),
    Mutant(
        "no open clock is looked at when a version comes", "stream/shard/succession.py",
        "    return {subject: begins_ms for", "    return {} and {subject: begins_ms for", 51,
    ),
    Mutant(
        "what retention took before it was read is not skipped", "stream/worker/shards.py",
        "offset=max(stored.fence.offset, start)", "offset=stored.fence.offset", 52,
    ),
    Mutant(
        "events of clocks are marked read before their alerts are kept", "stream/alerts/dispatch.py",
        "        self._take(portion, now_ms)\n",
        "        self._take(portion, now_ms)\n        if portion.sla:\n"
        "            await topics.commit()\n", 8,
    ),
    Mutant(
        "a shard that lags takes the wall's time", "stream/worker/mailbox.py",
        "return position.answered_ms if reached >= position.end_offset else None",
        "return position.answered_ms", 6,
    ),
)  # fmt: skip


def broken(mutant: Mutant, directory: Path) -> None:
    """A copy of the tree with the mutant in it."""
    for top in ("stream", "tests"):
        shutil.copytree(ROOT / top, directory / top, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    file = directory / mutant.path
    file.write_text(file.read_text().replace(mutant.text, mutant.instead))


def found(mutant: Mutant, first: int, runs: int) -> tuple[int | None, str]:
    """The first of these seeds that fails, and with what."""
    with TemporaryDirectory() as directory:
        broken(mutant, Path(directory))
        command = [sys.executable, "-m", "tests.simulation", "--first", "--processes=1"]
        done = subprocess.run(
            [*command, f"--seed={first}", f"--runs={runs}"],
            cwd=directory, capture_output=True, text=True, check=False,
        )  # fmt: skip
    failure = re.search(r"^seed (\d+) fails: (.*)$", done.stdout, re.MULTILINE)
    if failure is None:
        assert done.returncode == 0, done.stderr  # it ran, and all was well
        return None, "survived"
    return int(failure[1]), failure[2]


def main() -> int:
    """Says of each mutant by which seed it is found; the exit status is 1 when one is not."""
    survived = 0
    for mutant in MUTANTS:
        began_s = time.monotonic()
        seed, said = found(mutant, 1, SEEDS)
        survived += seed is None
        print(f"{mutant.name}: seed {seed}, {time.monotonic() - began_s:.0f} s: {said[:150]}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
