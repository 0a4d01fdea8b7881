"""The times in records."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

_lock = threading.Lock()
_boot = -(2**63)
"""The wall clock minus the monotonic clock, in nanoseconds; the largest difference so far."""


def now() -> datetime:
    """Return the current time, in UTC.

    It is the time of the wall clock until that is set back. From then on it goes on steadily, so
    that in one process no time is before an earlier one and no difference of two times is
    negative. Measure durations with ``time.monotonic``.
    """
    global _boot  # noqa: PLW0603  # one clock for the process
    with _lock:
        steady = time.monotonic_ns()
        _boot = max(_boot, time.time_ns() - steady)
        return datetime.fromtimestamp((_boot + steady) / 1e9, UTC)
