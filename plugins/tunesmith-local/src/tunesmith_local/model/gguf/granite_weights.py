"""The tensors of a Granite model, from those of its GGUF file.

llama.cpp's converter changes names and values. This module undoes each change:

- the rows of the query and key projections are interleaved for llama.cpp's rotary embedding;
- gate and up projections, one tensor in the classes with experts, are split into two;
- ``A_log`` is stored as ``-exp(A_log)``; A and D have an additional dimension of size 1;
- the convolution lacks its dimension of size 1, and the norm after it is split into groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedConfig

from tunesmith_local.model.gguf.granite_config import key_value_heads
from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable
from tunesmith_local.model.gguf.tensors import Weights

Tensor = torch.Tensor


def _same(tensor: Tensor) -> Tensor:
    return tensor


@dataclass(frozen=True)
class Rule:
    """The computation of one tensor of a checkpoint from tensors of the file."""

    target: str
    sources: tuple[str, ...]
    make: Callable[..., Tensor] = _same


def granite_state(
    header: Header, config: PreTrainedConfig, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return the weights under the names of a checkpoint on the hub, in ``dtype``.

    Raises:
        NotFoundError: a tensor is missing, or the architecture does not have one of the tensors.
    """
    weights = Weights(header)
    rules = list(_rules(header, config))
    known = {source for rule in rules for source in rule.sources}
    if strange := sorted(set(header.tensors) - known):
        raise unusable(header.path, f"tensor {strange[0]} is none of {header.architecture}'s")
    return {
        rule.target: rule.make(*(weights[name] for name in rule.sources)).to(dtype)
        for rule in rules
    }


def _rules(header: Header, config: PreTrainedConfig) -> Iterator[Rule]:
    yield Rule("model.embed_tokens.weight", ("token_embd.weight",))
    yield Rule("model.norm.weight", ("output_norm.weight",))
    if not config.tie_word_embeddings:
        yield Rule("lm_head.weight", ("output.weight",))
    for index, heads in enumerate(key_value_heads(header)):
        mixer = _attention(config, heads) if heads else _mamba(config)
        for rule in (*_norms(), *mixer, *_feed_forward(header, config)):
            yield Rule(
                f"model.layers.{index}.{rule.target}",
                tuple(f"blk.{index}.{source}" for source in rule.sources),
                rule.make,
            )


def _norms() -> Iterator[Rule]:
    yield Rule("input_layernorm.weight", ("attn_norm.weight",))
    yield Rule("post_attention_layernorm.weight", ("ffn_norm.weight",))


def _attention(config: Any, heads: int) -> Iterator[Rule]:
    for part in ("weight", "bias") if config.attention_bias else ("weight",):
        ordered = partial(_uninterleaved, config.num_attention_heads)
        yield Rule(f"self_attn.q_proj.{part}", (f"attn_q.{part}",), ordered)
        yield Rule(f"self_attn.k_proj.{part}", (f"attn_k.{part}",), partial(_uninterleaved, heads))
        yield Rule(f"self_attn.v_proj.{part}", (f"attn_v.{part}",))
        yield Rule(f"self_attn.o_proj.{part}", (f"attn_output.{part}",))


def _mamba(config: Any) -> Iterator[Rule]:
    yield Rule("mamba.A_log", ("ssm_a",), lambda a: torch.log(-a).flatten())
    yield Rule("mamba.D", ("ssm_d",), torch.flatten)
    yield Rule("mamba.dt_bias", ("ssm_dt.bias",))
    yield Rule("mamba.norm.weight", ("ssm_norm.weight",), torch.flatten)
    yield Rule("mamba.conv1d.weight", ("ssm_conv1d.weight",), lambda kernel: kernel.unsqueeze(1))
    if config.mamba_conv_bias:
        yield Rule("mamba.conv1d.bias", ("ssm_conv1d.bias",))
    for part in ("weight", "bias") if config.mamba_proj_bias else ("weight",):
        yield Rule(f"mamba.in_proj.{part}", (f"ssm_in.{part}",))
        yield Rule(f"mamba.out_proj.{part}", (f"ssm_out.{part}",))


def _feed_forward(header: Header, config: Any) -> Iterator[Rule]:
    if getattr(config, "num_local_experts", 0):
        yield Rule("block_sparse_moe.router.layer.weight", ("ffn_gate_inp.weight",))
        yield Rule("block_sparse_moe.output_linear.weight", ("ffn_down_exps.weight",))
        yield _joined("block_sparse_moe", "ffn_{}_exps.weight")
        if header.own("expert_shared_feed_forward_length", 0):
            yield Rule("shared_mlp.output_linear.weight", ("ffn_down_shexp.weight",))
            yield _joined("shared_mlp", "ffn_{}_shexp.weight")
    elif config.model_type == "granitemoehybrid":
        yield Rule("shared_mlp.output_linear.weight", ("ffn_down.weight",))
        yield _joined("shared_mlp", "ffn_{}.weight")
    else:
        for name in ("gate", "up", "down"):
            yield Rule(f"mlp.{name}_proj.weight", (f"ffn_{name}.weight",))


def _joined(module: str, source: str) -> Rule:
    # Rows are the second dimension from the end; the first dimension may count the experts.
    return Rule(
        f"{module}.input_linear.weight",
        (source.format("gate"), source.format("up")),
        lambda gate, up: torch.cat([gate, up], dim=-2),
    )


def _uninterleaved(heads: int, tensor: Tensor) -> Tensor:
    pairs = tensor.reshape(heads, -1, 2, *tensor.shape[1:])
    return pairs.transpose(1, 2).reshape(tensor.shape)
