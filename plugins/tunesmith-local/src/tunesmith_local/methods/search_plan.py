"""The plan of a search for a learning rate: candidates, rows and steps within a stated budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.dataset.splits import stratified_part
from tunesmith.errors import ExperimentError
from tunesmith.methods import PromptTuning
from tunesmith_local.methods.tunable import Tunable

if TYPE_CHECKING:
    import torch

    from tunesmith.labels import LabelSet
    from tunesmith.records import Row
    from tunesmith_local.engine.scoring import Example
    from tunesmith_local.model.loading import BaseLM

Judge = Callable[[Tunable], tuple["torch.Tensor", float]]
"""Returns the loss of each row that judges, ``[rows]``, and the accuracy of decisions on them."""

RATIOS = (2.0, 0.5, 1.0, 4.0)
"""Candidates, in multiples of the embeddings' root mean square. The first is the default."""
FINALISTS = 2
HELD_OUT = 0.2
"""Share of the training rows that judges."""
MOST_HELD_OUT = 64
FORWARD = 0.5
"""Cost of a row without a backward pass, in rows that are trained on."""
MOST_TOKENS = 2.0
"""All labels are scored if their tokens are at most so many times those of a row."""
LEAST_STEPS = 3
"""Fewer steps than this do not tell candidates apart."""


@dataclass(frozen=True)
class SearchPlan:
    """The candidates for a learning rate, the rows that judge them, and the steps they get."""

    rates: tuple[float, ...]
    """The first is chosen if no other is clearly better."""
    scale: float
    """Root mean square of the model's input embeddings."""
    held_out: frozenset[int]
    """Places of the training rows that judge; no candidate trains on them."""
    judges: tuple[Row, ...]
    """The rows at these places."""
    labels: LabelSet
    decides: bool
    """Whether decisions judge: the right label among the labels. Else the loss of the right answer
    does, because scoring many labels would cost more than the search."""
    rounds: tuple[tuple[int, int], ...]
    """Candidates that take part, and the further steps of each."""
    cost: float
    """In epochs over the training rows."""

    @property
    def guess(self) -> float:
        """The loss of an even guess, in nats; infinite if the loss of the right answer judges."""
        return math.log(len(self.labels)) if self.decides else math.inf

    @property
    def reason(self) -> str:
        """The choice in a sentence."""
        among = " among the labels" if self.decides else ""
        guess = f" and than an even guess ({self.guess:.3g})" if self.decides else ""
        return (
            f"lowest loss of the right label{among} on {len(self.held_out)} training rows that no "
            "candidate saw, of "
            f"{len(self.rates)} rates from {min(RATIOS):g} to {max(RATIOS):g} times the scale of "
            f"the input embeddings ({self.scale:.3g}); {RATIOS[0]:g} times the scale if none is "
            f"lower by more than the standard error of the difference{guess}"
        )


def plan_search(
    base: BaseLM,
    settings: PromptTuning,
    labels: LabelSet,
    train: Sequence[Row],
    examples: Sequence[Example],
    seed: int,
) -> SearchPlan:
    """Plan the search of one training.

    Args:
        base: the base model.
        settings: the hyper-parameters.
        labels: all of them may be scored.
        train: the training rows.
        examples: the same, encoded.
        seed: draws the rows that judge.

    Raises:
        ExperimentError: the rows or the budget are too few to compare candidates.
    """
    scale = embedding_scale(base)
    held_out = _held_out(train, seed)
    more = _label_tokens(base, labels) / (sum(row.length for row in examples) / len(examples))
    decides = more <= MOST_TOKENS
    judging = FORWARD * (1 + more * decides) * len(held_out)
    rounds = _rounds(settings, len(train), len(held_out), judging)
    return SearchPlan(
        rates=tuple(float(f"{ratio * scale:.2g}") for ratio in RATIOS),
        scale=scale,
        held_out=held_out,
        judges=tuple(train[place] for place in sorted(held_out)),
        labels=labels,
        decides=decides,
        rounds=rounds,
        cost=_cost(settings, rounds, judging) / len(train),
    )


def embedding_scale(base: BaseLM) -> float:
    """Return the root mean square of the model's input embeddings."""
    weight = base.embeddings.weight.detach()
    return float(weight.float().pow(2).mean().sqrt())


def _label_tokens(base: BaseLM, labels: LabelSet) -> int:
    texts = [labels.surface(label) for label in labels]
    return sum(map(len, base.tokenizer(texts, add_special_tokens=False)["input_ids"]))


def _held_out(train: Sequence[Row], seed: int) -> frozenset[int]:
    """Draw the rows that judge, every label in proportion. Copies of a row stay together."""
    labels = {row.input: str(row.output) for row in reversed(train)}
    distinct = list(dict.fromkeys(row.input for row in train))
    least = len(set(labels.values()))
    size = max(least, min(MOST_HELD_OUT, HELD_OUT * len(distinct)))
    try:
        part = stratified_part([labels[text] for text in distinct], size / len(distinct), seed)
    except ValueError as error:
        raise ExperimentError(
            f"method.learning_rate: 'auto' compares candidates on a part of the {len(train)} "
            f"training rows with every label in it, and that is not possible ({error}); set a "
            "number, or give more rows"
        ) from None
    chosen = {distinct[place] for place in part}
    return frozenset(place for place, row in enumerate(train) if row.input in chosen)


def _rounds(
    settings: PromptTuning, rows: int, held_out: int, judging: float
) -> tuple[tuple[int, int], ...]:
    half, step = settings.search_budget * rows / 2, min(settings.rows_per_step, rows - held_out)
    rounds = tuple((kept, int((half / kept - judging) / step)) for kept in (len(RATIOS), FINALISTS))
    if rounds[0][1] < LEAST_STEPS:
        raise ExperimentError(
            f"method.search_epochs: {settings.search_budget:g} epochs over {rows} rows give "
            f"{len(RATIOS)} candidates {max(0, rounds[0][1])} optimizer steps each, and fewer than "
            f"{LEAST_STEPS} do not tell them apart; raise it, lower method.batch_size or "
            "method.accumulate_steps, or set method.learning_rate"
        )
    return rounds


def _cost(settings: PromptTuning, rounds: Sequence[tuple[int, int]], judging: float) -> float:
    """Return the cost in rows that are trained on."""
    return sum(kept * (steps * settings.rows_per_step + judging) for kept, steps in rounds)
