"""The training loop: optimizer steps over the parameters of a method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tunesmith.backends.jobs import JobStopped
from tunesmith.methods import GradientTuning
from tunesmith.records import EpochLoss, LearningCurve, StepLoss, TuningEvent
from tunesmith_local.engine.scoring import Example
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.method import TrainingResult
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.training.checkpoint import CheckpointStore, TrainingState
from tunesmith_local.training.losses import Losses
from tunesmith_local.training.ranks import ALONE, Ranks
from tunesmith_local.training.steps import Stepper, share_of_peak

_SAVING_SHARE = 20
"""Time between two checkpoints, at least, in times that it takes to write one."""


@dataclass(eq=False)
class Training:
    """One training: its rows, its settings and the functions that it calls.

    Attributes:
        tunable: the parameters that are trained.
        examples: the training rows.
        method: the hyper-parameters.
        seed: decides the order of the rows.
        validation: rows whose loss is measured after every epoch; the weights with the lowest
            one are kept.
        checkpoints: the store to save to and to continue from.
        checkpoint_seconds: least time between two saves; 0 saves after every step.
        on_event: called after every step and epoch.
        should_stop: asked before every batch.
        ranks: the processes that train together.
    """

    tunable: Tunable
    examples: Sequence[Example]
    method: GradientTuning
    seed: int = 0
    validation: Sequence[Example] | None = None
    checkpoints: CheckpointStore | None = None
    checkpoint_seconds: float = 0.0
    on_event: Callable[[TuningEvent], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False
    ranks: Ranks = ALONE
    _losses: Losses = field(default_factory=Losses, init=False)

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError("a training needs at least one row")
        self._steps = Stepper(self.tunable, self.method, self.seed, self.should_stop, self.ranks)
        self._save_again_at = -math.inf

    @property
    def curve(self) -> LearningCurve:
        """The losses so far."""
        return self._losses.curve()

    def run(self) -> TrainingResult:
        """Train to the end, from the last checkpoint if there is one.

        Raises:
            DivergedError: the loss or its gradient is no longer finite; the last checkpoint
                stays.
            JobStopped: ``should_stop`` returned True; the last step is saved.
        """
        state = self._restore()
        rows, method = len(self.examples), self.method
        total = method.optimizer_steps(rows)
        while state.step < total and not self._out_of_patience(state):
            epoch, position = divmod(state.step, method.steps_per_epoch(rows))
            try:
                loss = self._steps.step(
                    self._steps.rows_of(self.examples, epoch, position),
                    state.step,
                    method.peak_rate * share_of_peak(method, state.step, total),
                )
            except (JobStopped, DivergedError):
                self._save(state, force=True)
                raise
            state.step += 1
            self._record_step(state, epoch + 1, loss)
            if position + 1 == method.steps_per_epoch(rows):
                self._end_epoch(state, epoch + 1)
            self._save(state)
        self._save(state, force=True)
        if state.best is not None:
            self.tunable.load(state.best)
        return TrainingResult(state.losses.curve(), state.step, state.step < total)

    def _record_step(self, state: TrainingState, epoch: int, loss: float) -> None:
        state.losses.steps.append(StepLoss(step=state.step, epoch=epoch, loss=loss))
        total = self.method.optimizer_steps(len(self.examples))
        self.on_event(
            TuningEvent(kind="step", step=state.step, total_steps=total, epoch=epoch, loss=loss)
        )

    def _end_epoch(self, state: TrainingState, epoch: int) -> None:
        rows = self.validation
        validation = self._steps.losses(rows).mean().item() if rows else None
        if validation is not None:
            self._judge(state, epoch, validation)
        point = EpochLoss(epoch=epoch, loss=self._epoch_mean(state), validation_loss=validation)
        state.losses.epochs.append(point)
        self.on_event(
            TuningEvent(kind="epoch", epoch=epoch, loss=point.loss, validation_loss=validation)
        )

    def _judge(self, state: TrainingState, epoch: int, loss: float) -> None:
        if state.best_loss is not None and not loss < state.best_loss:
            state.stale_epochs += 1
            return
        state.best_loss, state.stale_epochs = loss, 0
        state.best = self.tunable.weights()
        state.losses.best_epoch = epoch

    def _epoch_mean(self, state: TrainingState) -> float:
        # Weighted by rows, because the last step of an epoch may have fewer.
        size, rows = self.method.rows_per_step, len(self.examples)
        last = state.losses.steps[-self.method.steps_per_epoch(rows) :]
        losses = [point.loss for point in last]
        sizes = [min(size, rows - i * size) for i in range(len(losses))]
        return sum(x * n for x, n in zip(losses, sizes, strict=True)) / rows

    def _out_of_patience(self, state: TrainingState) -> bool:
        patience = self.method.early_stopping_patience
        return patience is not None and state.stale_epochs >= patience

    def _restore(self) -> TrainingState:
        state = self.checkpoints.latest() if self.checkpoints else None
        if state is None:
            return TrainingState(self.tunable.weights(), losses=self._losses)
        self._losses = state.losses
        self.tunable.load(state.weights)
        for name, moments in state.optimizer.items():
            parameter = self.tunable.parameters[name]
            self._steps.optimizer.state[parameter] = _moved(moments, parameter.device)
        return state

    def _save(self, state: TrainingState, *, force: bool = False) -> None:
        started = time.monotonic()
        due = started >= self._save_again_at or force
        if self.checkpoints is None or not due or not self.ranks.writes:
            return
        named = self.tunable.parameters.items()
        state.weights = self.tunable.weights()
        state.optimizer = {name: dict(self._steps.optimizer.state[value]) for name, value in named}
        self.checkpoints.save(state)
        # Large weights take long to write: never more than a small share of the whole time.
        spent = time.monotonic() - started
        self._save_again_at = started + max(self.checkpoint_seconds, _SAVING_SHARE * spent)


def _moved(moments: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    # A count of steps is a tensor without dimensions and stays on the CPU.
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) and value.dim() else value
        for name, value in moments.items()
    }
