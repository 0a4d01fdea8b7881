"""The models and rows of the benchmark: real shapes and lengths, random contents."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GraniteConfig,
    GraniteMoeHybridConfig,
    PreTrainedModel,
)
from transformers.utils import logging

import tunesmith_micro_granite
from tunesmith_local.engine.encoding import encode_answer
from tunesmith_local.engine.scoring import Example
from tunesmith_local.engine.self_check import checked
from tunesmith_local.model.loading import BaseLM, freeze
from tunesmith_local.model.weight_prepacking import prepacked

logging.disable_progress_bar()

STEP_ROWS = 64
"""Rows of the optimizer step that is measured: eight of the peer's batches."""

_GRANITE: dict[str, Any] = {
    "embedding_multiplier": 12.0,
    "residual_multiplier": 0.246,
    "attention_multiplier": 0.015625,
    "logits_scaling": 4.0,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "eos_token_id": 0,
    "pad_token_id": 0,
}


@dataclass(frozen=True)
class Shape:
    """The size of a base model, and the type of its weights in the benchmark."""

    name: str
    dtype: torch.dtype
    layers: int = 0
    hidden: int = 0
    heads: int = 0
    vocabulary: int = 0


SHAPES = {
    "352M": Shape("352M", torch.bfloat16, 28, 1024, 16, 100_352),
    "88M": Shape("88M", torch.float32, 8, 768, 12, 49_160),
    "micro": Shape("micro", torch.float32),
}


def build(shape: Shape, device: torch.device, seed: int) -> tuple[PreTrainedModel, BaseLM]:
    """Return a model for the peer and one for the engine: two modules over the same weights.

    The peer gets a module as transformers makes it, without changes of the engine.
    """
    stock = build_stock(shape, device, seed)
    return stock, prepacked(checked(unchecked(shape, stock)))


def unchecked(shape: Shape, stock: PreTrainedModel) -> BaseLM:
    """Return a second module over the weights of ``stock``, before the engine's self-check."""
    shared = {id(tensor): tensor for tensor in (*stock.parameters(), *stock.buffers())}
    own = copy.deepcopy(stock, shared)
    tokenizer = AutoTokenizer.from_pretrained(tunesmith_micro_granite.path())
    return freeze(f"benchmark/{shape.name}", own, tokenizer)


def build_stock(shape: Shape, device: torch.device, seed: int) -> PreTrainedModel:
    """Return the peer's model."""
    torch.manual_seed(seed)
    stock: PreTrainedModel = _made(shape).to(device)
    return stock.requires_grad_(False).eval()


def _made(shape: Shape) -> Any:
    if shape.name == "micro":
        return AutoModelForCausalLM.from_pretrained(
            tunesmith_micro_granite.path(), dtype=shape.dtype
        )
    return AutoModelForCausalLM.from_config(_config(shape), dtype=shape.dtype)


def _config(shape: Shape) -> GraniteConfig | GraniteMoeHybridConfig:
    size = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": 2048,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": 4,
        "max_position_embeddings": 32_768,
    }
    if shape.name == "88M":
        return GraniteConfig(**_GRANITE, **size)
    # granite-4.0-350m: the hybrid class with attention only and no experts.
    return GraniteMoeHybridConfig(
        **_GRANITE,
        **size,
        shared_intermediate_size=2048,
        num_local_experts=0,
        layer_types=["full_attention"] * shape.layers,
        position_embedding_type="rope",
    )


def examples(
    base: BaseLM, like: Sequence[tuple[int, int]], seed: int, count: int | None = None
) -> list[Example]:
    """Return rows of random tokens with the lengths and shared prefixes of ``like``.

    Args:
        base: gives the vocabulary.
        like: rows as in :mod:`.tutorial_rows`.
        seed: of the tokens, and of the order.
        count: how many of them; all by default.
    """
    drawn = random.Random(seed)
    labels = [encode_answer(base.tokenizer, label) for label in ("0", "1")]
    rows: list[Example] = []
    for length, shared in like:
        begun = rows[-1].prompt[:shared] if rows else ()
        new = (drawn.randrange(1, base.vocabulary_size) for _ in range(length - shared))
        prompt = (*begun, *new)
        same = bool(rows) and rows[-1].prompt == prompt
        rows.append(Example(prompt, rows[-1].answer if same else drawn.choice(labels)))
    drawn.shuffle(rows)
    return rows[:count]


def distinct(rows: Iterable[Sequence[int]]) -> int:
    """Return the number of tokens of the rows. Tokens behind the same tokens count once."""
    return len({tuple(row[: n + 1]) for row in rows for n in range(len(row))})


def soft_prompt(base: BaseLM, tokens: int, seed: int) -> torch.Tensor:
    """Return ``[tokens, hidden_size]``, float32, embeddings of random tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(base.vocabulary_size, (tokens,), generator=generator)
    rows: torch.Tensor = base.embeddings.weight[ids.to(base.device)]
    return rows.detach().float()
