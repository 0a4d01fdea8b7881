"""The weights before training: attention that finds what is alike and copies what stands there."""

from __future__ import annotations

import torch
from torch import nn
from transformers import GraniteForCausalLM

__all__ = ["begin_as_lookup"]

MATCH_STD = 0.06  # of keys and queries: a token and itself score a few units more than two others
COPY_GAIN = 0.25


@torch.no_grad()
def begin_as_lookup(model: GraniteForCausalLM) -> None:
    """Give queries the weights of their keys, and outputs the transpose of the values.

    Such a layer looks up tokens that are like the present one and adds their vectors to it. From
    the usual start, a training of this size does not find this within 350 steps.

    Args:
        model: Changed in place. Draws from torch's generator.
    """
    for layer in model.model.layers:
        attention = layer.self_attn
        size, shared = attention.head_dim, attention.num_key_value_groups
        keys = nn.init.normal_(attention.k_proj.weight, std=MATCH_STD)
        attention.q_proj.weight.copy_(_repeated(keys, size, shared))
        values = nn.init.orthogonal_(attention.v_proj.weight)
        attention.o_proj.weight.copy_(COPY_GAIN * _repeated(values, size, shared).T)


def _repeated(weight: torch.Tensor, size: int, times: int) -> torch.Tensor:
    """The rows of each key-value head, once for each query head that reads it."""
    heads = weight.view(-1, size, weight.shape[1])
    return heads.repeat_interleave(times, 0).view(-1, weight.shape[1])
