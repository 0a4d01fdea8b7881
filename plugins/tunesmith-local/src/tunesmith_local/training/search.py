"""The search for a learning rate: successive halving on training rows alone.

Candidates are multiples of the scale of the model's input embeddings, because a step of Adam moves
every number of a soft prompt by about the learning rate. All start alike and read the same rows in
the same order. After a few steps the default and the best of the others go on, and the rest end. In
each round the rate rises and falls as in a whole training, so that a high rate is not judged in
mid-flight. Rows that no candidate trains on judge, by the probability of the right label among the
labels.

The default is chosen unless the other is clearly better, by more than the standard error of the
difference over these rows. A short race is noisy, and it favors high rates: the fewer the steps,
the longer each must be to arrive. So the other must also be better than an even guess.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from tunesmith.backends.jobs import JobStopped
from tunesmith.methods import GradientTuning
from tunesmith.records import ChosenSetting, TriedValue
from tunesmith_local.engine.scoring import Example
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.search_plan import Judge, SearchPlan
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.training.ranks import ALONE, Ranks
from tunesmith_local.training.steps import Stepper, share_of_peak


@dataclass(eq=False)
class Candidate:
    """A learning rate, and a training with it so far.

    Attributes:
        rate: the learning rate.
        steps: of its training.
        taken: steps so far.
        losses: of each row at the last judgment; None before it, and if the training diverged.
        accuracy: of its decisions at the last judgment, if decisions judge.
    """

    rate: float
    steps: Stepper
    taken: int = 0
    losses: torch.Tensor | None = None
    accuracy: float | None = None

    @property
    def loss(self) -> float:
        """The mean of the losses; infinite without them."""
        return math.inf if self.losses is None else self.losses.mean().item()

    def is_clearly_better(self, other: Candidate) -> bool:
        """Return whether its loss is lower by more than the standard error of the difference."""
        if self.losses is None or other.losses is None:
            return self.losses is not None
        gains = other.losses - self.losses
        return bool(gains.mean() > gains.std() / math.sqrt(len(gains)))

    def train(self, rows: Sequence[Example], steps: int) -> None:
        """Take ``steps`` further steps, each with the next rows, on a schedule of their own."""
        method = self.steps.method
        each = method.steps_per_epoch(len(rows))
        for step in range(steps):
            part = self.steps.rows_of(rows, *divmod(self.taken, each))
            self.steps.step(part, self.taken, self.rate * share_of_peak(method, step, steps))
            self.taken += 1


@dataclass(eq=False)
class RateSearch:
    """A search for the learning rate of one training.

    Attributes:
        plan: candidates, rows and steps.
        method: the hyper-parameters; their learning rate is not used.
        rows: all training rows.
        start: returns the parameters before their first step.
        judge: judges the decisions of a candidate, if the plan wants decisions.
        seed: decides the order of the rows.
        say: gets a sentence after every judgment.
        should_stop: asked before every batch.
        ranks: the processes that search together.
    """

    plan: SearchPlan
    method: GradientTuning
    rows: Sequence[Example]
    start: Callable[[], Tunable]
    judge: Judge
    seed: int
    say: Callable[[str], None] = lambda text: None
    should_stop: Callable[[], bool] = lambda: False
    ranks: Ranks = ALONE
    _tried: list[TriedValue] = field(default_factory=list, init=False)

    def run(self) -> ChosenSetting:
        """Search, and return the choice with all candidates.

        Raises:
            DivergedError: every candidate diverged.
            JobStopped: ``should_stop`` returned True. The search starts again from the beginning.
        """
        begun = time.monotonic()
        default, *others = [self._candidate(rate) for rate in self.plan.rates]
        for kept, steps in self.plan.rounds:
            others = sorted(others, key=lambda one: one.loss)[: kept - 1]
            for candidate in (default, *others):
                self._advance(candidate, steps)
        best = min(others, key=lambda one: one.loss)
        if not best.is_clearly_better(default) or self._only_guesses(best, default):
            best = default
        if best.losses is None:
            raise DivergedError(
                "the search for method.learning_rate: every candidate diverged, down to "
                f"{min(self.plan.rates):g}; set a lower method.learning_rate",
                best.taken,
            )
        return ChosenSetting(
            setting="learning_rate",
            value=best.rate,
            reason=self.plan.reason,
            tried=tuple(self._tried),
            held_out_rows=len(self.plan.held_out),
            epochs=round(self.plan.cost, 2),
            seconds=round(time.monotonic() - begun, 1),
        )

    def _only_guesses(self, best: Candidate, default: Candidate) -> bool:
        """Return whether the loss of ``best`` is not below that of an even guess.

        Such a candidate shows only which rate is faster. If the default diverged, it is taken.
        """
        return default.losses is not None and best.loss >= self.plan.guess

    def _candidate(self, rate: float) -> Candidate:
        settings = self.method.model_copy(update={"learning_rate": rate})
        steps = Stepper(self.start(), settings, self.seed, self.should_stop, self.ranks)
        return Candidate(rate, steps)

    def _advance(self, candidate: Candidate, steps: int) -> None:
        rows = [row for place, row in enumerate(self.rows) if place not in self.plan.held_out]
        try:
            candidate.train(rows, steps)
            losses, candidate.accuracy = self._judged(candidate)
            self.ranks.same(losses)  # or two processes could choose differently
            candidate.losses = losses if losses.isfinite().all() else None
        except DivergedError:
            candidate.losses = candidate.accuracy = None
        self._record(candidate)

    def _judged(self, candidate: Candidate) -> tuple[torch.Tensor, float | None]:
        if self.ranks.any(self.should_stop()):
            raise JobStopped
        if self.plan.decides:
            return self.judge(candidate.steps.tunable)
        return candidate.steps.losses([self.rows[i] for i in sorted(self.plan.held_out)]), None

    def _record(self, candidate: Candidate) -> None:
        trained = candidate.taken * self.method.rows_per_step / len(self.rows)
        tried = TriedValue(
            value=candidate.rate,
            epochs=round(trained, 2),
            loss=candidate.loss if math.isfinite(candidate.loss) else None,
            accuracy=candidate.accuracy,
        )
        self._tried.append(tried)
        self.say(_line(tried))


def _line(tried: TriedValue) -> str:
    said = "diverged" if tried.loss is None else f"loss {tried.loss:.3f}"
    if tried.accuracy is not None:
        said += f", accuracy {tried.accuracy:.3f}"
    return f"search: learning rate {tried.value:g}, {tried.epochs:g} epochs: {said}"
