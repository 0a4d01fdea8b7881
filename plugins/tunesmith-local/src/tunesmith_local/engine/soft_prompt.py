"""Soft prompts before their first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from tunesmith.errors import ExperimentError
from tunesmith.methods import VirtualTokens, chosen
from tunesmith_local.model.loading import BaseLM

InitMethod = Literal["random", "text", "sample_vocab"]


@dataclass(frozen=True)
class InitialPrompt:
    """A soft prompt before its first step, with the facts for a record."""

    weights: torch.Tensor
    """``[num_virtual_tokens, hidden_size]``, float32."""
    method: str
    text_tokens: int | None = None
    """Tokens of the init text, before repeating or cutting."""
    fit: Literal["exact", "repeated", "cut"] | None = None
    """Whether the init text was repeated or cut to fill the virtual tokens."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        if self.fit not in ("repeated", "cut"):
            return ()
        return (
            f"init text of {self.text_tokens} tokens was {self.fit} to fill "
            f"{len(self.weights)} virtual tokens",
        )

    def record(self) -> dict[str, str | int]:
        """Return the facts for a record."""
        facts: dict[str, str | int] = {"init_method": self.method}
        if self.text_tokens is not None and self.fit is not None:
            facts |= {"init_text_tokens": self.text_tokens, "init_text_fit": self.fit}
        return facts


def initial_prompt(
    base: BaseLM, method: InitMethod, length: int, *, text: str | None = None, seed: int = 0
) -> InitialPrompt:
    """Return the prompt before its first step.

    Rows are embedding rows as the embedding module gives them: Granite multiplies its inputs by
    ``embedding_multiplier`` inside the model, so nothing is multiplied here.

    Args:
        base: the base model.
        method: ``text`` repeats or cuts the embeddings of ``text``; ``sample_vocab`` takes the
            embeddings of tokens drawn uniformly (Lester et al. 2021); ``random`` draws from a
            normal distribution with the standard deviation of the embedding matrix. PEFT's own
            RANDOM has deviation 1, far off the embeddings of most models.
        length: number of virtual tokens.
        text: the init text, for ``text``.
        seed: decides ``random`` and ``sample_vocab``.

    Raises:
        ExperimentError: ``text`` is missing or has no tokens.
    """
    generator = torch.Generator().manual_seed(seed)
    if method == "text":
        return _from_text(base, text or "", length)
    if method == "sample_vocab":
        drawn = torch.randint(0, base.vocabulary_size, (length,), generator=generator)
        return InitialPrompt(_embed(base, drawn), method)
    scale = base.embeddings.weight.detach().float().std().cpu()
    noise = torch.randn(length, base.hidden_size, generator=generator)
    return InitialPrompt(noise * scale, method)


def _from_text(base: BaseLM, text: str, length: int) -> InitialPrompt:
    ids = base.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    if not ids:
        raise ExperimentError(f"method.init_text {text!r} has no tokens; give a longer text")
    order = [ids[i % len(ids)] for i in range(length)]
    fit: Literal["exact", "repeated", "cut"] = (
        "exact" if len(ids) == length else "repeated" if len(ids) < length else "cut"
    )
    return InitialPrompt(_embed(base, torch.tensor(order)), "text", len(ids), fit)


def _embed(base: BaseLM, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        rows: torch.Tensor = base.embeddings(ids.to(base.device))
    return rows.float().cpu()


def start_of(base: BaseLM, method: VirtualTokens, seed: int) -> InitialPrompt:
    """Return the first virtual tokens of ``method``; see :func:`initial_prompt`."""
    how: InitMethod = chosen("init_method", method.init_method)
    return initial_prompt(base, how, method.virtual_tokens, text=method.init_text, seed=seed)
