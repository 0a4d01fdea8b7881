"""Which stages of a model's life a catalogue shows, and in which one the model is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tunesmith_emulator.catalogue.model import Stage, StageId


def state(stages: Sequence[Stage], day: date | None) -> StageId | None:
    """Return the stage on ``day``; None where the model did not exist yet.

    Without a day every model is available. A model that the service never had (no stages) is
    available without a day only.
    """
    if day is None:
        return "available"
    reached = _reached(stages, day)
    return reached[-1].id if reached else None


def shown(stages: Sequence[Stage], day: date | None) -> list[Stage]:
    """Return the stages that the service tells on ``day``.

    From its deprecation on, a model tells its withdrawal in advance (recorded), except where
    that date is only inferred: then nobody announced it.
    """
    if day is None:
        return list(stages[:1])
    reached = _reached(stages, day)
    if len(reached) < 2:
        return reached
    return reached + [s for s in stages[len(reached) :] if s.evidence.kind != "inferred"]


def start_of(stage: StageId, stages: Sequence[Stage]) -> Stage | None:
    """Return ``stage`` of a model's life, where it has one."""
    return next((s for s in stages if s.id == stage), None)


def _reached(stages: Sequence[Stage], day: date) -> list[Stage]:
    return [s for s in stages if s.start_date <= day]
