"""Batches of concurrent requests: rows that wait for one model are answered in one call.

A model reads thirty-two rows in little more time than one, so a server that answers row by row
wastes most of its machine. Rows share a call only in one *lane*. A lane has one question (a set of
parameters, or labels) and one target (one base model, if the backend reads rows of several
deployments together). It holds more than one row only if the backend declares that a row's result
never depends on its neighbors. So batching never changes an answer.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from tunesmith.errors import ClosedError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

GATHER_SECONDS = 0.05
"""The longest time that a lane waits for the clients of its last call to come back. It also waits
at most half of the time that this call took."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Rows that may share a call."""

    key: tuple[str, ...]
    most: int
    """The largest number of rows in one call."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of calls and rows so far."""

    batches: int = 0
    """Calls of the backend."""
    rows: int = 0
    largest: int = 0
    """Rows in the largest call."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: Future[Answer]


@dataclass(frozen=True, slots=True)
class _Call:
    lane: Lane | None
    clients: int
    """The clients that it answered, and those that arrived meanwhile."""
    seconds: float


class Batcher(Generic[Item, Answer]):
    """One thread that serves the lanes in turn.

    Args:
        run: answers all rows of one lane in one call, in order.
        gather_seconds: see :data:`GATHER_SECONDS`; 0 never waits.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._run = run
        self._gather_seconds = gather_seconds
        self._lanes: OrderedDict[Lane, deque[_Waiting[Item, Answer]]] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._statistics = Statistics()
        self._last = _Call(None, 0, 0.0)

    @property
    def waiting(self) -> int:
        """The rows that wait for their call now."""
        with self._changed:
            return sum(map(len, self._lanes.values()))

    @property
    def statistics(self) -> Statistics:
        """The counts so far."""
        return self._statistics

    def submit(self, item: Item, lane: Lane) -> Future[Answer]:
        """Queue a row. If its future is cancelled while it waits, the row is not asked.

        Raises:
            ClosedError: the batcher is closed.
        """
        return self.submit_together([(item, lane)])[0]

    def submit_together(self, rows: Sequence[tuple[Item, Lane]]) -> list[Future[Answer]]:
        """Queue rows at once, so that those of one lane share a call; see :meth:`submit`."""
        waiting = [(_Waiting(item, Future[Answer]()), lane) for item, lane in rows]
        with self._changed:
            if self._closed:
                raise _closing()
            for one, lane in waiting:
                self._lanes.setdefault(lane, deque()).append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="batches", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return [one.answer for one, _ in waiting]

    def close(self) -> None:
        """Finish the running call, fail the waiting rows, and end the thread."""
        with self._changed:
            self._closed = True
            left = [waiting for lane in self._lanes.values() for waiting in lane]
            self._lanes.clear()
            self._changed.notify_all()
        for waiting in _begun(left):
            waiting.answer.set_exception(_closing())
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while taken := self._take():
            lane, batch = taken
            self._answer(lane, _begun(batch))

    def _take(self) -> tuple[Lane, list[_Waiting[Item, Answer]]] | None:
        """Wait for the next lane and return its rows, or None once the batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lanes or self._closed)
            if not self._closed:
                self._gather()
            if self._closed:
                return None
            lane, waiting = self._lanes.popitem(last=False)
            batch = [waiting.popleft() for _ in range(min(lane.most, len(waiting)))]
            if waiting:
                self._lanes[lane] = waiting  # behind the others: lanes take turns
            return lane, batch

    def _gather(self) -> None:
        # Clients that got their answers together come back within milliseconds of each other.
        # Without this pause the first of them would get a separate call while the rest wait.
        lane = next(iter(self._lanes))
        last = self._last
        if lane != last.lane or last.clients < 2:
            return
        deadline = time.monotonic() + min(self._gather_seconds, last.seconds / 2)
        while not self._closed and len(self._lanes[lane]) < min(last.clients, lane.most):
            if not self._changed.wait(deadline - time.monotonic()):
                return

    def _answer(self, lane: Lane, batch: Sequence[_Waiting[Item, Answer]]) -> None:
        if not batch:
            return
        started = time.monotonic()
        try:
            answers = self._asked(batch)
        except Exception as error:  # noqa: BLE001  # passed on to the waiting client
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for waiting in batch:  # only the row with the error must fail
                self._answer(lane, [waiting])
            return
        with self._changed:
            clients = len(batch) + len(self._lanes.get(lane, ()))
            self._last = _Call(lane, clients, time.monotonic() - started)
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.answer.set_result(answer)

    def _asked(self, batch: Sequence[_Waiting[Item, Answer]]) -> Sequence[Answer]:
        done = self._statistics
        self._statistics = replace(
            done,
            batches=done.batches + 1,
            rows=done.rows + len(batch),
            largest=max(done.largest, len(batch)),
        )
        answers = self._run([waiting.item for waiting in batch])
        if len(answers) != len(batch):
            raise RuntimeError(f"{len(answers)} answers for {len(batch)} rows")
        return answers


def _begun(batch: Sequence[_Waiting[Item, Answer]]) -> list[_Waiting[Item, Answer]]:
    return [waiting for waiting in batch if waiting.answer.set_running_or_notify_cancel()]


def _closing() -> ClosedError:
    return ClosedError("The service is shutting down.")
