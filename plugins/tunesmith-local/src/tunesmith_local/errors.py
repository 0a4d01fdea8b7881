"""Errors of this backend, as branches of the core's tree."""

from __future__ import annotations

from tunesmith.errors import DeploymentError, TuningError


class AdapterError(DeploymentError):
    """A soft prompt on disk is missing, damaged, of another kind or for another base model."""


class CheckpointError(TuningError):
    """A checkpoint is damaged or belongs to another tuning."""


class DivergedError(TuningError):
    """The loss or its gradient is no longer a finite number.

    Attributes:
        step: the optimizer step (from 1) at which it happened.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step
