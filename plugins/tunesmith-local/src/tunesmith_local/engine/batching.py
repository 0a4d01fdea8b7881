"""Batches of rows of different length, in a layout in which no row depends on the others.

A causal model reads ``[padding][soft prompt][text][answer]`` with positions counted from the
first real token: the soft prompt always touches the text, and recurrent layers meet the padding
before they hold any state. (PEFT's own layout, ``[soft prompt][padding][text]``, puts the longest
row's length between a short row's prompt and its text.) An encoder reads
``[soft prompt][text][padding]``.

In a causal model a soft prompt before the text does not depend on the text. If the model's cache
holds nothing but the keys and values of full attention, the prompt is therefore read once for
the whole batch, and each row reads only ``[padding][text][answer]`` behind it: the same
attention, positions and gradients with far fewer tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from transformers import Cache

from tunesmith_local.engine.shared_prefix import trie_nodes
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True, eq=False)
class Batch:
    """The inputs of a model's forward pass."""

    inputs_embeds: torch.Tensor
    """``[rows, length, hidden_size]``."""
    attention_mask: torch.Tensor
    """``[rows, length]``; 1 for real tokens, 0 for padding."""
    position_ids: torch.Tensor
    """``[rows, length]``; 0 at the first real token."""
    cache: Cache | None = None
    """Keys and values of a prompt that was read beforehand; the mask then covers it too."""
    trie_nodes: torch.Tensor | None = None
    """``[rows, length]``: see ``shared_prefix.trie_nodes``; None shares nothing."""


def lay_out(
    base: BaseLM, rows: Sequence[Sequence[int]], prompt: torch.Tensor | Cache | None
) -> Batch:
    """Embed token rows with the soft prompt in front of each.

    Args:
        base: the base model, which decides the side of the padding.
        rows: token ids, one sequence for each row.
        prompt: ``[num_virtual_tokens, hidden_size]``; or its cache of :func:`read_prefix`,
            if no row is empty; None for the bare base model. Gradients flow back to it.
    """
    if isinstance(prompt, Cache):
        return _behind_prefix(base, rows, prompt)
    if prompt is not None and base.prefix_exact and all(rows):
        return _behind_prefix(base, rows, read_prefix(base, prompt))
    virtual = 0 if prompt is None else prompt.shape[0]
    width = max(len(row) for row in rows) + virtual
    # Virtual tokens need a placeholder in the token ids, which the prompt then overwrites.
    filled = [[base.pad_id] * virtual + list(row) for row in rows]
    ids, mask = pad(filled, width, base.pad_id, left=not base.is_seq2seq)
    ids, mask = ids.to(base.device), mask.to(base.device)
    embeds = base.embeddings(ids)
    if prompt is not None:
        embeds = _insert(embeds, prompt, mask)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return Batch(embeds, mask, positions, trie_nodes=trie_nodes_of(base, filled))


def read_prefix(base: BaseLM, prompt: torch.Tensor) -> Cache:
    """Read a soft prompt alone and return the model's cache of it, for one row."""
    embeds = prompt.to(base.device, base.dtype)[None]
    # Nobody asks for the token after the prompt, so the vocabulary head does not run.
    out = base.model.base_model(inputs_embeds=embeds, use_cache=True)
    cache: Cache = out.past_key_values
    return cache


def _behind_prefix(base: BaseLM, rows: Sequence[Sequence[int]], prefix: Cache) -> Batch:
    virtual = prefix.get_seq_length()
    ids, mask = pad(rows, max(map(len, rows)), base.pad_id, left=True)
    ids, mask = ids.to(base.device), mask.to(base.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0) + virtual
    mask = torch.cat([mask.new_ones(len(rows), virtual), mask], dim=-1)
    # Views: attention grows by concatenation and leaves the prefix as it is.
    views = [tensor.expand(len(rows), -1, -1, -1) for tensor in key_values(prefix)]
    cache = with_key_values(prefix, views)
    return Batch(base.embeddings(ids), mask, positions, cache, trie_nodes_of(base, rows))


def trie_nodes_of(
    base: BaseLM, rows: Sequence[Sequence[int]], behind: Sequence[Hashable] | None = None
) -> torch.Tensor | None:
    """Return :attr:`Batch.trie_nodes` of rows behind their prompts, if the model can share them.

    Args:
        base: the base model.
        rows: token ids; see :func:`tunesmith_local.engine.shared_prefix.trie_nodes`.
        behind: the soft prompt of each row, likewise.
    """
    if not base.packing_exact:
        return None
    return pad(trie_nodes(rows, behind), max(map(len, rows)), 0, left=True)[0].to(base.device)


def key_values(prefix: Cache) -> list[torch.Tensor]:
    """Return the keys and values of each layer in turn, ``[1, key_heads, tokens, head_size]``."""
    layers: list[Any] = prefix.layers
    return [tensor for layer in layers for tensor in (layer.keys, layer.values)]


def with_key_values(prefix: Cache, tensors: Sequence[torch.Tensor]) -> Cache:
    """Return a cache like ``prefix`` with other keys and values, in :func:`key_values`' order."""
    made = copy.copy(prefix)
    layers: list[Any] = [copy.copy(layer) for layer in prefix.layers]
    for layer, keys, values in zip(layers, tensors[::2], tensors[1::2], strict=True):
        layer.keys, layer.values = keys, values
    made.layers = layers
    return made


def pad(
    rows: Sequence[Sequence[int]], width: int, fill: int, *, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and mask, each ``[rows, width]``, padded with ``fill`` on one side."""
    ids = torch.full((len(rows), width), fill)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[index, where] = torch.tensor(row, dtype=torch.long)
        mask[index, where] = 1
    return ids, mask


def _insert(embeds: torch.Tensor, prompt: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    first = mask.argmax(-1, keepdim=True)
    columns = first + torch.arange(prompt.shape[0], device=mask.device)
    lines = torch.arange(len(mask), device=mask.device)[:, None]
    values = prompt.to(embeds.device, embeds.dtype).expand(len(mask), -1, -1)
    return embeds.index_put((lines, columns), values)


def worth_a_pass(device: torch.device) -> int:
    """Return how many tokens must be saved for one more forward pass to pay.

    Each pass reads all weights; and a GPU, which reads many tokens in the time of one, waits for
    every kernel.
    """
    return 32 if device.type == "cpu" else 4096


def padding_worth_a_pass(base: BaseLM, *, training: bool = False) -> int:
    """Return how many places of padding must be saved for one more forward pass to pay.

    If rows are packed, padding is in attention alone: about a fifth of the work in
    training, a twelfth in prediction.
    """
    in_attention = 5 if training else 12
    return worth_a_pass(base.device) * (in_attention if base.packing_exact else 1)


def by_length(
    lengths: Sequence[int], batch_size: int, a_pass: int, *, equal_only: bool = False
) -> Iterator[list[int]]:
    """Yield batches of row indices, longest rows first, so that memory runs out at once or never.

    The cuts minimize the time lost to padding and to one more pass for each batch.

    Args:
        lengths: length of each row.
        batch_size: rows in a batch, at most.
        a_pass: see :func:`padding_worth_a_pass`.
        equal_only: never put rows of different length together, for a model whose padding is
            not exact.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    cuts = _cuts([lengths[i] for i in order], batch_size, a_pass, equal_only)
    for start, end in pairwise(cuts):
        yield order[start:end]


def _cuts(falling: Sequence[int], batch_size: int, a_pass: int, equal_only: bool) -> list[int]:
    """Return the ends of all batches, from 0, by dynamic programming."""
    cost, came_from = [0], [0]
    for end in range(1, len(falling) + 1):
        first = max(0, end - batch_size)
        choices = [
            (cost[start] + falling[start] * (end - start) + a_pass, -start)
            for start in range(first, end)
            if not equal_only or falling[start] == falling[end - 1]
        ]
        least, start = min(choices)
        cost.append(least)
        came_from.append(-start)
    cuts = [len(falling)]
    while cuts[-1]:
        cuts.append(came_from[cuts[-1]])
    return cuts[::-1]
