"""Every method with small settings, and what the tests of methods do with it."""

from __future__ import annotations

from pathlib import Path

import torch
from local_models import EXACT, build, start
from test_training import examples

from tunesmith.methods import GradientTuning
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line
from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.scoring import Example
from tunesmith_local.methods.adapter import load_tuned, save_tuned
from tunesmith_local.methods.fine_tuning import FineTuning
from tunesmith_local.methods.lora import Lora
from tunesmith_local.methods.p_tuning import PTuning
from tunesmith_local.methods.prefix_tuning import PrefixTuning
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.methods.tuned import TunedLM
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.training import Training, TrainingResult

_COMMON = {"num_epochs": 12, "batch_size": 3, "accumulate_steps": 2}
METHODS: dict[str, GradientTuning] = {
    "p_tuning": PTuning(**_COMMON, learning_rate=0.03, num_virtual_tokens=6),
    "p_tuning-lstm": PTuning(
        **_COMMON,
        learning_rate=0.03,
        num_virtual_tokens=6,
        encoder_hidden_size=8,
        encoder_reparameterization_type="LSTM",
    ),
    "prefix_tuning": PrefixTuning(**_COMMON, learning_rate=0.3, num_virtual_tokens=6),
    "lora": Lora(**_COMMON, learning_rate=0.01, rank=4),
    "lora-dropout": Lora(**_COMMON, learning_rate=0.01, rank=2, lora_dropout=0.3),
    "fine_tuning": FineTuning(**_COMMON, learning_rate=0.001),
}
NO_PREFIX = ("hybrid-mamba", "t5")
FITTING = [
    (name, kind)
    for name in ("p_tuning", "prefix_tuning", "lora", "fine_tuning")
    for kind in EXACT
    if name != "prefix_tuning" or kind not in NO_PREFIX
]
"""Every method on every architecture that has a place for what it trains."""


def small(kind: str) -> BaseLM:
    """Return a new tiny base model, whose float32 is exact enough to compare logits.

    T5 does not scale its attention: six times its weights would magnify rounding.
    """
    return build(kind, scale=1.0 if kind == "t5" else 6.0)


def trained(
    base: BaseLM, method: GradientTuning, *, epochs: int | None = None, seed: int = 0
) -> tuple[Tunable, TrainingResult]:
    """Train on the rows of the training tests."""
    if epochs is not None:
        method = method.model_copy(update={"num_epochs": epochs})
    tunable = start(base, method, seed)
    return tunable, Training(tunable, examples(base), method, seed).run()


def saved(tunable: Tunable, base: BaseLM, directory: Path) -> TunedLM:
    """Save and load again, for the base model that was tuned."""
    save_tuned(tunable, "{{input}}", None, directory)
    return load_tuned(base, directory)


@torch.no_grad()
def losses_in_training(tunable: Tunable, rows: list[Example]) -> torch.Tensor:
    """Return the loss of each row, each alone, as the training loop sees it."""
    with tunable.reading(0) as row_losses:
        return torch.cat([row_losses([row]) for row in rows])


@torch.no_grad()
def losses_when_served(tuned: TunedLM, rows: list[Example]) -> torch.Tensor:
    """Return the loss of each row, each alone, as a deployment scores it."""
    prefix = prefix_for(tuned)
    scores = [
        label_log_probs(start_mixed_decoder(tuned.base, [Line(prefix, r.prompt)]), 1, [r.answer])
        / len(r.answer)
        for r in rows
    ]
    return -torch.cat(scores)[:, 0]


def prefix_for(tuned: TunedLM) -> Prefix | None:
    """Return the part before a text."""
    if tuned.state is not None:
        return Prefix(None, tuned.state)
    return None if tuned.prompt is None else prefix_of(tuned.base, tuned.prompt)


@torch.no_grad()
def two_steps(base: BaseLM, lines: list[Line]) -> torch.Tensor:
    """Return the scores of the first two new tokens, ``[rows, 2, vocab]``."""
    decoder = start_mixed_decoder(base, lines)
    return torch.stack([decoder.first(), decoder.next([49] * len(lines))], dim=1)
