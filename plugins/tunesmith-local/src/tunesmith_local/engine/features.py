"""Features of texts: the hidden states of the last layer, pooled to one vector for each text.

The last layer is that of the encoder, if the model has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, cast

import torch

from tunesmith_local.engine.batching import Batch, by_length, lay_out, worth_a_pass
from tunesmith_local.model.loading import BaseLM

Pooling = Literal["mean", "last"]


@torch.no_grad()
def read_features(
    base: BaseLM,
    rows: Sequence[Sequence[int]],
    pooling: Pooling,
    batch_size: int,
    *,
    before_batch: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Read each text once and return its pooled hidden states, float32 ``[rows, hidden_size]``.

    Args:
        base: the base model; no gradient goes through it.
        rows: token ids, none of them empty.
        pooling: the mean over the tokens of the text, or its last token.
        batch_size: rows read at once.
        before_batch: called before each batch; an exception from it ends the reading.
    """
    features = torch.zeros(len(rows), base.hidden_size)
    lengths, a_pass = [len(row) for row in rows], worth_a_pass(base.device)
    for batch in by_length(lengths, batch_size, a_pass, equal_only=not base.padding_exact):
        before_batch()
        laid_out = lay_out(base, [rows[i] for i in batch], None)
        pooled = _pooled(_hidden_states(base, laid_out), laid_out.attention_mask, pooling)
        features[batch] = pooled.cpu()
    return features


def _hidden_states(base: BaseLM, batch: Batch) -> torch.Tensor:
    inputs = {"inputs_embeds": batch.inputs_embeds, "attention_mask": batch.attention_mask}
    if base.is_seq2seq:
        out = base.model.get_encoder()(**inputs)
    else:
        out = base.model.base_model(**inputs, position_ids=batch.position_ids, use_cache=False)
    return cast("torch.Tensor", out.last_hidden_state).float()


def _pooled(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    if pooling == "last":
        places = torch.arange(mask.shape[1], device=mask.device)
        return states[torch.arange(len(states)), (mask * places).argmax(-1)]
    return (states * mask[..., None]).sum(1) / mask.sum(-1, keepdim=True)
