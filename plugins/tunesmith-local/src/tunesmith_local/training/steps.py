"""Optimizer steps over the parameters of a method, for a training or a candidate of a search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from tunesmith.backends.jobs import JobStopped
from tunesmith.methods import GradientTuning
from tunesmith_local.engine.batching import by_length, padding_worth_a_pass
from tunesmith_local.engine.scoring import Example
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.training.ranks import ALONE, Ranks

Use = Callable[[list[int], torch.Tensor], None]
"""Gets the places of the rows of a batch, and their losses."""


@dataclass(eq=False)
class Stepper:
    """Takes optimizer steps.

    Attributes:
        tunable: the parameters that are trained.
        method: the hyper-parameters.
        seed: decides the order of the rows.
        should_stop: asked before every batch.
        ranks: the processes that read the rows of a step together.
    """

    tunable: Tunable
    method: GradientTuning
    seed: int = 0
    should_stop: Callable[[], bool] = lambda: False
    ranks: Ranks = ALONE
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = _optimizer(self.method, self.tunable)

    def rows_of(self, rows: Sequence[Example], epoch: int, position: int) -> Sequence[Example]:
        """Return the rows of the step at ``position`` of ``epoch``, both from 0."""
        generator = torch.Generator().manual_seed(_mix(self.seed, epoch))
        order = torch.randperm(len(rows), generator=generator).tolist()
        first = position * self.method.rows_per_step
        return [rows[i] for i in order[first : first + self.method.rows_per_step]]

    def step(self, rows: Sequence[Example], number: int, learning_rate: float) -> float:
        """Take the step after ``number`` steps, and return its loss before it.

        Raises:
            DivergedError: the loss or its gradient is not finite; no step was taken.
            JobStopped: ``should_stop`` returned True in a process; no step was taken.
            TuningError: another process ended.
        """
        loss = self._gradient(rows, number)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        return loss

    @torch.no_grad()
    def losses(self, rows: Sequence[Example]) -> torch.Tensor:
        """Return the loss of each of ``rows``, in nats per answer token, float64 ``[rows]``.

        Raises:
            JobStopped: ``should_stop`` returned True.
        """
        found = torch.zeros(len(rows), dtype=torch.float64)

        def keep(places: list[int], losses: torch.Tensor) -> None:
            found[places] = losses.double().cpu()

        self._read(rows, self.seed, keep)
        self.ranks.add(found)
        return found

    def _gradient(self, rows: Sequence[Example], number: int) -> float:
        # The mean over the rows of the step does not depend on how they are cut into batches and
        # dealt to processes, so batches of similar length cost nothing in exactness.
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), dtype=torch.float64)

        def descend(places: list[int], losses: torch.Tensor) -> None:
            del places
            torch.autograd.backward(losses.sum() / len(rows))
            total.add_(losses.detach().sum().double().cpu())

        self._read(rows, _mix(self.seed, number), descend)
        self.ranks.add(total)
        self._add_gradients()
        self._check_finite(total.item(), number + 1)
        if self.method.max_grad_norm is not None:
            # Adam divides by the mean of squared gradients, and its memory is longer than many a
            # tuning: one long gradient at the start would make all steps after it small.
            torch.nn.utils.clip_grad_norm_(
                self.tunable.parameters.values(), self.method.max_grad_norm
            )
        return total.item() / len(rows)

    def _read(self, rows: Sequence[Example], seed: int, use: Use) -> None:
        """Read the rows that are dealt to this process, and hand each batch to ``use``."""
        mine = self.ranks.mine(range(len(rows)))
        stopped = False
        try:
            if mine:
                with self.tunable.reading(seed) as row_losses:
                    for batch in self._batches([rows[i] for i in mine]):
                        places = [mine[i] for i in batch]
                        use(places, row_losses([rows[i] for i in places]))
        except JobStopped:
            stopped = True
        # All stop at the same step, or the others would wait for this one.
        if self.ranks.any(stopped):
            raise JobStopped

    def _add_gradients(self) -> None:
        if self.ranks.count == 1:
            return
        parameters = self.tunable.parameters.values()
        for parameter in parameters:
            if parameter.grad is None:  # no row of the step was dealt to this process
                parameter.grad = torch.zeros_like(parameter)
        self.ranks.add(*(p.grad for p in parameters if p.grad is not None))

    def _batches(self, rows: Sequence[Example]) -> Iterator[list[int]]:
        lengths = [row.length for row in rows]
        size = self.method.batch_size * self.tunable.batches_at_once
        base = self.tunable.base
        a_pass = padding_worth_a_pass(base, training=True)
        for batch in by_length(lengths, size, a_pass, equal_only=not base.padding_exact):
            if self.should_stop():
                raise JobStopped
            yield batch

    def _check_finite(self, loss: float, step: int) -> None:
        gradients = [p.grad for p in self.tunable.parameters.values() if p.grad is not None]
        # The largest number alone: one look at the device, and no sum that could overflow.
        largest = torch.nn.utils.get_total_norm(gradients, norm_type=math.inf)
        if math.isfinite(loss) and math.isfinite(float(largest)):
            return
        kind = "gradient" if math.isfinite(loss) else "loss"
        raise DivergedError(
            f"the {kind} is not a finite number at optimizer step {step}; lower learning_rate "
            f"({self.method.peak_rate:g}). The checkpoint of the step before is kept.",
            step,
        )


def share_of_peak(method: GradientTuning, step: int, steps: int) -> float:
    """Return the share of the peak rate at the step after ``step`` of ``steps`` steps.

    It rises to 1 in the first ``warmup_ratio`` of the steps, without a step at 0 as transformers
    has one. Then it falls to 0, or stays.
    """
    rising = math.ceil(method.warmup_ratio * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 1.0 if method.lr_schedule == "constant" else (steps - step) / (steps - rising)


def _optimizer(method: GradientTuning, tunable: Tunable) -> torch.optim.Optimizer:
    parameters = list(tunable.parameters.values())
    if method.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=method.peak_rate)
    # Lester et al. 2021: no parameter scaling, no relative step, weight decay 1e-5.
    from transformers import Adafactor  # brings the trainer and PEFT with it

    return Adafactor(  # type: ignore[no-untyped-call]  # transformers has no types there
        parameters,
        lr=method.peak_rate,
        scale_parameter=False,
        relative_step=False,
        warmup_init=False,
        weight_decay=1e-5,
    )


def _mix(seed: int, epoch: int) -> int:
    # Distinct for every (seed, epoch) in use: seed + epoch would give run 1's second epoch to
    # run 2's first.
    return (seed * 1_000_003 + epoch) % 2**63
