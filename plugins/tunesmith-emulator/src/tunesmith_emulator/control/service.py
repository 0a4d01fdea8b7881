"""The state of the control plane: the last requests and the ordered faults."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from tunesmith_emulator.control.faults import Faults
from tunesmith_emulator.database import utc_now
from tunesmith_emulator.times import stamp

_KEPT = 1000
_LONGEST_PATH = 500


@dataclass(frozen=True)
class Seen:
    """One request. Neither headers nor bodies are kept: they may hold secrets."""

    time: str
    method: str
    path: str
    route: str
    status: int
    """0: the connection was dropped."""
    ms: float


class Control:
    """The state of the control plane. It ends with the process."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.started_at = _now()
        self._seen: deque[Seen] = deque(maxlen=_KEPT)

    def log(self, method: str, path: str, route: str, status: int, seconds: float) -> None:
        """Log a request."""
        path = path[:_LONGEST_PATH]
        self._seen.append(Seen(_now(), method, path, route, status, round(seconds * 1000, 1)))

    def requests(self, last: int = _KEPT) -> list[dict[str, Any]]:
        """Return the last requests, oldest first."""
        return [asdict(seen) for seen in list(self._seen)[-last:]]

    def reset(self) -> None:
        """Delete requests and faults."""
        self._seen.clear()
        self.faults.clear()


def _now() -> str:
    return stamp(utc_now())
