"""Which partitions the handler has: claims and releases never overlap, whatever the group does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from stream.worker.delivery import Delivery, Lanes
from stream.worker.ports import Handler, Partition, WorkerFailed

log = logging.getLogger("floorcast.worker")


class Ownership:
    """Calls Handler.assigned and Handler.revoked in turn, each bounded."""

    def __init__(
        self,
        handler: Handler,
        delivery: Delivery,
        fail: Callable[[str, BaseException | None], None],
        *,
        claim_timeout_s: float,
        release_timeout_s: float,
    ) -> None:
        self._handler = handler
        self._delivery = delivery
        self._fail = fail
        self._claim_timeout_s = claim_timeout_s
        self._release_timeout_s = release_timeout_s
        self._claiming: asyncio.Future[dict[Partition, int]] | None = None
        self._claimed: frozenset[Partition] = frozenset()

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions claimed and positioned now."""
        return frozenset(lane.partition for lane in self._delivery.lanes.values())

    async def claim(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        """The handler's offsets. Fails the worker with the handler's message when it raises or is slow.

        CancelledError when the caller is cancelled or `release` came meanwhile.
        """
        what = f"claiming {_named(partitions)}"
        await self._delivery.close()
        self._claimed |= partitions
        self._claiming = asyncio.ensure_future(self._handler.assigned(partitions))
        try:
            offsets = await asyncio.wait_for(self._claiming, self._claim_timeout_s)
        except TimeoutError as e:
            raise self._failed(f"{what} took longer than {self._claim_timeout_s:g} s", e) from e
        except Exception as e:
            raise self._failed(f"{what}: {e or type(e).__name__}", e) from e
        finally:
            self._claiming = None
        if offsets.keys() != partitions:
            raise self._failed(f"{what} gave offsets of {_named(offsets)}", None)
        log.info("assigned %s", _named(partitions), extra=_fields(partitions))
        return offsets

    def take(self, lanes: Lanes) -> bool:
        """The seek is done: deliver. False when the partitions were released meanwhile."""
        if not self._claimed >= {lane.partition for lane in lanes.values()}:
            return False
        self._delivery.open(lanes)
        return True

    async def release(self) -> WorkerFailed | None:
        """Stop delivering and let the handler finish. Gives the failure, if any, as `fail` got it."""
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.wait({self._claiming})
        claimed, self._claimed = self._claimed, frozenset()
        what = f"releasing {_named(claimed)}"
        try:
            await asyncio.wait_for(self._release(claimed), self._release_timeout_s)
        except TimeoutError as e:
            return self._failed(f"{what} took longer than {self._release_timeout_s:g} s", e)
        except Exception as e:
            return self._failed(f"{what}: {e or type(e).__name__}", e)
        return None

    async def _release(self, claimed: frozenset[Partition]) -> None:
        await self._delivery.close()
        if claimed:
            await self._handler.revoked(claimed)
            log.info("released %s", _named(claimed), extra=_fields(claimed))

    def committed(self) -> dict[Partition, int]:
        """What the handler says is in Redis."""
        return self._handler.committed()

    def _failed(self, reason: str, cause: BaseException | None) -> WorkerFailed:
        self._fail(reason, cause)
        return WorkerFailed(reason)


def _fields(partitions: Iterable[Partition]) -> dict[str, object]:
    """The same for logs in JSON."""
    return {"shards": [str(partition) for partition in sorted(partitions)]}


def _named(partitions: Iterable[Partition]) -> str:
    """`support.calls/0-3, support.tickets/1` for log lines."""
    by_topic: dict[str, list[int]] = {}
    for p in sorted(partitions):
        by_topic.setdefault(p.topic, []).append(p.partition)
    topics = (f"{topic}/{','.join(map(str, numbers))}" for topic, numbers in by_topic.items())
    return ", ".join(topics) or "nothing"
