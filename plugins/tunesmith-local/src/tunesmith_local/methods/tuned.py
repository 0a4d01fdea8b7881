"""Tuned models in memory, and the files that they come from."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch

from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER
from tunesmith_local.engine.answerer import Answerer, LanguageModelAnswerer
from tunesmith_local.engine.answers import Answers, Rule
from tunesmith_local.engine.encoding import encode_prefix_ids
from tunesmith_local.engine.prefix import Prefix, PromptState, read_state
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import Suffix, TextCache, TextReader
from tunesmith_local.model.loading import BaseLM

CONFIG = "adapter_config.json"
"""PEFT's name for the config of an adapter."""


@dataclass(frozen=True)
class AdapterCard:
    """Facts about a tuned model that the files of PEFT and transformers lack."""

    base_model: str
    base_fingerprint: str
    template: str = PLACEHOLDER
    max_input_tokens: int | None = None
    tokenizer_fingerprint: str = ""
    weights_sha256: str = ""
    """Of the weights file; it finds a flipped bit, which safetensors does not look for."""
    answers: Rule = "apart"
    """The tokenization of answers. Older cards lack it: there was only this one."""


@dataclass(frozen=True)
class AdapterFiles:
    """The folder of a saved model, with its card."""

    directory: Path
    card: AdapterCard

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return (self.directory / name).exists()

    @cached_property
    def peft_type(self) -> str:
        """The ``peft_type`` of the adapter's config; empty if there is none to read."""
        try:
            return str(json.loads((self.directory / CONFIG).read_text("utf-8"))["peft_type"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # PEFT's own reader names the problem


@dataclass(frozen=True, eq=False)
class Served:
    """The caches that serve a tuned model, and its key in them."""

    key: str
    labels: LabelSet
    states: StateCache[str]
    """KV caches or states of soft prompts."""
    texts: TextCache


@dataclass(frozen=True, eq=False)
class Tuned(ABC):
    """A tuned model in memory."""

    base: BaseLM
    """The base model itself, or the changed copy of it."""
    card: AdapterCard

    @abstractmethod
    def answerer(self, served: Served) -> Answerer:
        """Return the answerer of a deployment of this model."""

    def details(self, served: Served) -> dict[str, Any]:
        """Return facts for the record of a deployment, JSON values."""
        del served
        return {}


@dataclass(frozen=True, eq=False)
class TunedLM(Tuned):
    """A tuned model that is a language model, with or without a soft prompt."""

    prompt: torch.Tensor | None = None
    """A soft prompt, ``[num_virtual_tokens, hidden_size]``, float32."""
    prompt_position: Literal["prefix", "suffix"] = "prefix"
    """Whether the soft prompt is before the text or behind it."""
    state: PromptState | None = None
    """Trained keys and values (prefix tuning)."""
    _answers: dict[tuple[str, ...], Answers] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def prefix_ids(self) -> tuple[int, ...]:
        """Tokens of the template with which texts begin."""
        return encode_prefix_ids(self.base.tokenizer, self.card.template)

    def answerer(self, served: Served) -> LanguageModelAnswerer:
        """Return the language model with its soft prompt."""
        return LanguageModelAnswerer(
            base=self.base,
            template=self.card.template,
            max_input_tokens=self.card.max_input_tokens,
            soft_prompt=self._soft_prompt(served),
            labels=served.labels,
            tuned_answers=self._tuned_answers(served.labels),
        )

    def details(self, served: Served) -> dict[str, Any]:
        """Return how the prompt's KV cache or state is kept, and its bytes."""
        prompt = self._soft_prompt(served)
        if prompt is None:
            return {}
        if isinstance(prompt, Suffix):
            kept = "kept by text, within text_cache_mb" if self.base.text_exact else "none"
            return {"text_cache": kept}
        state = prompt.state
        if state is None:
            return {"prompt_cache": "none: the model reads the prompt with every text"}
        # Trained keys and values are weights: they are not read from a prompt again.
        fits = prompt.weights is None or state.nbytes <= served.states.limit
        reason = "kept" if fits else "read for each call: larger than prompt_cache_mb"
        return {"prompt_cache": reason, "prompt_cache_bytes": state.nbytes}

    def _tuned_answers(self, labels: LabelSet) -> Answers:
        texts = tuple(labels.surface(name) for name in labels)
        if texts not in self._answers:
            self._answers[texts] = Answers(self.base, texts, ended=True, rule=self.card.answers)
        return self._answers[texts]

    def _soft_prompt(self, served: Served) -> Prefix | Suffix | None:
        if self.prompt is None:
            return None if self.state is None else Prefix(None, self.state)
        base, weights = self.base, self.prompt.to(self.base.device)
        if self.prompt_position == "suffix":
            return Suffix(weights, TextReader(base, served.texts, alone=False))
        if not base.state_exact:
            return Prefix(weights)
        state = served.states.get(served.key, lambda: read_state(base, weights, self.prefix_ids))
        return Prefix(weights, state, self.prefix_ids)
