"""The book of all alerts: events go in, notices that are due come out, what became of them is entered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from stream.alerts.counters import Counters
from stream.alerts.message import SELF
from stream.alerts.routing import Target, targets
from stream.alerts.state import (
    CLOSING,
    OPENING,
    Alert,
    End,
    Kind,
    Notice,
    Stage,
    Told,
    alert_key,
)
from stream.config.alerts import Route
from stream.events.acknowledgements import Acknowledgement
from stream.events.instants import to_ms
from stream.events.sla import SlaEvent

ENDED_KEPT_MS = 7 * 86_400_000
"""So long it is known what was sent about a clock that is over; `max_age` is at most this."""
OPEN_KEPT_MS = 90 * 86_400_000
"""An alert of which nothing was heard for so long is forgotten."""
SEEN_MAX = 200
ACKNOWLEDGEMENTS_MAX = 10_000
BLIND_KEY = f"{SELF}/blind"


class Entry(NamedTuple):
    """A notice that is due, and its alert."""

    alert: Alert
    notice: Notice


class Book:
    """All alerts of one dispatcher. The time (ms since the epoch) is given; `changed` is what to write down.

    kinds: destination -> what it can be told; the rest is not said to it.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        max_age_ms: int,
        kinds: Mapping[str, Collection[Kind]],
        counters: Counters,
    ) -> None:
        self.alerts: dict[str, Alert] = {}
        self.changed: set[str] = set()
        """Keys of alerts that differ from what was last written; also of those that are gone."""
        self._routes = routes
        self._max_age_ms = max_age_ms
        self._kinds = kinds
        self._counters = counters
        self._waiting: dict[str, dict[str, None]] = {name: {} for name in kinds}
        self._digests: dict[tuple[str, str], int] = {}
        self._acknowledgements: dict[tuple[str, str], Acknowledgement] = {}

    def load(self, alerts: Iterable[Alert], now_ms: int) -> None:
        """Takes over what was written down; what floorcast says about itself is kept as it is here."""
        blind = self.alerts.get(BLIND_KEY)
        self.alerts = {alert.key: alert for alert in alerts}
        if blind is not None:
            self.alerts[BLIND_KEY] = blind
        self.changed = {BLIND_KEY} if blind is not None else set()
        self._waiting = {name: {} for name in self._kinds}
        for alert in self.alerts.values():
            self._index(alert)
            self._apply_acknowledgement(alert, now_ms)

    def take(self, event: SlaEvent, now_ms: int) -> None:
        """An event of a clock. One that was taken before, by its id, changes nothing."""
        clock = event.data.sla
        key = alert_key(event.subject, clock.clock, to_ms(clock.started_at))
        alert = self.alerts.get(key)
        if alert is not None and event.id in alert.seen:
            return
        match event.kind:
            case "at_risk" | "breached" as stage:
                self._open(key, alert, event, stage, now_ms)
            case "fulfilled" | "cancelled" as end if alert is not None:
                self._end(alert, event, end, now_ms)
            case "breach_retracted" if alert is not None:
                self._retract(alert, event, now_ms)

    def acknowledge(self, said: Acknowledgement, now_ms: int) -> None:
        """Somebody has taken note: of the alert of that clock that was open then."""
        place = (said.subject, said.data.clock)
        self._acknowledgements.pop(place, None)
        self._acknowledgements[place] = said
        while len(self._acknowledgements) > ACKNOWLEDGEMENTS_MAX:
            del self._acknowledgements[next(iter(self._acknowledgements))]
        for alert in list(self.alerts.values()):
            if (alert.subject, alert.clock) == place:
                self._acknowledge(alert, said, now_ms)

    def blind(self, text: str, since_ms: int, now_ms: int) -> None:
        """floorcast cannot see since `since_ms`: said once, until `seeing`."""
        alert = self.alerts.get(BLIND_KEY)
        if alert is not None and alert.ended is None:
            return
        alert = Alert(
            key=BLIND_KEY, subject=SELF, clock="blind", stage="blind", cause=f"{BLIND_KEY}/{since_ms}",
            at_ms=since_ms, found_ms=now_ms, started_ms=since_ms, changed_ms=now_ms, text=text,
        )  # fmt: skip
        self.alerts[BLIND_KEY] = alert
        self._add(alert, "blind", alert.cause, targets(self._routes, "blind", {}), now_ms)

    def seeing(self, text: str, now_ms: int) -> None:
        """The end of `blind`."""
        alert = self.alerts.get(BLIND_KEY)
        if alert is None or alert.ended is not None:
            return
        alert.text, alert.ended, alert.ended_ms, alert.changed_ms = text, "seeing", now_ms, now_ms
        self._forget(alert, ("blind", "reminder"))
        self._follow(alert, "seeing", f"{alert.cause}/seeing", now_ms)

    def tick(self, now_ms: int) -> None:
        """What time brings: reminders, what has become too old to be sent or to be kept."""
        for alert in list(self.alerts.values()):
            if alert.ended is not None and not alert.pending and not self._outlived(alert, now_ms):
                continue
            self._age(alert, now_ms)
            for to, told in alert.told.items():
                if self._wants_reminder(alert, to, told, now_ms):
                    target = Target(to, 0, told.repeat_ms, None)
                    self._add(alert, "reminder", f"{alert.cause}#{told.reminders + 1}", [target], now_ms)
            if self._outlived(alert, now_ms):
                del self.alerts[alert.key]
                self._index(alert, gone=True)
                self.changed.add(alert.key)

    def due(self, to: str, now_ms: int, most: int, blind_only: bool = False) -> list[Entry]:
        """What goes to a destination now as one message: at most so many notices, empty when nothing is due.

        Of one alert the next notice waits until the one before is done with.
        """
        batch: list[Entry] = []
        together: tuple[str, ...] | None = None
        for key in self._waiting[to]:
            alert = self.alerts[key]
            if blind_only and alert.stage != "blind":
                continue
            notice = next(notice for notice in alert.pending if notice.to == to)
            if notice.due_ms > now_ms or len(batch) == most:
                continue
            bundle = _bundle(alert, notice)
            if together is None or (bundle is not None and bundle == together):
                batch.append(Entry(alert, notice))
                together = bundle if bundle is not None else ()
        return batch

    def standing(self, to: str) -> list[Entry]:
        """Every alert that a destination waits for an end of, as a notice of its stage."""
        return [
            Entry(alert, Notice(id=alert.cause, kind=told.stage, to=to, made_ms=told.at_ms, due_ms=0))
            for alert in self.alerts.values()
            if (told := alert.knows(to)) is not None
        ]

    def trying(self, batch: Sequence[Entry]) -> None:
        """They are about to be handed over."""
        for alert, notice in batch:
            notice.tried = True
            self.changed.add(alert.key)

    def sent(self, batch: Sequence[Entry], thread: str | None, now_ms: int) -> None:
        """They arrived. `thread`: where follow-ups of these go."""
        for alert, notice in batch:
            self._arrived(alert, notice, thread, now_ms)
            self._done(alert, notice)

    def failed(self, batch: Sequence[Entry], maybe: bool) -> None:
        """They are tried again. `maybe`: they may have arrived."""
        for alert, notice in batch:
            notice.tried = maybe
            self.changed.add(alert.key)

    def refused(self, batch: Sequence[Entry]) -> None:
        """They cannot arrive: given up."""
        for alert, notice in batch:
            self._done(alert, notice)

    def waiting(self) -> int:
        """How many notices are not delivered."""
        return sum(len(alert.pending) for alert in self.alerts.values())

    def _open(self, key: str, alert: Alert | None, event: SlaEvent, stage: Stage, now_ms: int) -> None:
        decided = alert is not None and alert.stage == "breached" and alert.ended is None
        if alert is not None and stage == "at_risk" and decided:
            self._note(alert, event, now_ms)
            return
        if alert is not None and stage == "breached":
            if _moved(alert, event):
                self._move(alert, event, now_ms)
                return
            self._forget(alert, ("at_risk", "reminder"))
        found_ms = to_ms(event.recordedtime)
        if found_ms < now_ms - self._max_age_ms:
            self._counters.too_old += 1
            return
        opened = _opened(key, event, stage, now_ms)
        told = targets(self._routes, stage, opened.labels())
        if alert is not None:
            _take_over(alert, opened)
        elif told:
            alert = self.alerts[key] = opened
        else:
            return
        self._note(alert, event, now_ms)
        self._add(alert, stage, event.id, told, now_ms)
        self._apply_acknowledgement(alert, now_ms)

    def _move(self, alert: Alert, event: SlaEvent, now_ms: int) -> None:
        """The same breach at another instant, as a late event shows; that of before is taken back after it.
        Who knows of the breach hears nothing new."""
        opened = _opened(alert.key, event, "breached", now_ms)
        for name in ("cause", "at_ms", "policy", "target_ms", "due_ms", "segments"):
            setattr(alert, name, getattr(opened, name))
        self._note(alert, event, now_ms)
        if alert.ended is None:
            know = _know_breach(alert)
            others = [one for one in targets(self._routes, "breached", alert.labels()) if one.to not in know]
            self._add(alert, "breached", event.id, others, now_ms)

    def _end(self, alert: Alert, event: SlaEvent, end: End, now_ms: int) -> None:
        self._note(alert, event, now_ms)
        alert.ended, alert.ended_ms = end, to_ms(event.time)
        alert.overdue_ms = event.data.sla.overdue_ms
        self._forget(alert, ("at_risk", "reminder"))
        self._follow(alert, "resolved", event.id, now_ms)

    def _retract(self, alert: Alert, event: SlaEvent, now_ms: int) -> None:
        self._note(alert, event, now_ms)
        if alert.at_ms != to_ms(event.time):  # it has moved, and stands
            return
        alert.ended, alert.ended_ms = "retracted", to_ms(event.time)
        self._forget(alert, ("breached", "at_risk", "reminder"))
        self._follow(alert, "retracted", event.id, now_ms, _know_breach(alert))

    def _apply_acknowledgement(self, alert: Alert, now_ms: int) -> None:
        """One that was read before the alert was."""
        said = self._acknowledgements.get((alert.subject, alert.clock))
        if said is not None:
            self._acknowledge(alert, said, now_ms)

    def _acknowledge(self, alert: Alert, said: Acknowledgement, now_ms: int) -> None:
        said_ms = to_ms(said.time)
        if said.id in alert.seen or alert.ended is not None or alert.acknowledged_ms is not None:
            return
        if said_ms < alert.found_ms:
            return
        alert.seen = [*alert.seen[-SEEN_MAX:], said.id]
        alert.acknowledged_by, alert.acknowledged_ms, alert.changed_ms = said.data.by, said_ms, now_ms
        self._forget(alert, ["reminder"])
        self._follow(alert, "acknowledged", said.id, now_ms)

    def _note(self, alert: Alert, event: SlaEvent, now_ms: int) -> None:
        alert.seen = [*alert.seen[-SEEN_MAX:], event.id]
        alert.changed_ms = now_ms
        self.changed.add(alert.key)

    def _add(self, alert: Alert, kind: Kind, cause: str, told: Iterable[Target], now_ms: int) -> None:
        for target in told:
            if kind not in self._kinds.get(target.to, ()):
                continue
            group, due_ms = "", now_ms
            if target.digest_ms is not None:
                group = f"route {target.route}"
                due_ms = self._digests.get((target.to, group), 0)
                if due_ms <= now_ms:
                    due_ms = self._digests[target.to, group] = now_ms + target.digest_ms
            notice = Notice(
                id=cause, kind=kind, to=target.to, made_ms=now_ms, due_ms=due_ms, group=group,
                repeat_ms=target.repeat_ms,
            )  # fmt: skip
            alert.pending = [*alert.pending, notice]
        self.changed.add(alert.key)
        self._index(alert)

    def _follow(
        self, alert: Alert, kind: Kind, cause: str, now_ms: int, only: Collection[str] | None = None
    ) -> None:
        """Whoever knows of the alert, or will, hears what follows."""
        last = {notice.to: notice.kind for notice in alert.pending}
        know = [to for to, told in alert.told.items() if told.open and to not in last]
        know += [to for to, pending in last.items() if pending not in CLOSING]
        told = [Target(to, 0, None, None) for to in know if only is None or to in only]
        self._add(alert, kind, cause, told, now_ms)

    def _forget(self, alert: Alert, kinds: Sequence[Kind]) -> None:
        """Notices of these kinds are not said any more, unless they may have been."""
        gone = [notice for notice in alert.pending if notice.kind in kinds and not notice.tried]
        self._counters.decided += sum(notice.kind in OPENING for notice in gone)
        for notice in gone:
            self._done(alert, notice)
        begun = {to for to, told in alert.told.items() if told.open}
        begun |= {notice.to for notice in alert.pending if notice.kind in OPENING}
        for notice in [notice for notice in alert.pending if notice.to not in begun]:
            self._done(alert, notice)  # what follows is nothing to who does not know the beginning

    def _done(self, alert: Alert, notice: Notice) -> None:
        alert.pending = [other for other in alert.pending if other is not notice]
        self.changed.add(alert.key)
        self._index(alert)

    def _arrived(self, alert: Alert, notice: Notice, thread: str | None, now_ms: int) -> None:
        before = alert.knows(notice.to)
        if notice.kind in OPENING or before is None:
            stage = _stage(notice.kind) or alert.stage
            alert.told[notice.to] = Told(
                kind=notice.kind, at_ms=now_ms, stage=stage, repeat_ms=notice.repeat_ms, thread=thread
            )
            return
        before.kind, before.at_ms = notice.kind, now_ms
        before.reminders += notice.kind == "reminder"

    def _age(self, alert: Alert, now_ms: int) -> None:
        for notice in list(alert.pending):
            if notice.kind in (*OPENING, "reminder") and notice.made_ms < now_ms - self._max_age_ms:
                self._counters.too_old += 1
                if notice.tried:  # it may be there: then its end must be told
                    self._arrived(alert, notice, None, now_ms)
                self._done(alert, notice)

    def _wants_reminder(self, alert: Alert, to: str, told: Told, now_ms: int) -> bool:
        return (
            told.open
            and told.repeat_ms is not None
            and alert.ended is None
            and alert.acknowledged_ms is None
            and now_ms >= told.at_ms + told.repeat_ms
            and all(notice.to != to for notice in alert.pending)
            and to in self._kinds
        )

    def _outlived(self, alert: Alert, now_ms: int) -> bool:
        if alert.ended is None:
            return alert.changed_ms < now_ms - OPEN_KEPT_MS
        return alert.changed_ms < now_ms - ENDED_KEPT_MS

    def _index(self, alert: Alert, gone: bool = False) -> None:
        waited_for = set() if gone else {notice.to for notice in alert.pending}
        for to, keys in self._waiting.items():
            if to in waited_for:
                keys[alert.key] = None
            else:
                keys.pop(alert.key, None)


def _opened(key: str, event: SlaEvent, stage: Stage, now_ms: int) -> Alert:
    """The alert as an opening event describes it."""
    clock = event.data.sla
    return Alert(
        key=key,
        subject=event.subject,
        clock=clock.clock,
        stage=stage,
        cause=event.id,
        at_ms=to_ms(event.time),
        found_ms=to_ms(event.recordedtime),
        changed_ms=now_ms,
        started_ms=to_ms(clock.started_at),
        instance=clock.instance,
        policy=clock.policy,
        level=clock.level,
        target_ms=clock.target_ms,
        due_ms=None if clock.due_at is None else to_ms(clock.due_at),
        segments=event.data.segments,
    )


def _know_breach(alert: Alert) -> set[str]:
    """Who has been told of the breach, or will be."""
    told = {to for to, told in alert.told.items() if told.stage == "breached"}
    return told | {notice.to for notice in alert.pending if notice.kind == "breached"}


def _moved(alert: Alert, event: SlaEvent) -> bool:
    """Whether a breach is one that the alert is about, though at another instant."""
    if alert.stage != "breached" or alert.ended == "retracted":
        return False
    return alert.ended_ms is None or to_ms(event.time) <= alert.ended_ms


def _take_over(alert: Alert, opened: Alert) -> None:
    """What a later opening says of an alert; what was seen, waits and was told stays. In place, as a delivery
    may be under way."""
    for name in Alert.__struct_fields__:
        if name not in ("seen", "pending", "told"):
            setattr(alert, name, getattr(opened, name))


def _bundle(alert: Alert, notice: Notice) -> tuple[str, str] | None:
    """Notices with the same bundle may go as one message; one without goes alone."""
    if notice.group:
        return ("group", notice.group)
    told = alert.knows(notice.to)
    if notice.kind not in OPENING and told is not None and told.thread is not None:
        return ("thread", told.thread)
    return None


def _stage(kind: Kind) -> Stage | None:
    return kind if kind in ("at_risk", "breached", "blind") else None
