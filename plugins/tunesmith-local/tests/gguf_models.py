"""Tiny models of every layout of Granite in a GGUF file, and of some others, seeded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GraniteConfig,
    GraniteForCausalLM,
    GraniteMoeConfig,
    GraniteMoeForCausalLM,
    GraniteMoeHybridConfig,
    GraniteMoeHybridForCausalLM,
    GraniteMoeSharedConfig,
    GraniteMoeSharedForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Starcoder2Config,
    Starcoder2ForCausalLM,
)

FILES = Path(__file__).with_name("gguf_files")
END, START, PAD = "<|end_of_text|>", "<|start_of_role|>", "<|pad|>"
TEMPLATE = (
    "{% for message in messages %}<|start_of_role|>{{ message['role'] }}: "
    "{{ message['content'] }}<|end_of_text|>\n{% endfor %}"
)
# Read as words, numbers, and bytes that are no ASCII; nothing here is data of anybody.
_SENTENCES = ["the service was good", "the food was bad", "good food and bad service in 2024"]
_COMMON: dict[str, Any] = {
    "vocab_size": 288,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000000.0},
    "embedding_multiplier": 12.0,
    "logits_scaling": 3.0,
    "residual_multiplier": 0.22,
    "attention_multiplier": 0.0883883,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 2,
    "tie_word_embeddings": True,
}
_SCALES = ("embedding_multiplier", "logits_scaling", "residual_multiplier", "attention_multiplier")
_PLAIN = {key: value for key, value in _COMMON.items() if key not in _SCALES} | {"head_dim": 8}
_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
_EXPERTS = {"num_local_experts": 3, "num_experts_per_tok": 2}
_MAMBA = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
    "layer_types": ["mamba", "attention"],
    "position_embedding_type": None,
}
_ALL_ATTENTION = {"layer_types": ["attention"] * 2, "position_embedding_type": "rope"}


def _moe(**more: Any) -> PreTrainedModel:
    return GraniteMoeForCausalLM(GraniteMoeConfig(**_COMMON, **_EXPERTS, **more))


def _shared() -> PreTrainedModel:
    config = GraniteMoeSharedConfig(**_COMMON, **_EXPERTS, shared_intermediate_size=64)
    return GraniteMoeSharedForCausalLM(config)


def _hybrid(**more: Any) -> PreTrainedModel:
    settings = _COMMON | _MAMBA | {"shared_intermediate_size": 32} | more
    return GraniteMoeHybridForCausalLM(GraniteMoeHybridConfig(**settings))


MAKERS = {
    "granite": lambda: GraniteForCausalLM(GraniteConfig(**_COMMON)),
    "granite-untied-bias": lambda: GraniteForCausalLM(
        GraniteConfig(**(_COMMON | {"tie_word_embeddings": False, "attention_bias": True}))
    ),
    "granitemoe": _moe,
    "granitemoe-shared": _shared,
    "granitehybrid": lambda: _hybrid(**_EXPERTS),
    "granitehybrid-dense": lambda: _hybrid(num_local_experts=0, num_experts_per_tok=0),
    # The class of granite-4.0-350m: the hybrid one, without a Mamba layer and without experts.
    "hybrid-all-attention": lambda: _hybrid(
        **_ALL_ATTENTION, num_local_experts=0, num_experts_per_tok=0
    ),
    # Those that transformers reads itself.
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**_PLAIN)),
    "llama3-rope": lambda: LlamaForCausalLM(LlamaConfig(**(_PLAIN | {"rope_parameters": _LLAMA3}))),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**_PLAIN)),
    "starcoder2": lambda: Starcoder2ForCausalLM(Starcoder2Config(**_PLAIN, sliding_window=None)),
}
OF_TRANSFORMERS = ("llama", "llama3-rope", "qwen3", "starcoder2")


def original(kind: str) -> PreTrainedModel:
    """Return the model of which ``gguf_files/KIND.gguf`` was made, with the same weights."""
    model = MAKERS[kind]()
    draw = np.random.default_rng(7)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            values = torch.from_numpy(draw.random(tuple(weight.shape)).astype(np.float32))
            weight.copy_(_scaled(name, values))
    return model.eval()


def _scaled(name: str, values: torch.Tensor) -> torch.Tensor:
    # A and the norms are positive in every trained model; the others are around nothing.
    return values + 0.5 if "norm" in name or "A_log" in name else (values - 0.5) * 0.6


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level tokenizer that splits as Granite's does: digit by digit, then GPT-2."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=288,
        special_tokens=[AddedToken(token, special=True) for token in (END, START, PAD)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_SENTENCES * 4, trainer)
    found = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=END, eos_token=END, pad_token=PAD
    )
    found.chat_template = TEMPLATE
    return found
