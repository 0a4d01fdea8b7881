"""A tuned model in memory, whatever method made it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

from tunesmith.methods import PLACEHOLDER
from tunesmith_local.engine.answers import Rule
from tunesmith_local.engine.encoding import encode_opening
from tunesmith_local.engine.prefix import PromptState
from tunesmith_local.methods.linear_probe import Probe
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True)
class AdapterCard:
    """What belongs to a tuned model and the files of PEFT and transformers do not say."""

    base_model: str
    base_fingerprint: str
    template: str = PLACEHOLDER
    max_input_tokens: int | None = None
    tokenizer_fingerprint: str = ""
    weights_sha256: str = ""
    """Of the weights file; a flipped bit is found, which safetensors does not look for."""
    answers: Rule = "apart"
    """How answers were tokenized; a card that does not tell is of before there was a choice."""


@dataclass(frozen=True, eq=False)
class TunedLM:
    """What reads the texts, and what stands beside them."""

    base: BaseLM
    """The base model itself, or the changed copy of it."""
    card: AdapterCard
    prompt: torch.Tensor | None = None
    """A soft prompt, ``[num_virtual_tokens, hidden_size]``, float32."""
    prompt_position: Literal["prefix", "suffix"] = "prefix"
    """Whether the soft prompt stands before the text or behind it."""
    state: PromptState | None = None
    """Trained keys and values (prefix tuning)."""
    probe: Probe | None = None
    """A classifier of hidden states (linear probe)."""

    @cached_property
    def opening(self) -> tuple[int, ...]:
        """Tokens of the template with which texts begin."""
        return encode_opening(self.base.tokenizer, self.card.template)
