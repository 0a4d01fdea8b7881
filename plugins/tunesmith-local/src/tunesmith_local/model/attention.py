"""Attention on a CPU. There torch's fused kernel is slow, most of all in the backward pass.

The fused kernel repeats grouped keys and values once for each query head that shares them and
walks heads one by one. Here the query heads of a group form one matrix, so that a row and group is
one matrix product (Ainslie et al. 2023 describe the grouping).

The fused kernel still computes batches on another device, batches that need more than a mask, and
batches that are too long to hold all scores at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from transformers import AttentionInterface, AttentionMaskInterface, Cache, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME = "tunesmith"
_MOST_SCORES = 2**25
"""Scores of a batch that are held at once: 128 MiB in float32."""
_NOT_HERE = ("position_bias", "softcap", "cache")


@dataclass(frozen=True, eq=False)
class PackedSequences:
    """Packed sequences: the tokens of several rows in one row, and their places in the rows.

    Passed through the model's forward pass as the keyword :attr:`KEYWORD`.
    """

    KEYWORD: ClassVar = "tunesmith_rows"

    places: torch.Tensor
    """``[tokens]``: the place of each token in the padded rows, row after row. A token of a shared
    prefix has several places; this is one of them."""
    tokens: torch.Tensor
    """``[rows * width]``: the token of each place."""
    rows: int
    width: int
    """Of the longest row."""
    cache: Cache | None
    """KV cache of the padded rows; the keys and values of these tokens are added to it."""
    scored: torch.Tensor
    """``[rows * places]``: the tokens, each row's last ones, whose scores are wanted."""
    keep: Callable[[torch.Tensor, torch.Tensor], None] | None = None
    """Takes keys and values and ends attention there."""
    kept: tuple[torch.Tensor, torch.Tensor] | None = None
    """Keys and values of all tokens, if the queries are those of ``scored`` alone."""

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        states: tuple[torch.Tensor, torch.Tensor],
        bias: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        """Return the attention of each token, ``[1, tokens, heads, head_size]``.

        Args:
            layer: its number in the cache.
            query: ``[1, heads, tokens, head_size]``.
            states: keys and values, ``[1, key_heads, tokens, head_size]`` each.
            bias: ``[rows, 1, width, all keys]``; see :func:`bias_of`.
            scaling: factor of the scores.
        """
        if self.keep is not None:
            self.keep(*states)
            return torch.zeros_like(query).transpose(1, 2)
        keys, values = map(self._shared, self.kept or states)
        if self.cache is not None:
            keys, values = self.cache.update(keys, values, layer)
        if self.kept is None:
            read = grouped_attention(self._padded(query), keys, values, bias, scaling)
            return self._packed(read)
        _, heads, _, size = query.shape
        last = query.view(heads, self.rows, -1, size).transpose(0, 1)
        read = grouped_attention(last, keys, values, bias[:, :, -last.shape[2] :], scaling)
        return read.reshape(1, -1, heads, size)

    def _shared(self, states: torch.Tensor) -> torch.Tensor:
        return self._in_rows(_spread(_flat(states), self.tokens), states)

    def _padded(self, states: torch.Tensor) -> torch.Tensor:
        tokens = _flat(states)
        empty = tokens.new_zeros(self.rows * self.width, tokens.shape[1])
        return self._in_rows(empty.index_copy(0, self.places, tokens), states)

    def _in_rows(self, filled: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        _, heads, _, size = like.shape
        return filled.view(self.rows, self.width, heads, size).transpose(1, 2)

    def _packed(self, states: torch.Tensor) -> torch.Tensor:
        _, _, heads, size = states.shape
        tokens: torch.Tensor = _picked(states.reshape(-1, heads * size), self.places)
        return tokens.view(1, -1, heads, size)


def _flat(states: torch.Tensor) -> torch.Tensor:
    # [1, heads, tokens, head_size] to [tokens, heads * head_size]
    _, heads, _, size = states.shape
    return states.transpose(1, 2).reshape(-1, heads * size)


class _Picked(torch.autograd.Function):
    """Rows of a matrix, none twice; torch's own gradient adds them up one by one."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        ctx.places, ctx.count = places, len(states)
        return states.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        empty = gradient.new_zeros(ctx.count, gradient.shape[1])
        return empty.index_copy_(0, ctx.places, gradient), None


class _Spread(torch.autograd.Function):
    """Rows of a matrix, some of them several times."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        ctx.tokens, ctx.count = tokens, len(states)
        return states.index_select(0, tokens)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        # In float32: a shared token sums the gradients of all its rows.
        wide = gradient.to(torch.promote_types(gradient.dtype, torch.float32))
        summed = wide.new_zeros(ctx.count, gradient.shape[1]).index_add_(0, ctx.tokens, wide)
        return summed.to(gradient.dtype), None


_picked: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = _Picked.apply
_spread: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = _Spread.apply


def can_pack(model: PreTrainedModel, rows: int, width: int, keys: int) -> bool:
    """Return whether attention takes :class:`PackedSequences`, and a batch's scores can be held."""
    scores = rows * int(model.config.num_attention_heads) * width * keys
    return model.config._attn_implementation == _NAME and scores <= _MOST_SCORES


def use_grouped_attention(model: PreTrainedModel) -> None:
    """Let a model that uses torch's fused attention train through :func:`grouped_attention`."""
    if model.config._attn_implementation == "sdpa" and model._can_set_attn_implementation():
        model.set_attn_implementation(_NAME)


@contextmanager
def fused_attention(model: PreTrainedModel) -> Iterator[None]:
    """Undo :func:`use_grouped_attention` for a while."""
    grouped = model.config._attn_implementation == _NAME
    if grouped:
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        if grouped:
            model.set_attn_implementation(_NAME)


def grouped_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """Return the attention of each query, ``[rows, queries, heads, head_size]``.

    Args:
        query: ``[rows, heads, queries, head_size]``.
        key: ``[rows, key_heads, keys, head_size]``; ``heads`` is a multiple of ``key_heads``.
        value: like ``key``.
        bias: added to the scores, ``[rows, 1, queries, keys]``; see :func:`bias_of`.
        scaling: factor of the scores.
    """
    rows, heads, queries, size = query.shape
    groups = key.shape[1]
    stacked = (query * scaling).reshape(rows, groups, -1, size)
    scores = torch.matmul(stacked, key.transpose(2, 3))
    scores.view(rows, heads, queries, -1).add_(bias)
    # For every type, torch adds up in float32 here and rounds only the result.
    weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights, value).view(rows, heads, queries, size).transpose(1, 2)


def bias_of(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return 0 for the keys that a bool mask shows to a query, and the least number for others."""
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def _mask(*args: Any, dtype: torch.dtype = torch.float32, **kwargs: Any) -> torch.Tensor | None:
    # Once for all layers of a forward pass.
    mask = sdpa_mask(*args, **kwargs)
    return bias_of(mask, dtype) if mask is not None and mask.device.type == "cpu" else mask


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    simple = not dropout and all(kwargs.get(name) is None for name in _NOT_HERE)
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    rows: PackedSequences | None = kwargs.pop(PackedSequences.KEYWORD, None)
    if rows is not None:
        if attention_mask is None or not simple:
            raise NotImplementedError("attention of packed sequences with more than a mask")
        layer = cast("Any", module).layer_idx
        return rows.attend(layer, query, (key, value), attention_mask, factor), None
    fits = query.device.type == "cpu" and query[..., 0].numel() * key.shape[2] <= _MOST_SCORES
    if fits and simple and attention_mask is not None and attention_mask.shape[1] == 1:
        if attention_mask.dtype == torch.bool:
            attention_mask = bias_of(attention_mask, query.dtype)
        return grouped_attention(query, key, value, attention_mask, factor), None
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
    )


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, _mask)
