"""As many requests at once as the service bears: more slowly, fewer at once (AIMD).

The rule is that of TCP congestion control (Chiu and Jain 1989): a refusal halves the number of
requests under way, and as many answers as are under way let one more go.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

MOST = 10
"""Connections in the pool of the SDK's HTTP client; more would only wait there."""
START = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_LOOK = 0.1
"""Seconds between two looks of a thread that waits at the gate."""
_NEVER = threading.Event()


class Throttled(Exception):  # noqa: N818  # a signal to the pace, not an error of its own
    """The service refused a request for its rate. ``retry_after``: seconds, if it says so."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Pace:
    """How many requests may be under way, and when the next may start. Knows no threads."""

    def __init__(self) -> None:
        self.limit = float(START)
        self.opens_at = 0.0
        """The moment before which nothing starts; seconds of the clock of ``now``."""
        self._refusals = 0
        self._slowed_at = -1.0

    def succeeded(self) -> None:
        """Take note of an answer."""
        self.limit = min(self.limit + 1 / self.limit, MOST)
        self._refusals = 0

    def refused(self, started: float, now: float, retry_after: float | None = None) -> None:
        """Take note of a refusal of a request that ``started`` then.

        Requests that were under way together are refused together; they count once.
        """
        if started <= self._slowed_at:
            return
        self._slowed_at = now
        self.limit = max(self.limit / 2, 1.0)
        pause = min(FIRST_PAUSE * 2**self._refusals, LONGEST_PAUSE)
        self._refusals += 1
        self.opens_at = now + (pause if retry_after is None else retry_after)


class Gate:
    """Lets threads through at a :class:`Pace`; kept for the life of a backend."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._under_way = 0
        self._changed = threading.Condition()

    def send(
        self, request: Callable[[], T], patience: float, stop: threading.Event | None = None
    ) -> T:
        """Return the answer of ``request``, sent again while the service refuses its rate.

        Args:
            request: raises :class:`Throttled` where it is refused.
            patience: seconds after which a refusal is final.
            stop: once set, nothing more is sent.

        Raises:
            Throttled: the service still refuses, or ``stop`` is set.
        """
        deadline = time.monotonic() + patience
        while True:
            with self._pass(stop or _NEVER) as started:
                try:
                    answer = request()
                except Throttled as refusal:
                    self._note_refusal(started, refusal)
                    if max(time.monotonic(), self.pace.opens_at) > deadline:
                        raise
                else:
                    with self._changed:
                        self.pace.succeeded()
                    return answer

    @contextmanager
    def _pass(self, stop: threading.Event) -> Iterator[float]:
        with self._changed:
            while not self._is_open():
                if stop.is_set():
                    raise Throttled(None)
                self._changed.wait(_LOOK)
            self._under_way += 1
        try:
            yield time.monotonic()
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _is_open(self) -> bool:
        early = time.monotonic() < self.pace.opens_at
        return not early and self._under_way < int(self.pace.limit)

    def _note_refusal(self, started: float, refusal: Throttled) -> None:
        with self._changed:
            self.pace.refused(started, time.monotonic(), refusal.retry_after)


def in_order(
    work: Callable[[U], T], items: Sequence[U], stop: threading.Event | None = None
) -> list[T]:
    """Return ``work`` of each item, done in up to :data:`MOST` threads, in the order of items.

    The first error ends it: what has not begun is not begun, and ``stop`` is set for the rest.
    """
    with ThreadPoolExecutor(min(MOST, len(items)), thread_name_prefix="watsonx") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            if stop is not None:
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
