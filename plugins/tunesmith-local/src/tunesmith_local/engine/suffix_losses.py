"""Losses with the soft prompt behind the text: ``[text][soft prompt][answer]``.

The state of a frozen model after a text does not depend on a soft prompt that comes later. The
text is read once, without gradients; the soft prompt and the answer are read behind its state.
Losses and gradients are those of reading the whole row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tunesmith_local.engine.batching import Batch, pad
from tunesmith_local.engine.forward_pass import forward_pass
from tunesmith_local.engine.mixing import embedded, padded
from tunesmith_local.engine.prefix import stack
from tunesmith_local.engine.scoring import Example, target_log_probs
from tunesmith_local.engine.text_states import TextReader
from tunesmith_local.model.loading import BaseLM


def suffix_losses(
    base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example], texts: TextReader | None
) -> torch.Tensor:
    """Return each row's loss, the mean over its answer tokens in nats, ``[rows]``.

    Args:
        base: the base model, which must be causal.
        prompt: ``[num_virtual_tokens, hidden_size]``; gradients flow back to it.
        examples: rows; a batch whose lengths differ needs a model whose padding is exact, unless
            texts are kept.
        texts: gives the states of texts; None reads every row whole.
    """
    keeps = texts is not None and base.text_exact
    behind = [i for i, example in enumerate(examples) if keeps and example.prompt]
    whole = sorted({*range(len(examples))} - {*behind})
    losses = prompt.new_zeros(len(examples))
    if texts is not None and behind:
        some = _losses_behind(base, prompt, [examples[i] for i in behind], texts)
        losses = losses.index_put((_index(behind, losses),), some)
    if whole:
        some = _losses_whole(base, prompt, [examples[i] for i in whole])
        losses = losses.index_put((_index(whole, losses),), some)
    return losses


def _losses_behind(
    base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example], texts: TextReader
) -> torch.Tensor:
    # The last answer token is only predicted, never read. Padding is on the right: no real token
    # comes after it.
    states = texts.states([example.prompt for example in examples])
    cache, seen = stack(states, states[0])
    # A recurrent layer that reads a single token behind a state has no gradients.
    width = max(2, *(len(example.answer) for example in examples))
    ids, _ = pad([example.answer[:-1] for example in examples], width - 1, base.pad_id, left=False)
    virtual = prompt.to(base.device, base.dtype).expand(len(examples), -1, -1)
    embeds = torch.cat([virtual, base.embeddings(ids.to(base.device))], dim=1)
    mask = torch.cat([seen, seen.new_ones(embeds.shape[:2])], dim=-1)
    positions = mask.cumsum(-1)[:, seen.shape[1] :] - 1
    return _losses(base, Batch(embeds, mask, positions, cache), examples, width, left=False)


def _losses_whole(base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example]) -> torch.Tensor:
    virtual = prompt.to(base.device, base.dtype)
    rows = [
        torch.cat([embedded(base, e.prompt), virtual, embedded(base, e.answer[:-1])])
        for e in examples
    ]
    width = max(len(example.answer) for example in examples)
    return _losses(base, padded(base, rows), examples, width, left=True)


def _losses(
    base: BaseLM, batch: Batch, examples: Sequence[Example], width: int, *, left: bool
) -> torch.Tensor:
    targets, real = pad([e.answer for e in examples], width, base.pad_id, left=left)
    logits, _ = forward_pass(base, batch, width, use_cache=False)
    real = real.to(base.device)
    log_probs = target_log_probs(logits, targets.to(base.device), real)
    return -log_probs.sum(-1) / real.sum(-1)


def _index(rows: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(rows, device=like.device)
