"""The shape of the model: a small `GraniteForCausalLM`."""

from __future__ import annotations

import math
from typing import cast

import torch
from transformers import GraniteConfig, GraniteForCausalLM

from recipe.settings import Settings
from recipe.tokenizer import BOS_ID, EOS_ID, PAD_ID

__all__ = ["EMBEDDING_MULTIPLIER", "build", "embedding_rows", "rescale_embeddings"]

MAX_POSITIONS = 1024
EMBEDDING_MULTIPLIER = 12.0  # of every published Granite 3 and 4
RESIDUAL_MULTIPLIER = 0.5


def build(settings: Settings, vocab_size: int) -> GraniteForCausalLM:
    """Make the untrained model, its weights drawn from the seed of the settings.

    Args:
        settings: Sizes and seed.
        vocab_size: Rows of the embedding, as many as the tokenizer has entries.

    Returns:
        The model in float32, with tied embeddings.
    """
    torch.manual_seed(settings.seed)
    model = GraniteForCausalLM(_config(settings, vocab_size))
    torch.nn.init.normal_(embedding_rows(model), std=settings.embedding_std)
    return model


def embedding_rows(model: GraniteForCausalLM) -> torch.nn.Parameter:
    """The tied embedding matrix, shape (vocabulary, width)."""
    return cast("torch.nn.Parameter", model.get_input_embeddings().weight)


def _config(settings: Settings, vocab_size: int) -> GraniteConfig:
    head_size = settings.hidden_size // settings.num_attention_heads
    return GraniteConfig(
        vocab_size=vocab_size,
        hidden_size=settings.hidden_size,
        intermediate_size=settings.intermediate_size,
        num_hidden_layers=settings.num_hidden_layers,
        num_attention_heads=settings.num_attention_heads,
        num_key_value_heads=settings.num_key_value_heads,
        max_position_embeddings=MAX_POSITIONS,
        embedding_multiplier=EMBEDDING_MULTIPLIER,
        residual_multiplier=RESIDUAL_MULTIPLIER,
        attention_multiplier=head_size**-0.5,
        logits_scaling=1.0,
        initializer_range=0.04,
        tie_word_embeddings=True,
        attention_dropout=0.0,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        pad_token_id=PAD_ID,
    )


@torch.no_grad()
def rescale_embeddings(model: GraniteForCausalLM, std: float) -> float:
    """Shrink the tied embeddings without changing what the model computes.

    The rows are divided by a power of two k, `embedding_multiplier` is multiplied by it and
    `logits_scaling` divided by it. A power of two changes exponents only, so every logit stays
    the same to the bit. The reason is prompt tuning: it moves virtual tokens by steps of the
    learning rate, and published recipes assume rows as small as those of a real Granite.

    Args:
        model: Changed in place, its config too.
        std: Wanted standard deviation; reached within a factor of the square root of two.

    Returns:
        The factor k.
    """
    rows = embedding_rows(model)
    factor = math.ldexp(1.0, round(math.log2(rows.std().item() / std)))
    rows.div_(factor)
    model.config.embedding_multiplier *= factor
    model.config.logits_scaling /= factor
    model.model.embedding_multiplier = model.config.embedding_multiplier
    model.logits_scaling = model.config.logits_scaling  # type: ignore[assignment]  # stub: tensors
    return factor
