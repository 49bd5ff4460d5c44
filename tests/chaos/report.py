"""What a run has shown: as a table for people, and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Self

import msgspec
from msgspec import Struct

from tests.chaos.load import Load
from tests.chaos.scene import Scene
from tests.chaos.watch import Trouble
from tests.rig.pipeline import Verdict


class Kind(Struct, frozen=True):
    """Faults of one kind. `stall_ms`: the longest stall of live numbers, of faults that came alone; `None`
    where none did."""

    times: int
    stall_ms: int | None


class Results(Struct, frozen=True, kw_only=True):
    """`differences`: what is not as it should be, in words; empty: the run is passed."""

    seconds: int
    differences: list[str]
    faults: dict[str, Kind]
    beside: dict[str, str]
    events: int
    records: int
    duplicates: int
    commits: int
    refusals: int
    worker_ends: dict[str, int]
    answers: int
    unanswered: int
    longest_unwritten_ms: int
    verdict: str

    @classmethod
    async def of(cls, scene: Scene, load: Load, verdict: Verdict, beside: Mapping[str, str]) -> Self:
        """The results, after everything has been read and compared."""
        journal = await scene.deployment.journal()
        watch = scene.watch
        return cls(
            seconds=round(watch.at_s),
            differences=[*_unequal(verdict), *[line async for line in _uncounted(scene, load, journal)]],
            faults=_by_kind(watch.troubles),
            beside=dict(beside),
            events=sum(load.told.values()),
            records=journal["records"],
            duplicates=journal["duplicates"],
            commits=sum(watch.commits.values()),
            refusals=sum(watch.refusals.values()),
            worker_ends=dict(scene.crew.ends.most_common()),
            answers=watch.answers,
            unanswered=watch.refused,
            longest_unwritten_ms=round(load.longest_wait_s * 1000),
            verdict=verdict.output.strip(),
        )

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{'survived':18} {'times':>5} {'longest stall':>14}"
        for kind, found in self.faults.items():
            stall = "-" if found.stall_ms is None else f"{found.stall_ms / 1000:.1f} s"
            yield f"{kind:18} {found.times:5} {stall:>14}"
        for what, said in self.beside.items():
            yield f"{what:18}     1 {said:>14}"
        yield (
            f"{self.events} events, {self.records} records ({self.duplicates} twice in the log), at least "
            f"{self.commits} commits and {self.refusals} refused by the fence, in {self.seconds} s"
        )
        yield f"questions about live numbers: {self.answers} answered, {self.unanswered} not"
        yield f"the longest that the log took no event: {self.longest_unwritten_ms / 1000:.1f} s"
        for reason, count in self.worker_ends.items():
            yield f"workers ended {count} times: {reason}"
        yield from (f"NOT AS IT SHOULD BE: {line}" for line in self.differences)
        if not self.differences:
            yield "the image is equal to the log's, and every event is counted once"

    def json(self) -> bytes:
        """For programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def _unequal(verdict: Verdict) -> list[str]:
    return [] if verdict.same else [f"floorcast verify: {verdict.output.strip()}"]


async def _uncounted(scene: Scene, load: Load, journal: Mapping[str, int]) -> AsyncIterator[str]:
    """Comparing image and log does not show what is in neither."""
    if not scene.watch.troubles:
        yield "no fault came: there was no time"
    if unasked := scene.crew.ends["status 0"]:
        yield f"{unasked} workers ended as if they had been asked to"
    told = sum(load.told.values())
    if (counted := journal["records"] - journal["duplicates"]) != told:
        yield f"{told} events were told, {counted} are counted: {dict(journal)}"
    calls = (await scene.deployment.ask("calls_offered"))["value"]
    if calls != load.told["call.offered"]:
        yield f"calls_offered is {calls}, and {load.told['call.offered']} were told"


def _by_kind(troubles: list[Trouble]) -> dict[str, Kind]:
    kinds: defaultdict[str, list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        kinds[trouble.kind].append(trouble)
    return {
        kind: Kind(len(each), max((t.stall_ms for t in each if t.alone), default=None))
        for kind, each in sorted(kinds.items())
    }
