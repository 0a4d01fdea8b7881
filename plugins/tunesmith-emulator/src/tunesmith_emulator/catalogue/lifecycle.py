"""The stages of a model's lifecycle: the current one, and those that a catalogue shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tunesmith_emulator.catalogue.model import Model, Stage, StageId


def state(model: Model, day: date | None) -> StageId | None:
    """Return the stage of ``model`` on ``day``, or None if it did not exist yet.

    Without a day every model is available. A model that the user added is available on each day, a
    base model of the backend (no stages) only without one.
    """
    return "available" if model.added else stage_on(model.lifecycle, day)


def stage_on(stages: Sequence[Stage], day: date | None) -> StageId | None:
    """Return the stage that is reached on ``day``, or None before the first one."""
    if day is None:
        return "available"
    reached = _reached(stages, day)
    return reached[-1].id if reached else None


def shown(stages: Sequence[Stage], day: date | None) -> list[Stage]:
    """Return the stages that the service shows on ``day``.

    A deprecated model also shows its future withdrawal (recorded), unless that date is only
    inferred: then it was never announced.
    """
    if day is None:
        return list(stages[:1])
    reached = _reached(stages, day)
    if len(reached) < 2:
        return reached
    return reached + [s for s in stages[len(reached) :] if s.evidence.kind != "inferred"]


def start_of(stage: StageId, stages: Sequence[Stage]) -> Stage | None:
    """Return ``stage`` of a model's lifecycle, or None if it is missing."""
    return next((s for s in stages if s.id == stage), None)


def _reached(stages: Sequence[Stage], day: date) -> list[Stage]:
    return [s for s in stages if s.start_date <= day]
