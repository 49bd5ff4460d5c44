"""Alerts on floorcast itself: is it there, does it keep up, is what it says whole, does it tell people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.generate.rules import Alert, Group, Trial

OWNER: Final = "Platform"
JOB: Final = "floorcast"
"""The job of Prometheus that scrapes the exporter."""
BOARD: Final = "pipeline"
WATCHDOG: Final = "FloorcastWatchdog"
STALE_S: Final = 60
ARRIVALS_LEAST: Final = 10
ARRIVALS_SHARE: Final = 0.1


def alerts_floorcast() -> list[Group]:
    """All of them."""
    return [
        Group("floorcast-presence", tuple(_presence())),
        Group("floorcast-freshness", tuple(_freshness())),
        Group("floorcast-wholeness", tuple(_wholeness())),
        Group("floorcast-arrivals", tuple(_arrivals())),
        Group("floorcast-deliveries", (*_deliveries(), *_dispatcher())),
        Group("floorcast-store", tuple(_store())),
    ]


def _presence() -> Iterator[Alert]:
    yield Alert(
        WATCHDOG, "vector(1)", "", "none", OWNER,
        summary="Alerts arrive",
        description="Fires always. When it is not heard of, alerts do not arrive.",
        next_action="None while it fires. Have what receives it tell you when it stops.",
        board=BOARD, trials=(Trial("always", {}, "5m", {}),),
    )  # fmt: skip
    up = f'up{{job="{JOB}"}}'
    one = f'up{{job="{JOB}",instance="exporter:9464"}}'
    yield Alert(
        "FloorcastExporterDown", f"{up} == 0 or absent({up})", "2m", "critical", OWNER,
        summary="Prometheus cannot scrape floorcast's exporter",
        description="Dashboards and alerts on numbers see nothing; wallboards and ticket alerts go on.",
        next_action="Look at the exporter's log and /readyz: its process, Redis, the network.",
        board=BOARD,
        trials=(
            Trial("no answer", {one: "1x10 0x20"}, "20m", {"job": JOB, "instance": "exporter:9464"}),
            Trial("not even a target", {}, "20m", {"job": JOB}),
            Trial("one scrape failed", {one: "1x18 0 1x20"}, "20m"),
        ),
    )  # fmt: skip
    worker = "support_worker_up"
    yield Alert(
        "FloorcastNoWorker",
        f'(absent({worker}) or count({worker} == 1) == 0) and on () count(up{{job="{JOB}"}} == 1) > 0',
        "2m", "critical", OWNER,
        summary="No worker of floorcast runs",
        description="Nothing is counted and no breach is found. What comes stays in Kafka.",
        next_action="Start a worker; see in its log why the last one ended.",
        board=BOARD,
        trials=(
            Trial("none is known", {one: "1x30"}, "20m", {}),
            Trial("one runs", {one: "1x30", f'{worker}{{worker="w1"}}': "1x30"}, "20m"),
            Trial("the exporter is down, which is said already", {one: "0x30"}, "20m"),
        ),
    )  # fmt: skip


def _freshness() -> Iterator[Alert]:
    fresh = "support_fresh_seconds"
    series = f'{fresh}{{topic="calls"}}'
    yield Alert(
        "FloorcastStale", f"{fresh} > {STALE_S} or {fresh} != {fresh}", "2m", "critical", OWNER,
        summary="The numbers of {{ $labels.topic }} are old",
        description="A shard has not read its log to the end for a minute, or never has: "
        "{{ $value | humanizeDuration }}.",
        next_action="See which partition lags, whether its worker runs, and whether Kafka and Redis answer.",
        board=BOARD,
        trials=(
            Trial("old", {series: "61x30"}, "20m", {"topic": "calls"}),
            Trial("never read", {series: " ".join(["NaN"] * 30)}, "20m", {"topic": "calls"}),
            Trial("fresh", {series: "3x30"}, "20m"),
            Trial("old for a moment", {series: "3x18 90x1 3x20"}, "20m"),
        ),
    )  # fmt: skip
    lag = "support_shard_lag_records"
    series = f'{lag}{{topic="tickets",partition="1",worker="w1"}}'
    labels = {"topic": "tickets", "partition": "1"}
    yield Alert(
        "FloorcastLag",
        f"min by (topic, partition) (min_over_time({lag}[5m])) > 10000\n"
        f"  and max by (topic, partition) ({lag}) > max by (topic, partition) ({lag} offset 5m)",
        "5m", "warning", OWNER,
        summary="{{ $labels.topic }}/{{ $labels.partition }} lags by {{ $value | humanize }} records",
        description="More comes than its worker reads.",
        next_action="Add workers, up to one a partition; see whether Redis is slow.",
        board=BOARD,
        trials=(
            Trial("falls back", {series: "20000+1000x40"}, "30m", labels),
            Trial("catches up", {series: "90000-1000x40"}, "30m"),
            Trial("a little behind", {series: "10+100x40"}, "30m"),
        ),
    )  # fmt: skip
    mark = "support_watermark_timestamp_seconds"
    series, age = f'{mark}{{topic="tickets"}}', f'{fresh}{{topic="tickets"}}'
    labels = {"topic": "tickets"}
    yield Alert(
        "FloorcastClockStopped",
        f"time() - min by (topic) ({mark}) > 300\n  and on (topic) {fresh} <= {STALE_S}",
        "5m", "critical", OWNER,
        summary="Timers of {{ $labels.topic }} have stood still for {{ $value | humanizeDuration }}",
        description="Its log is read, but no breach is found after this instant.",
        next_action="Compare the clocks of the machines; look at the log of its worker.",
        board=BOARD,
        trials=(
            Trial("stands", {series: "0x40", age: "1x40"}, "20m", labels),
            Trial("moves", {series: "0+60x40", age: "1x40"}, "20m"),
            Trial("stale, which is said already", {series: "0x40", age: "400x40"}, "20m"),
        ),
    )  # fmt: skip


def _wholeness() -> Iterator[Alert]:
    dead, read = "support_dead_letters_total", "support_events_total"
    refused = f'{dead}{{topic="calls",reason="invalid"}}'
    taken = f'{read}{{topic="calls",result="applied"}}'
    yield Alert(
        "FloorcastDeadLetters",
        f"sum by (topic) (increase({dead}[15m])) > 0.01 * sum by (topic) (increase({read}[15m]))\n"
        f"  and sum by (topic) (increase({dead}[15m])) >= 10",
        "5m", "warning", OWNER,
        summary="{{ $value | humanize }} events of {{ $labels.topic }} were refused in 15 minutes",
        description="More than one in a hundred. They are in no number until they are sent again, corrected.",
        next_action="Read reason and path in the dead letter topic; mend the source.",
        board=BOARD,
        trials=(
            Trial("many", {refused: "0+2x60", taken: "0+100x60"}, "30m", {"topic": "calls"}),
            Trial("few of many", {refused: "0+2x60", taken: "0+1000x60"}, "30m"),
            Trial("a handful", {refused: "0+0.1x60", taken: "0+0.1x60"}, "30m"),
            Trial("long ago", {refused: "500x60", taken: "500+100x60"}, "30m"),
        ),
    )  # fmt: skip
    fence = "support_fence_refusals_total"
    yield Alert(
        "FloorcastFenceStorm", f"sum(increase({fence}[10m])) > 20", "5m", "warning", OWNER,
        summary="Commits were refused {{ $value | humanize }} times in 10 minutes",
        description="Workers take partitions from each other. Numbers stay exact, but come late.",
        next_action="See why the group rebalances: workers that restart or pause for too long.",
        board=BOARD,
        trials=(
            Trial("again and again", {fence: "0+5x60"}, "30m", {}),
            Trial("a rebalance", {fence: "0x20 6x40"}, "30m"),
        ),
    )  # fmt: skip
    drift = "support_replay_drift"
    yield Alert(
        "FloorcastDrift", f"{drift} > 0", "", "critical", OWNER,
        summary="`floorcast verify` found {{ $value }} differences from the log",
        description="What is in Redis is not what the log gives.",
        next_action="Keep the output of `floorcast verify`, report it, and rebuild into another namespace.",
        board=BOARD,
        trials=(Trial("differs", {drift: "1x10"}, "5m", {}), Trial("the same", {drift: "0x10"}, "5m")),
    )  # fmt: skip
    invalid = "support_grouping_invalid"
    series = f'{invalid}{{topic="calls",dimension="queue"}}'
    yield Alert(
        "FloorcastGroupingInvalid", f"max by (topic, dimension) ({invalid}) == 1", "5m", "warning", OWNER,
        summary="There are no numbers of {{ $labels.topic }} by {{ $labels.dimension }} any more",
        description="A shard has more than 10,000 groups by it: mostly a source fills it with ids.",
        next_action="Mend the field at its source, or take the dimension out of `groupings`.",
        board=BOARD,
        trials=(
            Trial("too many", {series: "1x30"}, "20m", {"topic": "calls", "dimension": "queue"}),
            Trial("few enough", {series: "0x30"}, "20m"),
        ),
    )  # fmt: skip


def _arrivals() -> Iterator[Alert]:
    """By channel, and of a topic that is not exported by channel as a whole."""
    of_channel, of_topic = "support_channel_arrivals", "support_arrivals"
    channel = 'topic="tickets",channel="email",window="1h"'
    came, expected = (f"{of_channel}{end}{{{channel}}}" for end in ("_in_window", "_expected_in_window"))
    topic = 'topic="calls",window="1h"'
    all_came, all_expected = (f"{of_topic}{end}{{{topic}}}" for end in ("_in_window", "_expected_in_window"))
    email = {"topic": "tickets", "channel": "email", "window": "1h"}
    yield Alert(
        "FloorcastSourceSilent",
        f"({_silent(of_channel)})\nor\n({_silent(of_topic)}\n  unless on (topic) {of_channel}_in_window)",
        "10m", "critical", OWNER,
        summary="{{ $labels.topic }}{{ with $labels.channel }} of channel {{ . }}{{ end }} are silent: "
        "{{ $value }} in an hour",
        description="Less than a tenth of what usually comes in this hour (median of four weeks). "
        "It looks like a quiet day on every board.",
        next_action="Ask the owner of the source; events that come later are counted where they belong.",
        board=BOARD,
        trials=(
            Trial("silent", {came: "0x60", expected: "40x60"}, "40m", email),
            Trial(
                "silent, not told by channel", {all_came: "0x60", all_expected: "40x60"}, "40m",
                {"topic": "calls", "window": "1h"},
            ),
            Trial("less than usual", {came: "20x60", expected: "40x60"}, "40m"),
            Trial("a quiet hour", {came: "0x60", expected: "3x60"}, "40m"),
            Trial("nothing is known of the weeks before", {came: "0x60"}, "40m"),
        ),
    )  # fmt: skip


def _silent(name: str) -> str:
    usual = f"{name}_expected_in_window"
    return f"{name}_in_window < {ARRIVALS_SHARE} * {usual}\n  and {usual} >= {ARRIVALS_LEAST}"


def _deliveries() -> Iterator[Alert]:
    oldest = "support_outbox_oldest_seconds"
    series = f'{oldest}{{topic="tickets"}}'
    yield Alert(
        "FloorcastOutboxStuck", f"{oldest} > 60", "5m", "critical", OWNER,
        summary="The outbox of {{ $labels.topic }} has not got on for {{ $value | humanizeDuration }}",
        description="Breaches are found and nobody is told of them, or facts and dead letters wait.",
        next_action="See whether Kafka takes writes to the topics of floorcast, and the worker's log.",
        board=BOARD,
        trials=(
            Trial("stuck", {series: "100+60x30"}, "20m", {"topic": "tickets"}),
            Trial("on its way", {series: "2x30"}, "20m"),
        ),
    )  # fmt: skip
    circuit = "support_delivery_circuit_open"
    series = f'{circuit}{{destination="pager"}}'
    yield Alert(
        "FloorcastDeliveriesFailing", f"max by (destination) ({circuit}) == 1", "5m", "critical", OWNER,
        summary="Alerts do not reach {{ $labels.destination }}",
        description="Five deliveries have failed; one is tried at a time. What gets too old is dropped.",
        next_action="`floorcast alerts test --to DESTINATION` says why.",
        board=BOARD,
        trials=(
            Trial("open", {series: "1x30"}, "20m", {"destination": "pager"}),
            Trial("closed", {series: "0x30"}, "20m"),
            Trial("open for a moment", {series: "0x18 1x1 0x20"}, "20m"),
        ),
    )  # fmt: skip
    dropped = "support_alerts_too_old_total"
    yield Alert(
        "FloorcastAlertsDropped", f"sum(increase({dropped}[1h])) > 0", "", "warning", OWNER,
        summary="{{ $value | humanize }} alerts of tickets were too old to be sent",
        description="They were found or could be delivered only after `alerts.max_age`.",
        next_action="Look at the board `sla` for what was missed; the alerts before say what held it up.",
        board=BOARD,
        trials=(
            Trial("dropped", {dropped: "0x20 3x20"}, "25m", {}),
            Trial("dropped long ago", {dropped: "3x90"}, "85m"),
        ),
    )  # fmt: skip


def _dispatcher() -> Iterator[Alert]:
    up = "support_dispatcher_up"
    series = f'{up}{{dispatcher="d1",version="1"}}'
    yield Alert(
        "FloorcastDispatcherGone", f"absent({up}) and on () count(last_over_time({up}[1h])) > 0",
        "2m", "critical", OWNER,
        summary="No dispatcher of alerts runs any more",
        description="There was one within the last hour. Nobody is told of breaches until one runs.",
        next_action="Start `floorcast alerts`; see in its log why the last one ended.",
        board=BOARD,
        trials=(
            Trial("gone", {series: "1x10 stale"}, "20m", {}),
            Trial("there", {series: "1x30"}, "20m"),
            Trial("never there", {}, "20m"),
        ),
    )  # fmt: skip


def _store() -> Iterator[Alert]:
    used, most = "support_redis_used_bytes", "support_redis_max_bytes"
    yield Alert(
        "FloorcastRedisFull", f"{used} / ({most} > 0) > 0.85", "10m", "critical", OWNER,
        summary="Redis has used {{ $value | humanizePercentage }} of its memory",
        description="When it is full it refuses writes and counting stops; Kafka has what comes.",
        next_action="Raise `maxmemory`, or keep fewer groupings (docs/redis.md).",
        board=BOARD,
        trials=(
            Trial("nearly full", {used: "90x40", most: "100x40"}, "30m", {}),
            Trial("room", {used: "50x40", most: "100x40"}, "30m"),
            Trial("no limit", {used: "90x40", most: "0x40"}, "30m"),
        ),
    )  # fmt: skip
