"""The configuration of a Granite model, from the fields of its GGUF file.

llama.cpp has three architectures: ``granite`` (dense), ``granitemoe`` (experts) and
``granitehybrid`` (Mamba 2 and attention layers, with or without experts). If all layers of a
hybrid model have attention, as in granite-4.0-350m, the converter writes one of the first two.
"""

from __future__ import annotations

from typing import Any

from transformers import (
    GraniteConfig,
    GraniteMoeConfig,
    GraniteMoeHybridConfig,
    GraniteMoeSharedConfig,
    PreTrainedConfig,
)

from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable

ARCHITECTURES = ("granite", "granitemoe", "granitehybrid")
_SCALES = {
    "embedding_scale": "embedding_multiplier",
    "residual_scale": "residual_multiplier",
    "logit_scale": "logits_scaling",
}


def granite_config(header: Header) -> PreTrainedConfig:
    """Return the configuration of a model with one of :data:`ARCHITECTURES`.

    Raises:
        NotFoundError: a field is missing, or the classes of transformers do not support its value.
    """
    settings = _common(header) | _experts(header)
    if header.architecture == "granitehybrid" or not _has_rope(header):
        return GraniteMoeHybridConfig(**(settings | _hybrid(header)))
    if header.architecture == "granite":
        return GraniteConfig(**settings)
    shared = "shared_intermediate_size" in settings
    return (GraniteMoeSharedConfig if shared else GraniteMoeConfig)(**settings)


def _common(header: Header) -> dict[str, Any]:
    _refuse_rope_scaling(header)
    heads, hidden = header.own("attention.head_count"), header.own("embedding_length")
    width = header.own("attention.key_length", hidden // heads)
    return {
        "vocab_size": _shape(header, "token_embd.weight")[0],
        "hidden_size": hidden,
        "intermediate_size": header.own("feed_forward_length"),
        "num_hidden_layers": header.own("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": max(key_value_heads(header)),
        "max_position_embeddings": header.own("context_length"),
        "rms_norm_eps": _short(header.own("attention.layer_norm_rms_epsilon")),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": _short(header.own("rope.freq_base", 10000.0)),
        },
        "attention_multiplier": _short(header.own("attention.scale", 0.0)) or width**-0.5,
        "attention_bias": any(name.endswith("attn_q.bias") for name in header.tensors),
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "bos_token_id": header.fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": header.fields.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": header.fields.get("tokenizer.ggml.padding_token_id"),
        **({"head_dim": width} if width != hidden // heads else {}),
        **{name: _short(header.own(field, 0.0)) or 1.0 for field, name in _SCALES.items()},
    }


def _experts(header: Header) -> dict[str, Any]:
    count = 0 if header.architecture == "granite" else header.own("expert_count", 0)
    if count == 0:
        return {"num_local_experts": 0} if header.architecture == "granitehybrid" else {}
    settings = {"num_local_experts": count, "num_experts_per_tok": header.own("expert_used_count")}
    if shared := header.own("expert_shared_feed_forward_length", 0):
        settings["shared_intermediate_size"] = shared
    return settings


def _hybrid(header: Header) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "layer_types": ["attention" if heads else "mamba" for heads in key_value_heads(header)],
        "position_embedding_type": "rope" if _has_rope(header) else None,
    }
    if "blk.0.ffn_gate.weight" in header.tensors:  # no experts: only the shared network exists
        settings["shared_intermediate_size"] = _shape(header, "blk.0.ffn_gate.weight")[0]
        settings["num_local_experts"] = 0
    return settings | (_mamba(header) if "mamba" in settings["layer_types"] else {})


def _mamba(header: Header) -> dict[str, Any]:
    inner, heads = header.own("ssm.inner_size"), header.own("ssm.time_step_rank")
    return {
        "mamba_n_heads": heads,
        "mamba_d_head": inner // heads,
        "mamba_d_state": header.own("ssm.state_size"),
        "mamba_d_conv": header.own("ssm.conv_kernel"),
        "mamba_n_groups": header.own("ssm.group_count"),
        "mamba_expand": inner // header.own("embedding_length"),
        "mamba_conv_bias": any(name.endswith("ssm_conv1d.bias") for name in header.tensors),
        "mamba_proj_bias": any(name.endswith("ssm_in.bias") for name in header.tensors),
    }


def key_value_heads(header: Header) -> list[int]:
    """Return the number of key and value heads of each layer; 0 means a layer without attention."""
    found = header.own("attention.head_count_kv", header.own("attention.head_count"))
    return found if isinstance(found, list) else [found] * header.own("block_count")


def _has_rope(header: Header) -> bool:
    # llama.cpp decides by this field. If it is absent, the model has rotary positions.
    return bool(header.own("rope.scaling.finetuned", default=True))


def _refuse_rope_scaling(header: Header) -> None:
    kind = header.own("rope.scaling.type", "none")
    if kind != "none":
        field = f"{header.architecture}.rope.scaling.type"
        raise unusable(header.path, f"field {field} is {kind!r}, which no Granite model has")


def _shape(header: Header, tensor: str) -> tuple[int, ...]:
    if tensor not in header.tensors:
        raise unusable(header.path, f"tensor {tensor} is missing")
    return header.tensors[tensor].shape


def _short(value: float) -> float:
    # The file holds float32: 0.22 comes back as 0.2199999988, and both are the same in float32.
    return float(f"{value:.7g}")
