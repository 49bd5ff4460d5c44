"""What must hold when all has been read: everything was told once, and the numbers are the oracle's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from stream.events.clocks import CLOCKS
from stream.events.instants import to_ms
from stream.events.sla import decode_sla
from stream.shard.family import family
from stream.shard.notices import RETRACTED, Notice, notices_of, sla_events
from stream.sla.marks import BREACHED
from tests import oracle
from tests.simulation.checks import Checks, Seen
from tests.simulation.numbers import Accepted, accepted, check_numbers
from tests.simulation.world import START_MS, World

Breach = tuple[str, str, int, int]
"""Subject, clock, when it started, when it breached."""


DAY_MS = 86_400_000


async def at_end(checks: Checks) -> None:
    """Everything of this page."""
    world = checks.world
    shards = await checks.look()
    if world.wrong:
        return
    checks.keys(shards)
    rolled_back = bool(world.happened["tail"] or world.happened["empty"])
    topic = told(world)
    for seen in shards:
        if seen.family in ("tickets", "calls"):
            check_told(checks, seen, topic)
    ways = {id_ for seen in shards for id_ in ids_of(checks, seen)}
    if not rolled_back and (strange := topic.keys() - ways):
        world.wrong.append(f"told, but in no image: {', '.join(sorted(strange)[:3])}")
    check_deliveries(world)
    events = {(seen.family, seen.partition): accepted(checks, seen) for seen in shards}
    for seen in shards:
        check_refusals(world, seen, events[seen.family, seen.partition])
    kept = world.furthest_ms <= 2 * DAY_MS  # the panes that are asked for
    if kept and all(one.simple for one in events.values()):
        world.happened["compared with the oracle"] += 1
        check_breaches(checks, shards, events)
        await check_numbers(checks, shards, events)


def told(world: World) -> Counter[str]:
    """How often each event of a clock stands in its topic."""
    parts = world.log.topics[world.config.kafka.topics.sla]
    return Counter(decode_sla(record.value or b"").id for part in parts for record in part.records)


def ids_of(checks: Checks, seen: Seen) -> Iterator[str]:
    """Of every event that an image's way has put into its outbox."""
    if seen.family in ("tickets", "calls"):
        config = checks.config(seen.image.fence.versions)
        dimensions = family(seen.family, config).fold.segments.dimensions
        for commit in seen.way:
            for packed in commit.notices.values():
                for event in sla_events(packed, dimensions):
                    yield event.id


def notices(seen: Seen) -> Iterator[Notice]:
    """What an image's way has put into its outbox, in that order."""
    for commit in seen.way:
        for packed in commit.notices.values():
            yield from notices_of(packed)[1]


def check_told(checks: Checks, seen: Seen, topic: Counter[str]) -> None:
    """What is in an image's outbox is in the topic; of a breach there is never one more than none."""
    where = f"{seen.family}/{seen.partition}"
    missing = [id_ for id_ in ids_of(checks, seen) if id_ not in topic]
    if missing:
        checks.world.wrong.append(f"{where}: never told: {', '.join(missing[:3])}")
    stands: Counter[Breach] = Counter()
    for notice in notices(seen):
        if notice.kind in (BREACHED, RETRACTED):
            breach = _breach(notice)
            stands[breach] += 1 if notice.kind == BREACHED else -1
            if stands[breach] not in (0, 1):
                checks.world.wrong.append(f"{where}: {breach} stands {stands[breach]} times in the outbox")


def check_breaches(checks: Checks, shards: list[Seen], events: dict[tuple[str, int], Accepted]) -> None:
    """What stands is what the oracle says."""
    world = checks.world
    if len(checks.history()) > 1 or world.furthest_ms >= DAY_MS:
        return  # the oracle knows policies by their dates, and of an entity its latest life
    for seen in shards:
        if seen.family not in ("tickets", "calls"):
            continue
        stands: Counter[Breach] = Counter()
        for notice in notices(seen):
            if notice.kind in (BREACHED, RETRACTED):
                stands[_breach(notice)] += 1 if notice.kind == BREACHED else -1
        parsed = events[seen.family, seen.partition].parsed
        truth = {
            (subject, view.clock, view.started_ms, view.breached_at_ms)
            for subject in {event["subject"] for event in parsed}
            for view in oracle.clocks(world.plan.settings, parsed, subject, seen.image.fence.clock)
            if view.breached_at_ms is not None
        }
        if truth != (ours := {breach for breach, count in stands.items() if count}):
            world.wrong.append(
                f"{seen.family}/{seen.partition}: breaches that are none: {sorted(ours - truth)[:2]}, "
                f"that nobody told: {sorted(truth - ours)[:2]}"
            )


def _breach(notice: Notice) -> Breach:
    return notice.subject, CLOCKS[notice.clock], notice.started_ms, notice.at_ms


def check_refusals(world: World, seen: Seen, events: Accepted) -> None:
    """Every record that had to be refused is a dead letter, and no other (but of what the core judges)."""
    (part,) = world.log.topics[world.config.kafka.topics.deadletters]
    place = (getattr(world.config.kafka.topics, seen.family), str(seen.partition))
    found: defaultdict[int, set[str]] = defaultdict(set)
    for record in part.records:
        headers = {
            name: (value or b"").decode() for name, value in record.headers if name.startswith("floorcast_")
        }
        if (headers["floorcast_topic"], headers["floorcast_partition"]) == place:
            found[int(headers["floorcast_offset"])].add(headers["floorcast_reason"])
    if seen.family == "contacts":
        return
    missing = {offset: reason for offset, reason in events.refused.items() if offset not in found}
    if missing:
        world.wrong.append(f"{place}: no dead letter of {dict(list(missing.items())[:3])}")
    # What was read again after the store went back may have lost its head since.
    rolled_back = (world.happened["empty"] or world.happened["tail"]) and world.happened["truncate"]
    strange = {
        offset: reasons
        for offset, reasons in found.items()
        if offset not in events.refused and reasons & {"late", "future", "not_json", "empty"}
    }
    if strange and not rolled_back:
        world.wrong.append(f"{place}: dead letters of good records: {dict(list(strange.items())[:3])}")


def check_deliveries(world: World) -> None:
    """Every breach reaches the pager, none twice but for what docs/alerts.md says."""
    given: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in world.deliveries:
        given[one.to, one.id].append(one.again)
    may = world.happened["dispatcher killed"] + world.happened["answer lost"]
    for (to, id_), again in given.items():
        if not all(again[1:]):
            world.wrong.append(f"{to} was told {id_} again without a word")
        if len(again) > 1 + may:
            world.wrong.append(f"{to} was told {id_} {len(again)} times")
    if world.happened["jump"]:
        return  # what was found before the clocks were set may have been too old to be told
    ids = told(world)
    outlived = _outlived(world)
    paged = {one.key for one in world.deliveries if one.to == "pager" and one.kind == "breached"}
    silent = [
        id_
        for id_ in sorted(ids)
        if "/breached/" in id_
        and id_ not in outlived
        and id_.replace("/breached/", "/breach_retracted/") not in ids
        and id_.partition("/breached/")[0] not in paged
    ]
    if silent:
        world.wrong.append(f"the pager was never told {', '.join(silent[:3])}")


def _outlived(world: World) -> set[str]:
    """The events that were found before the hour at the end, and told after it: too old to page."""
    found = set()
    for part in world.log.topics[world.config.kafka.topics.sla]:
        for record, came_s in zip(part.records, part.came_s, strict=True):
            event = decode_sla(record.value or b"")
            if came_s > world.later_s and to_ms(event.recordedtime) < START_MS + world.later_s * 1000:
                found.add(event.id)
    return found
