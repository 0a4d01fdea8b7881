"""Prompt tuning and P-tuning: the base model is frozen, virtual tokens stand before the text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.methods import PromptTuning
from tunesmith_local.engine.shared_prefix import reading
from tunesmith_local.methods.peft_models import (
    drawn_by,
    encoder,
    p_tuning_model,
    save_peft,
    soft_prompt_model,
    virtual_tokens,
)
from tunesmith_local.methods.settings import PTuning
from tunesmith_local.methods.soft_prompt import InitialPrompt, start_of
from tunesmith_local.methods.tunable import RowLosses, Tunable
from tunesmith_local.model.loading import BaseLM

if TYPE_CHECKING:
    from peft import PeftModel


class SoftPromptTunable(Tunable):
    """A soft prompt before the text, or the network that makes one."""

    def __init__(self, base: BaseLM, model: PeftModel, start: InitialPrompt) -> None:
        """Train the encoder of ``model``, PEFT's own around ``base``, that holds ``start``."""
        self.base = base
        self.model = model
        self.parameters = dict(encoder(model).named_parameters())
        self.facts = start.record()
        self.notes = start.notes
        # What the plain layout spends on the prompt in every row is free for other rows.
        self.batches_at_once = 4 if base.end_to_end_exact else 2 if base.prefix_exact else 1

    def reading(self, seed: int) -> AbstractContextManager[RowLosses]:
        """Read the soft prompt once for all rows, where the model allows it."""
        del seed  # nothing is random
        return reading(self.base, virtual_tokens(self.model))

    def save(self, directory: Path) -> None:
        """Write PEFT's two files; of P-tuning's network remains what it makes."""
        save_peft(self.model, directory)


def start_prompt_tuning(base: BaseLM, method: PromptTuning, seed: int) -> SoftPromptTunable:
    """Return a soft prompt before its first step."""
    start = start_of(base, method, seed)
    return SoftPromptTunable(base, soft_prompt_model(base, start.weights), start)


def start_p_tuning(base: BaseLM, method: PTuning, seed: int) -> SoftPromptTunable:
    """Return P-tuning's network before its first step; ``seed`` draws its weights."""
    start = start_of(base, method, seed)
    with drawn_by(seed):
        model = p_tuning_model(base, method, start.weights)
    return SoftPromptTunable(base, model, start)
