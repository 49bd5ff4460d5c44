"""The dispatcher: from the topics into the book, from the book to the channels, what became of it back.

What is to be said is in `support.alerts` before the offset of its cause is committed, and that it is being
said before it is handed over: whatever ends the process, nothing is lost, and what may have arrived is sent
at most once more, by the same key. Trouble with Kafka ends the session; a new one reads everything again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from stream.alerts.blind import Blind
from stream.alerts.book import Book, Entry
from stream.alerts.channels.channel import Channel, Failed
from stream.alerts.circuit import Circuit
from stream.alerts.counters import Counters
from stream.alerts.message import Message, message
from stream.alerts.state import decode_alert, encode_alert
from stream.config import Config, ConfigError
from stream.events.acknowledgements import decode_acknowledgement
from stream.events.sla import decode_sla
from stream.sources.alerting import Portion
from stream.sources.broker import BrokerError

log = logging.getLogger("floorcast.alerts")

AGAIN_S = 2.0
"""Between two tries to reach Kafka."""
TICK_S = 0.2
BACK_WITHIN_S = 12.0
"""Deliveries that are under way are waited for so long, as it would not be known whether they arrived."""
SILENCE_MS = 10_000
"""While Kafka is silent for longer, nothing is sent: it could not be written down."""

Fresh = Callable[[], Awaitable[int | None]]
"""Since when (ms) the oldest shard has read its log to the end; None: nobody knows."""


class Topics(Protocol):
    """What the dispatcher needs of Kafka: `stream.sources.alerting.AlertTopics`."""

    async def poll(self) -> Portion: ...

    async def commit(self) -> None: ...

    async def sent(self) -> list[bytes]: ...

    async def keep(self, records: Mapping[str, bytes | None]) -> None: ...

    def is_ours(self, subject: str) -> bool: ...


class Dispatcher:
    """`run` goes on until it is cancelled."""

    def __init__(
        self,
        config: Config,
        channels: Mapping[str, Channel],
        connect: Callable[[], AbstractAsyncContextManager[Topics]],
        fresh: Fresh,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.counters = Counters()
        self._config = config
        self._channels = channels
        self._connect = connect
        self._wall_ms = wall_ms
        self._zone = ZoneInfo(config.timezone)
        kinds = {name: channel.kinds for name, channel in channels.items()}
        self.book = Book(config.alerts.routes, config.alerts.max_age_ms, kinds, self.counters)
        self._circuits = {name: Circuit() for name in channels}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._refreshed_ms = dict.fromkeys(channels, 0)
        self._topics: Topics | None = None
        self._ready = False
        """The book is complete, nothing known is unread and Kafka answers: what is due may be sent. Without
        that only `blind` is."""
        self._blind = Blind(config, fresh, wall_ms)

    async def run(self) -> None:
        """Delivers until cancelled."""
        ticking = asyncio.create_task(self._tick_on())
        try:
            while True:
                await self._session(ticking)
                if ticking.done():
                    ticking.result()
                await asyncio.sleep(AGAIN_S)
        finally:
            ticking.cancel()
            for task in self._under_way.values():
                task.cancel()

    async def _session(self, ticking: asyncio.Task[None]) -> None:
        """From one connection to Kafka to its end."""
        try:
            async with self._connect() as topics:
                self._topics = topics
                try:
                    while not ticking.done():
                        await self._read(topics)
                finally:
                    self._ready = False
                    await self._all_back()
                    self._topics = None
        except BrokerError as error:
            log.warning("%s; what is to be sent waits", error)

    async def _read(self, topics: Topics) -> None:
        portion = await topics.poll()
        now_ms = self._wall_ms()
        if portion.reassigned:
            self._ready = False
            await self._all_back()
            self._load(await topics.sent(), topics, now_ms)
        self._blind.heard(portion.heard_ms)
        self._take(portion, now_ms)
        await self._write()
        if portion.sla:
            await topics.commit()
        self._ready = portion.at_end and portion.heard_ms >= now_ms - SILENCE_MS

    def _load(self, records: Sequence[bytes], topics: Topics, now_ms: int) -> None:
        alerts = []
        for record in records:
            try:
                alert = decode_alert(record)
            except msgspec.MsgspecError:
                self.counters.unreadable += 1
                continue
            if alert.stage == "blind" or topics.is_ours(alert.subject):
                alerts.append(alert)
        self.book.load(alerts, now_ms)
        log.info("%d alerts are known, %d notices wait", len(alerts), self.book.waiting())

    def _take(self, portion: Portion, now_ms: int) -> None:
        for value in portion.sla:
            try:
                self.book.take(decode_sla(value), now_ms)
            except msgspec.MsgspecError as error:
                self._unreadable(self._config.kafka.topics.sla, error)
        for value in portion.acknowledgements:
            try:
                self.book.acknowledge(decode_acknowledgement(value), now_ms)
            except msgspec.MsgspecError as error:
                self._unreadable(self._config.kafka.topics.acknowledgements, error)

    def _unreadable(self, topic: str, error: msgspec.MsgspecError) -> None:
        self.counters.unreadable += 1
        log.error("a record of %s is none of ours and is left out: %s", topic, error)

    async def _write(self) -> None:
        """Puts down what has changed. Without Kafka it stays to be put down later."""
        if self._topics is None or not self.book.changed:
            return
        keys, self.book.changed = self.book.changed, set()
        records = {
            key: encode_alert(self.book.alerts[key]) if key in self.book.alerts else None for key in keys
        }
        try:
            await self._topics.keep(records)
        except BaseException:
            self.book.changed |= keys
            raise

    async def _tick_on(self) -> None:
        while True:
            now_ms = self._wall_ms()
            await self._blind.look(self.book)
            self.book.tick(now_ms)
            for name, circuit in self._circuits.items():
                self.counters.circuits[name] = circuit.state(now_ms)
                if name not in self._under_way and circuit.may_try(now_ms):
                    self._start(name, now_ms)
            await asyncio.sleep(TICK_S)

    def _start(self, name: str, now_ms: int) -> None:
        """Begins to deliver what is due to one destination, if anything is."""
        batch = self.book.due(name, now_ms, self._channels[name].batch_max, blind_only=not self._ready)
        refresh_ms = self._channels[name].refresh_ms
        if batch:
            work = self._deliver(name, batch)
        elif refresh_ms is not None and now_ms >= self._refreshed_ms[name] + refresh_ms:
            work = self._refresh(name, now_ms)
        else:
            return
        task = asyncio.create_task(work)
        self._under_way[name] = task
        task.add_done_callback(lambda _: self._under_way.pop(name, None))

    async def _deliver(self, name: str, batch: Sequence[Entry]) -> None:
        """One batch, and then what else is due."""
        while batch:
            messages = self._messages(batch)
            again = any(one.again for one in messages)
            self.counters.repeats[name] += again
            self.book.trying(batch)
            # That Kafka is lost is not put down first: it would wait for Kafka.
            of_itself = all(alert.stage == "blind" for alert, _ in batch)
            if self._ready and not of_itself and not await self._written():
                self.book.failed(batch, maybe=again)
                return
            try:
                thread = await self._send(name, messages)
            except Failed as failed:
                self._failed(name, batch, failed, again)
            else:
                self._succeeded(name, batch, thread)
            # Also when the session is ending: what has arrived must be known after it.
            if not await self._written() or not self._ready or self._circuits[name].failures:
                return
            batch = self.book.due(name, self._wall_ms(), self._channels[name].batch_max)

    async def _written(self) -> bool:
        """Whether what has changed is safe. If not, the session ends, and everything is read again."""
        try:
            await self._write()
        except BrokerError:
            return False
        return True

    async def _send(self, name: str, messages: Sequence[Message]) -> str | None:
        """As `Channel.send`; whatever goes wrong is a Failed."""
        failed: Failed
        try:
            return await self._channels[name].send(messages)
        except Failed as error:
            failed = error
        except ConfigError as error:
            failed = Failed(str(error), retry=True)
        except Exception as error:
            # An error of ours: its text may hold what it was about.
            failed = Failed(f"unexpected {type(error).__name__}", retry=True, maybe=True)
        raise failed

    def _messages(self, batch: Sequence[Entry]) -> list[Message]:
        link = self._config.alerts.ticket_url
        return [message(alert, notice, self._zone, link) for alert, notice in batch]

    async def _refresh(self, name: str, now_ms: int) -> None:
        """Tells a destination that forgets what still stands."""
        self._refreshed_ms[name] = now_ms
        standing = self.book.standing(name)
        most = self._channels[name].batch_max
        for first in range(0, len(standing), most):
            try:
                await self._send(name, self._messages(standing[first : first + most]))
            except Failed as error:
                log.warning("destination %s: what stands could not be told again: %s", name, error)
                self._refreshed_ms[name] = 0
                self._circuits[name].failed(self._wall_ms(), random.random())
                return
        self._circuits[name].succeeded()

    def _succeeded(self, name: str, batch: Sequence[Entry], thread: str | None) -> None:
        if self._circuits[name].failures:
            log.info("destination %s answers again", name)
        self._circuits[name].succeeded()
        self.counters.deliveries[name, "sent"] += 1
        for alert, notice in batch:
            log.info("destination %s: %s sent, %s", name, notice.kind, alert.key)
        self.book.sent(batch, thread, self._wall_ms())

    def _failed(self, name: str, batch: Sequence[Entry], error: Failed, again: bool) -> None:
        keys = ", ".join(f"{notice.kind} of {alert.key}" for alert, notice in batch[:3])
        if not error.retry:
            self.counters.deliveries[name, "refused"] += 1
            log.error("destination %s: %s, given up: %s", name, keys, error)
            self.book.refused(batch)
            return
        self.counters.deliveries[name, "failed"] += 1
        self.counters.retries[name] += 1
        pause_ms = self._circuits[name].failed(self._wall_ms(), random.random(), error.after_ms)
        log.warning("destination %s: %s, again in %.1f s: %s", name, keys, pause_ms / 1000, error)
        self.book.failed(batch, error.maybe or again)

    async def _all_back(self) -> None:
        """Waits for deliveries that are under way."""
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=BACK_WITHIN_S)
