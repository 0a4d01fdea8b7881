"""One forward pass over a batch, with packed sequences if that is exact.

Attention reads rows, and rows of different length need padding. All else in a decoder reads
single tokens. There the real tokens of all rows are packed into one sequence, and only inside
attention each goes back to its own row (as in ByteTransformer, Zhai et al. 2022). Rows that begin
alike share the tokens of their prefix; see :mod:`tunesmith_local.engine.shared_prefix`.
"""

from __future__ import annotations

import torch
from transformers import Cache, DynamicCache

from tunesmith_local.engine.batching import Batch
from tunesmith_local.engine.shared_prefix import distinct_tokens
from tunesmith_local.model.attention import PackedSequences, bias_of, can_pack
from tunesmith_local.model.last_layer import drops_the_rest
from tunesmith_local.model.loading import BaseLM


def forward_pass(
    base: BaseLM, batch: Batch, keep: int, *, use_cache: bool, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, Cache | None]:
    """Read a batch behind its cache.

    Args:
        base: a causal base model.
        batch: rows, padded on the left.
        keep: how many of each row's last places are scored.
        use_cache: whether the cache is wanted.
        mask: bool ``[rows, 1, length, all keys]``, which keys each query sees; those before it
            in its row by default.

    Returns:
        Logits ``[rows, keep, vocab]``, without meaning for padding, and the cache.
    """
    rows, width = batch.inputs_embeds.shape[:2]
    keys = batch.attention_mask.shape[1]
    if base.packing_exact and can_pack(base.model, rows, width, keys):
        return _packed(base, batch, keep, use_cache, mask)
    out = base.model(
        inputs_embeds=batch.inputs_embeds,
        attention_mask=batch.attention_mask if mask is None else bias_of(mask, base.dtype),
        position_ids=batch.position_ids,
        past_key_values=batch.cache,
        use_cache=use_cache or batch.cache is not None,
        logits_to_keep=keep,
    )
    return out.logits, out.past_key_values


def causal_mask(seen: torch.Tensor, width: int) -> torch.Tensor:
    """Return which keys each of a row's last ``width`` tokens sees: the real ones before it.

    Args:
        seen: 1 for real keys, 0 for padding, ``[rows, keys]``.
        width: queries, the last of the keys.

    Returns:
        bool, ``[rows, 1, width, keys]``.
    """
    keys = seen.shape[1]
    order = seen.new_ones(width, keys, dtype=torch.bool).tril(keys - width)
    mask = order & seen[:, None].bool()
    # A query of padding sees itself: to see nothing is not a number in some kernels.
    mask.diagonal(keys - width, 1, 2).fill_(True)
    return mask[:, None]


def _packed(
    base: BaseLM, batch: Batch, keep: int, use_cache: bool, mask: torch.Tensor | None
) -> tuple[torch.Tensor, Cache | None]:
    rows, width, size = batch.inputs_embeds.shape
    if mask is None:
        mask = causal_mask(batch.attention_mask, width)
    places, tokens = distinct_tokens(batch.attention_mask[:, -width:].bool(), batch.trie_nodes)
    cache = batch.cache
    if cache is None and use_cache:
        cache = DynamicCache(config=base.model.config)
    scored = tokens.view(rows, width)[:, width - keep :].flatten()
    out = base.model(
        inputs_embeds=batch.inputs_embeds.reshape(-1, size).index_select(0, places)[None],
        attention_mask=bias_of(mask, base.dtype),
        position_ids=batch.position_ids.flatten()[places][None],
        use_cache=False,
        logits_to_keep=0 if drops_the_rest(base.model) else scored,
        **{PackedSequences.KEYWORD: PackedSequences(places, tokens, rows, width, cache, scored)},
    )
    return out.logits.view(rows, keep, -1), cache
