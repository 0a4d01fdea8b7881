"""The state of the control plane: the last requests and the ordered faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tunesmith_emulator.control.faults import Faults
from tunesmith_emulator.control.script import Script
from tunesmith_emulator.database import utc_now
from tunesmith_emulator.scripted_answer import ScriptedAnswer
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
    script: str
    """The name of the scripted answer; empty if a model answered."""
    replayed: str
    """The file and line of the recorded answer; empty if it is the emulator's own."""


class Control:
    """The state of the control plane. It ends with the process."""

    def __init__(self, answers: Sequence[ScriptedAnswer] = ()) -> None:
        self.faults = Faults()
        self.script = Script(answers)
        self.started_at = now()
        self._seen: deque[Seen] = deque(maxlen=_KEPT)

    def log(self, seen: Seen) -> None:
        """Log a request."""
        self._seen.append(replace(seen, path=seen.path[:_LONGEST_PATH]))

    def requests(self, last: int = _KEPT) -> list[dict[str, Any]]:
        """Return the last requests, oldest first."""
        return [asdict(seen) for seen in list(self._seen)[-last:]]

    def reset(self) -> None:
        """Delete requests, faults, and the answers that were scripted since the start."""
        self._seen.clear()
        self.script.reset()
        self.faults.clear()


def now() -> str:
    """Return the time of this moment, for the log."""
    return stamp(utc_now())
