"""A limit of concurrent requests that adapts to the service (AIMD).

The rule is that of TCP congestion control (Chiu and Jain 1989): a refusal halves the number of
concurrent requests. After as many answers as there are concurrent requests, it grows by one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tunesmith.errors import QuotaError

T = TypeVar("T")
U = TypeVar("U")

MOST = 10
"""Connections that the HTTP client of every SDK here pools. More requests would only wait."""
START = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_LOOK = 0.1
"""Seconds between two checks of a waiting thread."""
_NEVER = threading.Event()


class Throttled(Exception):  # noqa: N818  # a signal to the limiter, not an error
    """The service refused a request for its rate. ``retry_after``: seconds, if it names them."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class AdaptiveLimit:
    """The number of concurrent requests, and the start of the next one. It uses no threads."""

    def __init__(self) -> None:
        self.limit = float(START)
        self.opens_at = 0.0
        """No request starts before this time, in seconds of the clock of ``now``."""
        self._refusals = 0
        self._slowed_at = -1.0

    def succeeded(self) -> None:
        """Count an answer."""
        self.limit = min(self.limit + 1 / self.limit, MOST)
        self._refusals = 0

    def refused(self, started: float, now: float, retry_after: float | None = None) -> None:
        """Count the refusal of a request that began at ``started``.

        Concurrent requests are refused together, so their refusals count once.
        """
        if started <= self._slowed_at:
            return
        self._slowed_at = now
        self.limit = max(self.limit / 2, 1.0)
        pause = min(FIRST_PAUSE * 2**self._refusals, LONGEST_PAUSE)
        self._refusals += 1
        self.opens_at = now + (pause if retry_after is None else retry_after)


class RequestLimiter:
    """Sends requests of many threads within an :class:`AdaptiveLimit`. A backend has one."""

    def __init__(self) -> None:
        self.adaptive = AdaptiveLimit()
        self._running = 0
        self._changed = threading.Condition()

    def send(
        self, request: Callable[[], T], patience: float, stop: threading.Event | None = None
    ) -> T:
        """Return the answer of ``request``. It is repeated while the service refuses its rate.

        Args:
            request: raises :class:`Throttled` if it is refused.
            patience: seconds after which a refusal is final.
            stop: once set, no more requests are sent.

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
                    if max(time.monotonic(), self.adaptive.opens_at) > deadline:
                        raise
                else:
                    with self._changed:
                        self.adaptive.succeeded()
                    return answer

    def ask(
        self,
        request: Callable[[], T],
        patience: float,
        retry_after: Callable[[QuotaError], float | None],
        *,
        final: Callable[[QuotaError], bool],
        stop: threading.Event | None = None,
    ) -> T:
        """Return the answer of ``request``, as :meth:`send` does, with the errors of a backend.

        Args:
            request: raises ``QuotaError`` if it is refused.
            patience: seconds after which a refusal is final.
            retry_after: the seconds that the service names in a refusal.
            final: whether waiting cannot help.
            stop: once set, no more requests are sent.

        Raises:
            QuotaError: waiting cannot help, or did not.
        """

        def once() -> T:
            try:
                return request()
            except QuotaError as error:
                if final(error):
                    raise
                raise Throttled(retry_after(error)) from error

        try:
            return self.send(once, patience, stop)
        except Throttled as refusal:
            raise QuotaError(
                f"{refusal.__cause__}. The limit did not end within {patience:g} s; "
                "continue later, or wait longer with --option patience_seconds=600"
            ) from refusal

    @contextmanager
    def _pass(self, stop: threading.Event) -> Iterator[float]:
        with self._changed:
            while not self._is_open():
                if stop.is_set():
                    raise Throttled(None)
                self._changed.wait(_LOOK)
            self._running += 1
        try:
            yield time.monotonic()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _is_open(self) -> bool:
        early = time.monotonic() < self.adaptive.opens_at
        return not early and self._running < int(self.adaptive.limit)

    def _note_refusal(self, started: float, refusal: Throttled) -> None:
        with self._changed:
            self.adaptive.refused(started, time.monotonic(), refusal.retry_after)


def in_order(
    work: Callable[[U], T], items: Sequence[U], stop: threading.Event | None = None
) -> list[T]:
    """Return ``work`` of each item, in the order of items, from up to :data:`MOST` threads.

    After the first error no further work begins, and ``stop`` is set for running work.
    """
    with ThreadPoolExecutor(min(MOST, len(items)), thread_name_prefix="requests") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            if stop is not None:
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def retry_after_seconds(header: str | None) -> float | None:
    """Return the seconds in a ``Retry-After`` header; None if it is absent or a date."""
    try:
        return max(float(header or ""), 0.0)
    except ValueError:
        return None
