"""Log-probabilities of given answers: the one forward pass behind training and label scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from transformers import Cache

from tunesmith_local.engine.batching import lay_out, pad
from tunesmith_local.engine.forward_pass import forward_pass
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True)
class Example:
    """A prompt and its answer, tokenized apart."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    """Ends with the end-of-text token."""

    @property
    def length(self) -> int:
        """Tokens in all, virtual tokens not counted."""
        return len(self.prompt) + len(self.answer)


RowLosses = Callable[[Sequence[Example]], torch.Tensor]
"""Gives the loss of each row, ``[rows]``: the mean over its answer tokens, in nats."""


def answer_log_probs(
    base: BaseLM, prompt: torch.Tensor | Cache | None, examples: Sequence[Example]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the natural log-probability of each answer token, and which entries are real.

    The vocabulary head runs only at the answers (``logits_to_keep``), which changes no
    number: every position's logits depend on its own hidden state alone.

    Args:
        base: the base model.
        prompt: the soft prompt, ``[num_virtual_tokens, hidden_size]``, or the cache of one that
            was read beforehand, or None.
        examples: rows; a batch whose lengths differ needs a model whose padding is exact.

    Returns:
        Log-probabilities, float32 ``[rows, longest answer]``, and a mask of the same shape.
    """
    answers = [example.answer for example in examples]
    width = max(len(answer) for answer in answers)
    left = not base.is_seq2seq
    targets, mask = pad(answers, width, base.pad_id, left=left)
    targets, mask = targets.to(base.device), mask.to(base.device)
    logits = _seq2seq(base, prompt, examples, width) if base.is_seq2seq else None
    if logits is None:
        logits = _causal(base, prompt, examples, width)
    return target_log_probs(logits, targets, mask), mask


def target_log_probs(
    logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Return the natural log-probability of each target, ``[rows, targets]``, 0 if masked."""
    log_probs = torch.log_softmax(logits.float(), dim=-1)
    return log_probs.gather(-1, targets[..., None]).squeeze(-1) * mask


def row_losses(
    base: BaseLM, prompt: torch.Tensor | Cache | None, examples: Sequence[Example]
) -> torch.Tensor:
    """Return each row's loss: the mean over its answer tokens, in nats, ``[rows]``."""
    log_probs, mask = answer_log_probs(base, prompt, examples)
    return -log_probs.sum(-1) / mask.sum(-1)


def _causal(
    base: BaseLM, prompt: torch.Tensor | Cache | None, examples: Sequence[Example], width: int
) -> torch.Tensor:
    # The last answer token is only predicted, never read.
    rows = [example.prompt + example.answer[:-1] for example in examples]
    if not all(example.prompt for example in examples):
        # The first token of such a row's answer is predicted by the last virtual token, whose
        # scores a prompt that is read beforehand does not give.
        base = replace(base, prefix_exact=False)
    logits, _ = forward_pass(base, lay_out(base, rows, prompt), width, use_cache=False)
    return logits


def _seq2seq(
    base: BaseLM, prompt: torch.Tensor | Cache | None, examples: Sequence[Example], width: int
) -> torch.Tensor:
    batch = lay_out(base, [example.prompt for example in examples], prompt)
    start = decoder_start(base)
    read = [(start, *example.answer[:-1]) for example in examples]
    decoder_ids, _ = pad(read, width, base.pad_id, left=False)
    out = base.model(
        inputs_embeds=batch.inputs_embeds,
        attention_mask=batch.attention_mask,
        decoder_input_ids=decoder_ids.to(base.device),
        use_cache=False,
    )
    logits: torch.Tensor = out.logits
    return logits


def decoder_start(base: BaseLM) -> int:
    """Return the token that a decoder reads first."""
    configured = getattr(base.model.generation_config, "decoder_start_token_id", None)
    if configured is None:
        configured = getattr(base.model.config, "decoder_start_token_id", None)
    return int(base.pad_id if configured is None else configured)
