"""What is imported and produced, broken: files that adapters read, what adapters yield, lines of JSON.

Each is taken whole, or refused with its place: the file, and the event or line at fault."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from msgspec import json as msgjson

from stream.config import KafkaConfig
from stream.sources.adapter import Adapter, AdapterError, load_adapter
from stream.sources.importer import BadEvent, collect
from stream.sources.produce import BadLine, produce
from stream.sources.publish import Publisher
from stream.sources.sort import Sorter
from tests.fuzz.bounds import bounded
from tests.fuzz.kafka import BYTES_MAX, REASONS, START_MS
from tests.fuzz.mutate import TEXTS, Json, Mutator

ROOT: Final = Path(__file__).parents[2]
ADAPTERS: Final = ROOT / "tests" / "realdata" / "adapters.py"
LATER_MS: Final = START_MS + 40 * 86_400_000
"""Now, as far as an import knows."""
SAID_MAX: Final = 1_000
HEADS: Final = {
    "bank": (
        "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\t"
        "q_time\toutcome\tser_start\tser_exit\tser_time\tserver",
        "AA0101\t1\t912\t2\tPS\t990105\t8:31:14\t8:31:20\t6\t8:31:20\t8:31:52\t32\tAGENT\t8:31:51\t8:33:02\t71\tANNA",
        "AA0102\t2\t0\t0\tNW\t990105\t8:40:00\t8:40:09\t9\t8:40:09\t8:41:39\t90\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
        "AA0103\t3\t0\t0\tPE\t990105\t8:50:00\t8:50:07\t7\t0:00:00\t0:00:00\t0\tPHANTOM\t0:00:00\t0:00:00\t0\tNO_SERVER",
    ),
    "servicenow": (
        "number,incident_state,opened_at,sys_updated_at,contact_type,priority,category,assignment_group,assigned_to,"
        "caller_id",
        "INC1,New,29/2/2016 01:16,29/2/2016 01:23,Phone,3 - Moderate,Category 55,Group 56,?,Caller 2",
        "INC1,Awaiting User Info,29/2/2016 01:16,29/2/2016 08:53,Phone,2 - High,Category 55,Group 56,Ann,?",
        "INC1,Closed,29/2/2016 01:16,5/3/2016 12:00,Self service,3 - Moderate,?,Group 56,Ann,Caller 2",
    ),
    "sfo": (
        "RESPNUM,INTDATE,DAY,METHOD,LANG,NETPRO,Q7ALL,Q14FIND,Q14PASSTHRU",
        "1,10,WED,1,1,9,4,5,3", "2,11,THUR,2,3,0,,6,1", "3,12,FRI,3,2,11,5,1, ",
    ),
    "boston311": (
        "case_enquiry_id,open_dt,target_dt,closed_dt,department,type,source",
        "101,2022-01-31 11:21:00,2022-05-31 11:21:14,2022-02-02 09:00:00,PWDx,Parking,Citizens Connect App",
        '102,2022-02-01 08:00:00,,,ISD,"Heat, none",Constituent Call',
        "103,2022-03-13 02:30:00,2022-03-14 02:30:00,,BTDT,Signs,Self Service",
    ),
}  # fmt: skip
"""Rows as the public data sets have them: tests/realdata."""


class Breaker:
    """Makes what is imported: one row, event or line in each, most of the time broken."""

    def __init__(self, random: Random, events: Sequence[Json]) -> None:
        self.random = random
        self.events = events
        self._mutator = Mutator(random)

    def rows(self, head: Sequence[str]) -> bytes:
        """A file with one of its rows broken: a field, as text, or as bytes."""
        lines = list(head)
        how = self.random.randrange(8)
        place = self.random.randrange(len(lines) if how < 7 else 1)
        between = "\t" if "\t" in lines[0] else ","
        fields = lines[place].split(between)
        at = self.random.randrange(len(fields))
        if how == 0:
            return "\n".join(lines).encode()
        if how < 4:
            fields[at] = self._word()
        elif how == 4:
            fields = fields[:at]
        elif how == 5:
            fields += [self._word() for _ in range(self.random.choice((1, 50)))]
        lines[place] = between.join(fields)
        data = "\n".join(lines).encode(errors="surrogatepass")
        return self._mutator.damaged(data) if how >= 6 else data

    def _word(self) -> str:
        value = self.random.choice((*TEXTS, self._mutator.hostile(), "9" * 5_000, "9" * 200_000, '"', "-1"))
        return value if isinstance(value, str) else repr(value)[:5_000]

    def yielded(self) -> object:
        """What an adapter could make of a row: an event, with values that JSON has no word for."""
        event: Any = json.loads(json.dumps(self.random.choice(self.events)))
        how = self.random.randrange(8)
        if how == 0:
            return self.random.choice((None, [], "event", 5, b"{}", {}))
        if how < 3:
            return event
        name = self.random.choice((*event, "type", "type", "data", "x"))
        value = self._value()
        if how == 3 and isinstance(event.get("data"), dict):
            event["data"][self.random.choice(("ticket", "call", "x"))] = value
        elif how == 4:
            event[value if value.__hash__ is not None else None] = value
        else:
            event[name] = value
        return event

    def _value(self) -> Any:
        endless: list[Any] = []
        endless.append(endless)
        deep: Any = 1
        for _ in range(3_000):
            deep = [deep]
        return self.random.choice((
            date(2026, 3, 2), datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC),
            b"\xff", {1, 2}, object(), float("nan"), float("inf"), Decimal("NaN"), 10**30, 10**5_000,
            -(2**64),
            "\ud800", "x" * 20_000, "x" * 5_000, endless, deep, {None: 1}, {(1, 2): 3}, {1: 2},
            {"\ud800": 1}, range(3),
            self.random.choice(TEXTS), None, 1j, int, "ticket." + "x" * 1_000, "other.created",
        ))  # fmt: skip

    def line(self) -> bytes:
        """A line of JSON."""
        event = self.random.choice(self.events)
        how = self.random.randrange(8)
        if how < 4:
            return msgjson.encode(event)
        if how == 4:
            return self._mutator.damaged(msgjson.encode(event))
        if how == 5:
            return self.random.choice(
                (b"", b" \r", b"\0", b"\xff", b"null", b"[]", b"[" * 5_000, b"x" * 40_000)
            )
        return self._mutator.fields(event)


def run_adapters(seed: str, count: int, directory: Path) -> Counter[str]:
    """So many files through every adapter of the tests, as `floorcast import` reads them."""
    random = Random(f"{seed}:adapters")
    breaker = Breaker(random, ())
    adapters = {name: load_adapter(f"{ADAPTERS}:{name}") for name in HEADS}
    file = directory / "rows.csv"
    counts: Counter[str] = Counter()
    for number in range(count):
        name = random.choice(sorted(HEADS))
        file.write_bytes(breaker.rows(HEADS[name]))
        with bounded(f"{seed} adapter {name} {number}"):
            counts[f"{name} {_imported(adapters[name], file)}"] += 1
    return counts


def run_yielded(seed: str, events: Sequence[Json], count: int, directory: Path) -> Counter[str]:
    """So many lists of what an adapter may yield; the first of them are good ones."""
    breaker = Breaker(Random(f"{seed}:yielded"), events)
    counts: Counter[str] = Counter()
    for number in range(count):
        made = [breaker.random.choice(events), breaker.yielded()]

        def adapter(path: Path, made: list[Any] = made) -> Iterator[Mapping[str, Any]]:
            yield from made

        with bounded(f"{seed} yielded {number}"):
            counts[_imported(adapter, directory, len(made))] += 1
    return counts


def _imported(adapter: Adapter, path: Path, wanted: int | None = None) -> str:
    """What became of a path. What is taken comes out in the order of time."""
    heard: list[int] = []
    with Sorter() as sorter:
        try:
            collect(adapter, [path], sorter, BYTES_MAX, LATER_MS, heard.append)
        except (AdapterError, BadEvent) as error:
            said, failed = str(error), isinstance(error, AdapterError)
            place = r"the adapter .*(before the first|(as|after)) event" if failed else r"event \d+ "
            _check_said(said, f"{re.escape(str(path))}: {place}")
            return "adapter failed" if failed else _reason(said)
        taken = [event.recorded_ms for event in sorter]
    assert taken == sorted(taken)
    assert heard == [len(taken)]
    assert wanted in (None, len(taken))
    return "accepted"


class _Taken:
    """In the place of a publisher: what it was given can be looked at."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def publish(self, topic: str, key: bytes, value: bytes) -> None:
        self.values.append(value)

    async def flush(self) -> None:
        pass


async def run_lines(seed: str, events: Sequence[Json], count: int) -> Counter[str]:
    """So many lines, some of them to a file, as `floorcast produce` reads them: up to the first that is wrong
    all are published, and none behind it."""
    breaker = Breaker(Random(f"{seed}:lines"), events)
    counts: Counter[str] = Counter()
    left = count
    while left > 0:
        lines = [breaker.line() for _ in range(min(left, breaker.random.randrange(1, 6)))]
        left -= len(lines)
        text = b"\n".join(lines)
        taken, refused = _Taken(), ""
        with bounded(f"{seed} lines, {left} left"):
            try:
                await produce(cast(Publisher, taken), KafkaConfig(), BytesIO(text), "lines", BYTES_MAX)
            except BadLine as error:
                said = str(error)
                match = _check_said(said, r"lines:(\d+): ")
                good = text.split(b"\n")[: int(match[1]) - 1]
                refused = "not JSON" if "not JSON" in said else _reason(said)
                counts[refused] += 1
            else:
                good = text.split(b"\n")
        assert [json.loads(value) for value in taken.values] == [
            json.loads(line) for line in good if line.strip()
        ]
        counts["accepted"] += len(taken.values)
        counts["blank, or behind a wrong line"] += max(0, len(lines) - len(taken.values) - bool(refused))
    return counts


def _check_said(said: str, place: str) -> re.Match[str]:
    match = re.match(place, said)
    assert match, said
    assert len(said) <= SAID_MAX, said
    return match


def _reason(said: str) -> str:
    """The reason of a dead letter that an error names."""
    if "is later than now" in said:
        return "refused_future"
    if "longer than" in said:
        return "refused_too_large"
    match = re.search(r": (\w+)( at [^:]*)?: .", said)
    assert match, said
    assert match[1] in REASONS, said
    return f"refused_{match[1]}"
