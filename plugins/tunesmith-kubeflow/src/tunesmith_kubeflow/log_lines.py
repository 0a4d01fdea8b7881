"""The log of a pod: events of the tuning among other lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from tunesmith.records import TuningEvent

_MARK = "TUNESMITH "
_ENDED = "ended"


@dataclass(slots=True)
class Read:
    """The events in a log, as far as it goes."""

    events: dict[int, TuningEvent] = field(default_factory=dict)
    """By their number, from 0. A log that was cut begins later."""
    ended: bool = False
    """Whether the outcome is written."""
    others: list[str] = field(default_factory=list)
    """The other lines, oldest first."""


def event_line(number: int, event: TuningEvent) -> str:
    """Return the line for the event of this number."""
    return f"{_MARK}{json.dumps([number, event.model_dump(mode='json', exclude_none=True)])}"


def ended_line() -> str:
    """Return the line that follows the outcome."""
    return f"{_MARK}{json.dumps(_ENDED)}"


def read(lines: Iterable[str]) -> Read:
    """Read the lines of a log. A line that was cut is an ordinary line."""
    found = Read()
    for line in lines:
        if not line.startswith(_MARK):
            found.others.append(line)
            continue
        try:
            told = json.loads(line.removeprefix(_MARK))
            if told == _ENDED:
                found.ended = True
            else:
                number, event = told
                found.events[int(number)] = TuningEvent.model_validate(event)
        except (ValueError, TypeError, ValidationError):
            found.others.append(line)
    return found
