"""Settings that transformers takes from its defaults although the file holds another value.

Each was found because a converted file gave other logits than its original.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedConfig

from tunesmith_local.model.gguf.header import Header

# The file does not hold the scale of the 27B models. llama.cpp recognizes them by their layers.
_GEMMA_27B = {"gemma2": 46, "gemma3": 62}


def fix_config(header: Header, config: PreTrainedConfig) -> None:
    """Set in ``config``, which transformers read, the values that the file of ``header`` holds."""
    changes = {**_sizes(header), **_gemma(header), **_t5(header)}
    for name, value in changes.items():
        if hasattr(config, name):
            setattr(config, name, value)
    base = header.own("rope.freq_base", 0.0)
    rope = getattr(config, "rope_parameters", None)
    if base and isinstance(rope, dict) and "rope_theta" in rope:
        rope["rope_theta"] = base


def _sizes(header: Header) -> dict[str, Any]:
    stated = {
        "head_dim": header.own("attention.key_length", 0),
        "moe_intermediate_size": header.own("expert_feed_forward_length", 0),
    }
    return {name: size for name, size in stated.items() if size}


def _gemma(header: Header) -> dict[str, Any]:
    if header.architecture not in _GEMMA_27B:
        return {}
    if header.own("block_count") == _GEMMA_27B[header.architecture]:
        scalar = header.own("embedding_length") // header.own("attention.head_count")
    else:
        scalar = header.own("attention.key_length")
    return {"query_pre_attn_scalar": scalar}


def _t5(header: Header) -> dict[str, Any]:
    if header.architecture != "t5":
        return {}
    gated = any(".ffn_gate." in name for name in header.tensors)
    return {
        "feed_forward_proj": "gated-gelu" if gated else "relu",
        "dense_act_fn": "gelu_new" if gated else "relu",
        "is_gated_act": gated,
        "scale_decoder_outputs": "output.weight" not in header.tensors,
    }
