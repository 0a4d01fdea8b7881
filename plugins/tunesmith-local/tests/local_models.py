"""Tiny random base models of every architecture that the engine is tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GraniteConfig,
    GraniteForCausalLM,
    GraniteMoeConfig,
    GraniteMoeForCausalLM,
    GraniteMoeHybridConfig,
    GraniteMoeHybridForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from tunesmith.methods import GradientTuning
from tunesmith_local.engine.batching import lay_out
from tunesmith_local.engine.decoder import CausalDecoder, Decoder, Seq2SeqDecoder
from tunesmith_local.engine.mixing import Part
from tunesmith_local.engine.self_check import checked
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.registry import method_of
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.model.loading import BaseLM, freeze
from tunesmith_local.model.weight_prepacking import prepacked

END, PAD = "<end>", "<pad>"
VOCAB = 260
_SCALE = 6.0
_COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": 256,
    "pad_token_id": 257,
}
_GRANITE = _COMMON | {
    "embedding_multiplier": 12.0,
    "logits_scaling": 2.0,
    "residual_multiplier": 0.5,
    "attention_multiplier": 0.125,
    "num_hidden_layers": 3,
}
_HYBRID = _GRANITE | {
    "shared_intermediate_size": 48,
    "mamba_n_heads": 4,
    "mamba_d_state": 8,
    "mamba_chunk_size": 8,
    "position_embedding_type": "rope",
}


def _granite() -> PreTrainedModel:
    return GraniteForCausalLM(GraniteConfig(**_GRANITE))


def _granite_moe() -> PreTrainedModel:
    return GraniteMoeForCausalLM(
        GraniteMoeConfig(**_GRANITE, num_local_experts=4, num_experts_per_tok=2)
    )


def _hybrid_attention() -> PreTrainedModel:
    # The shape of granite-4.0-350m: the hybrid class, attention only, no experts.
    config = GraniteMoeHybridConfig(
        **_HYBRID, num_local_experts=0, layer_types=["full_attention"] * 3
    )
    return GraniteMoeHybridForCausalLM(config)


def _hybrid_mamba() -> PreTrainedModel:
    layers = ["linear_attention", "full_attention", "linear_attention"]
    config = GraniteMoeHybridConfig(
        **_HYBRID, num_local_experts=4, num_experts_per_tok=2, layer_types=layers
    )
    return GraniteMoeHybridForCausalLM(config)


def _hybrid_mamba_bias() -> PreTrainedModel:
    # A bias before the convolution lets padding leak into the recurrent state: the case that the
    # self-check must find.
    layers = ["linear_attention", "full_attention", "linear_attention"]
    config = GraniteMoeHybridConfig(
        **_HYBRID, num_local_experts=0, layer_types=layers, mamba_proj_bias=True
    )
    model = GraniteMoeHybridForCausalLM(config)
    for name, parameter in model.named_parameters():
        if name.endswith("in_proj.bias"):
            torch.nn.init.normal_(parameter)
    return model


def _llama() -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(**_COMMON, num_hidden_layers=2))


def _t5() -> PreTrainedModel:
    config = T5Config(
        vocab_size=VOCAB,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        eos_token_id=256,
        pad_token_id=257,
        decoder_start_token_id=257,
    )
    return T5ForConditionalGeneration(config)


BUILDERS: dict[str, Callable[[], PreTrainedModel]] = {
    "granite": _granite,
    "granite-moe": _granite_moe,
    "hybrid-attention": _hybrid_attention,
    "hybrid-mamba": _hybrid_mamba,
    "hybrid-mamba-bias": _hybrid_mamba_bias,
    "llama": _llama,
    "t5": _t5,
}
EXACT = ("granite", "granite-moe", "hybrid-attention", "hybrid-mamba", "llama", "t5")


def build(
    kind: str, *, seed: int = 0, scale: float = _SCALE, dtype: torch.dtype = torch.float32
) -> BaseLM:
    """Return a random model whose weights are scaled so that the soft prompt matters."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BUILDERS[kind]().float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "shared" not in name and "embed" not in name:
                parameter.mul_(scale)
    model.generation_config.eos_token_id = 256
    return prepacked(checked(freeze(f"test/{kind}", model.to(dtype), tokenizer())), least=0)


def tokenizer() -> PreTrainedTokenizerBase:
    """Return a byte-level tokenizer: one token for each byte, one merge, two special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {symbol: index for index, symbol in enumerate(alphabet)}
    vocab |= {END: 256, PAD: 257, "in": 258}
    core = Tokenizer(models.BPE(vocab=vocab, merges=[("i", "n")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=PAD)


def start(
    base: BaseLM, settings: GradientTuning, seed: int, texts: TextCache | None = None
) -> Tunable:
    """The trainable parameters of a method before its first step."""
    return method_of(settings).start(base, settings, seed, texts)


def check_method(base: BaseLM, settings: GradientTuning) -> None:
    """Refuse settings that cannot work with a base model."""
    method_of(settings).check(base, settings)


def start_decoder(
    base: BaseLM, prompt: torch.Tensor | None, rows: Sequence[Sequence[int]]
) -> Decoder:
    """Return a decoder for rows that are read whole after one soft prompt."""
    part = Part(list(range(len(rows))), lay_out(base, rows, prompt))
    return Seq2SeqDecoder(base, part.batch) if base.is_seq2seq else CausalDecoder(base, [part])
