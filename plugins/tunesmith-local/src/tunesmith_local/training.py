"""Prompt tuning: one loop over optimizer steps.

The base model is frozen; the soft prompt is the only parameter (Lester et al. 2021).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from transformers import Adafactor

from tunesmith.jobs import JobStopped
from tunesmith.records import EpochLoss, LearningCurve, StepLoss, TuningEvent
from tunesmith_local.batching import by_length
from tunesmith_local.checkpoint import CheckpointStore, TrainingState
from tunesmith_local.errors import DivergedError
from tunesmith_local.loading import BaseLM
from tunesmith_local.scoring import Example, row_losses


@dataclass(frozen=True)
class TrainingPlan:
    """The hyper-parameters of the loop, in the names that watsonx.ai and caikit share."""

    num_epochs: int
    learning_rate: float
    batch_size: int
    accumulate_steps: int = 1
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    lr_schedule: Literal["linear", "constant"] = "linear"
    early_stopping_patience: int | None = None
    seed: int = 0

    @property
    def rows_per_step(self) -> int:
        """Rows behind one optimizer step; the last step of an epoch may have fewer."""
        return self.batch_size * self.accumulate_steps

    def steps_per_epoch(self, rows: int) -> int:
        """Return the optimizer steps of an epoch; an incomplete accumulation is flushed."""
        return math.ceil(rows / self.rows_per_step)

    def total_steps(self, rows: int) -> int:
        """Return the optimizer steps of the whole training, early stopping aside."""
        return self.steps_per_epoch(rows) * self.num_epochs

    def learning_rate_at(self, step: int, rows: int) -> float:
        """Return the rate of the step after ``step`` steps; ``linear`` falls to zero."""
        if self.lr_schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 - step / self.total_steps(rows))


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training made."""

    prompt: torch.Tensor
    """``[num_virtual_tokens, hidden_size]``; the best one where a validation set chose."""
    curve: LearningCurve
    steps: int
    """Optimizer steps done."""
    stopped_early: bool


@dataclass(eq=False)
class Training:
    """One training: what it works on and whom it tells.

    Attributes:
        base: the frozen base model.
        prompt: the parameter to train, ``[num_virtual_tokens, hidden_size]``, float32.
        examples: the training rows.
        plan: the hyper-parameters.
        validation: rows whose loss is measured after every epoch; the prompt with the lowest
            one is kept.
        checkpoints: where to save and what to continue from.
        checkpoint_seconds: least time between two saves; 0 saves after every step.
        on_event: called after every step and epoch.
        should_stop: asked before every batch.
        curve: the losses so far.
    """

    base: BaseLM
    prompt: torch.nn.Parameter
    examples: Sequence[Example]
    plan: TrainingPlan
    validation: Sequence[Example] | None = None
    checkpoints: CheckpointStore | None = None
    checkpoint_seconds: float = 0.0
    on_event: Callable[[TuningEvent], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False
    curve: LearningCurve = field(default_factory=LearningCurve, init=False)

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError("a training needs at least one row")
        self._optimizer = _optimizer(self.plan, self.prompt)
        self._saved_at = -math.inf

    def run(self) -> TrainingResult:
        """Train to the end, from the last checkpoint where there is one.

        Raises:
            DivergedError: the loss or its gradient is no longer finite; the last checkpoint
                stays.
            JobStopped: ``should_stop`` said so; the last step is saved.
        """
        state = self._restore()
        rows, plan = len(self.examples), self.plan
        while state.step < plan.total_steps(rows) and not self._out_of_patience(state):
            epoch, position = divmod(state.step, plan.steps_per_epoch(rows))
            try:
                loss = self._gradient(self._rows_of_step(epoch, position), state.step)
            except (JobStopped, DivergedError):
                self._save(state, force=True)
                raise
            self._step(plan.learning_rate_at(state.step, rows))
            state.step += 1
            self._record_step(state, epoch + 1, loss)
            if position + 1 == plan.steps_per_epoch(rows):
                self._end_epoch(state, epoch + 1)
            self._save(state)
        self._save(state, force=True)
        kept = self.prompt.detach() if state.best_prompt is None else state.best_prompt
        stopped = state.step < plan.total_steps(rows)
        return TrainingResult(kept.cpu().clone(), state.curve, state.step, stopped)

    def _rows_of_step(self, epoch: int, position: int) -> list[Example]:
        generator = torch.Generator().manual_seed(_mix(self.plan.seed, epoch))
        order = torch.randperm(len(self.examples), generator=generator).tolist()
        first = position * self.plan.rows_per_step
        return [self.examples[i] for i in order[first : first + self.plan.rows_per_step]]

    def _gradient(self, rows: Sequence[Example], step: int) -> float:
        # The mean over the rows of the step does not depend on how they are cut into batches, so
        # batches of similar length cost nothing in exactness.
        self._optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for batch in self._batches(rows):
            if self.should_stop():
                raise JobStopped
            losses = row_losses(self.base, self.prompt, [rows[i] for i in batch])
            torch.autograd.backward(losses.sum() / len(rows))
            total += losses.sum().item()
        self._check_finite(total, step + 1)
        return total / len(rows)

    def _batches(self, rows: Sequence[Example]) -> list[list[int]]:
        lengths = [row.length for row in rows]
        return list(
            by_length(lengths, self.plan.batch_size, equal_only=not self.base.padding_exact)
        )

    def _check_finite(self, loss: float, step: int) -> None:
        gradient = self.prompt.grad
        if math.isfinite(loss) and gradient is not None and bool(gradient.isfinite().all()):
            return
        what = "gradient" if math.isfinite(loss) else "loss"
        raise DivergedError(
            f"the {what} is not a finite number at optimizer step {step}; lower learning_rate "
            f"({self.plan.learning_rate:g}). The checkpoint of the step before is kept.",
            step,
        )

    def _step(self, learning_rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()

    def _record_step(self, state: TrainingState, epoch: int, loss: float) -> None:
        point = StepLoss(step=state.step, epoch=epoch, loss=loss)
        state.curve = state.curve.model_copy(update={"steps": (*state.curve.steps, point)})
        self.curve = state.curve
        total = self.plan.total_steps(len(self.examples))
        self.on_event(
            TuningEvent(kind="step", step=state.step, total_steps=total, epoch=epoch, loss=loss)
        )

    def _end_epoch(self, state: TrainingState, epoch: int) -> None:
        validation = self.validation_loss() if self.validation else None
        if validation is not None:
            self._judge(state, epoch, validation)
        point = EpochLoss(
            epoch=epoch, loss=self._epoch_mean(state, epoch), validation_loss=validation
        )
        state.curve = state.curve.model_copy(update={"epochs": (*state.curve.epochs, point)})
        self.curve = state.curve
        self.on_event(
            TuningEvent(kind="epoch", epoch=epoch, loss=point.loss, validation_loss=validation)
        )

    def _judge(self, state: TrainingState, epoch: int, loss: float) -> None:
        if state.best_loss is not None and not loss < state.best_loss:
            state.stale_epochs += 1
            return
        state.best_loss, state.stale_epochs = loss, 0
        state.best_prompt = self.prompt.detach().cpu().clone()
        state.curve = state.curve.model_copy(update={"best_epoch": epoch})

    def _epoch_mean(self, state: TrainingState, epoch: int) -> float:
        # Weighted by rows, because the last step of an epoch may have fewer.
        losses = [point.loss for point in state.curve.steps if point.epoch == epoch]
        size, rows = self.plan.rows_per_step, len(self.examples)
        sizes = [min(size, rows - i * size) for i in range(len(losses))]
        return sum(x * n for x, n in zip(losses, sizes, strict=True)) / rows

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the mean loss over the validation rows, in nats per answer token.

        Raises:
            JobStopped: ``should_stop`` said so.
        """
        rows = self.validation or ()
        total = 0.0
        for batch in self._batches(rows):
            if self.should_stop():
                raise JobStopped
            total += row_losses(self.base, self.prompt, [rows[i] for i in batch]).sum().item()
        return total / len(rows)

    def _out_of_patience(self, state: TrainingState) -> bool:
        patience = self.plan.early_stopping_patience
        return patience is not None and state.stale_epochs >= patience

    def _restore(self) -> TrainingState:
        state = self.checkpoints.latest() if self.checkpoints else None
        if state is None:
            return TrainingState(self.prompt.detach())
        self.curve = state.curve
        with torch.no_grad():
            self.prompt.copy_(state.prompt)
        if state.optimizer:
            moments = {
                name: value.to(self.prompt.device)
                if isinstance(value, torch.Tensor) and value.dim()
                else value
                for name, value in state.optimizer.items()
            }
            self._optimizer.state[self.prompt] = moments
        return state

    def _save(self, state: TrainingState, *, force: bool = False) -> None:
        due = time.monotonic() - self._saved_at >= self.checkpoint_seconds
        if self.checkpoints is None or not (due or force):
            return
        state.prompt = self.prompt.detach()
        state.optimizer = dict(self._optimizer.state[self.prompt])
        self.checkpoints.save(state)
        self._saved_at = time.monotonic()


def _optimizer(plan: TrainingPlan, prompt: torch.nn.Parameter) -> torch.optim.Optimizer:
    if plan.optimizer == "adamw":
        return torch.optim.AdamW([prompt], lr=plan.learning_rate)
    # Lester et al. 2021: no parameter scaling, no relative step, weight decay 1e-5.
    return Adafactor(  # type: ignore[no-untyped-call]  # transformers has no types there
        [prompt],
        lr=plan.learning_rate,
        scale_parameter=False,
        relative_step=False,
        warmup_init=False,
        weight_decay=1e-5,
    )


def _mix(seed: int, epoch: int) -> int:
    # Distinct for every (seed, epoch) in use: seed + epoch would give run 1's second epoch to
    # run 2's first.
    return (seed * 1_000_003 + epoch) % 2**63
