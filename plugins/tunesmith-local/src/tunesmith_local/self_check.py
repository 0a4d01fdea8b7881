"""A cheap test at load time: which short cuts are exact for this model?

Recurrent layers, exotic positions or a future architecture may let padding leak into a row. A
list of names would be wrong the day after; a few tiny forward passes are not.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from transformers.cache_utils import DynamicLayer

from tunesmith_local.batching import read_prefix
from tunesmith_local.decoder import Decoder, start_decoder, start_mixed_decoder
from tunesmith_local.loading import BaseLM
from tunesmith_local.mixing import Line
from tunesmith_local.prefix import Prefix, read_state
from tunesmith_local.scoring import Example, row_losses
from tunesmith_local.soft_prompt import initial_prompt

_TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}
_LOW_PRECISION_TOLERANCE = 0.05
_LENGTHS = (2, 5, 9)
_VIRTUAL_TOKENS = 3


def checked(base: BaseLM) -> BaseLM:
    """Return the model with :attr:`BaseLM.padding_exact` and ``prefix_exact`` measured."""
    tolerance = _TOLERANCE.get(base.dtype, _LOW_PRECISION_TOLERANCE)
    padding = padding_error(base) <= tolerance
    prefix = padding and _caches_full_attention(base) and prefix_error(base) <= tolerance
    state = _has_known_state(base) and state_error(base) <= tolerance
    return replace(base, padding_exact=padding, prefix_exact=prefix, state_exact=state)


@torch.no_grad()
def padding_error(base: BaseLM) -> float:
    """Return the largest change of a logit that padding makes, relative to the logits' spread.

    Rows of different length are read alone and together, the prompt pass and one cached step.
    """
    prompt = initial_prompt(base, "sample_vocab", _VIRTUAL_TOKENS, seed=0).weights
    rows = _random_rows(base)
    together = _two_steps(base, prompt, rows)
    alone = torch.cat([_two_steps(base, prompt, [row]) for row in rows])
    spread = alone.std().clamp(min=torch.finfo(torch.float32).tiny)
    return float((together - alone).abs().max() / spread)


@torch.enable_grad()
def prefix_error(base: BaseLM) -> float:
    """Return how far losses and gradients go apart when the prompt is read once for a batch.

    Relative to the plain layout's; the larger of the two.
    """
    rows = [Example(tuple(row), (row[0], row[1])) for row in _random_rows(base)]
    start = initial_prompt(base, "sample_vocab", _VIRTUAL_TOKENS, seed=0).weights
    measured = []
    for exact in (False, True):
        prompt = start.to(base.device).requires_grad_()
        loss = row_losses(replace(base, prefix_exact=exact), prompt, rows).sum()
        (gradient,) = torch.autograd.grad(loss, prompt)
        measured.append((loss.detach(), gradient))
    (plain_loss, plain_gradient), (loss, gradient) = measured
    loss_error = (loss - plain_loss).abs() / plain_loss.abs()
    gradient_error = (gradient - plain_gradient).norm() / plain_gradient.norm()
    return float(torch.maximum(loss_error, gradient_error))


@torch.no_grad()
def state_error(base: BaseLM) -> float:
    """Return the largest change of a logit when rows of several prompts continue kept states.

    Against each row read alone, prompt and text in one, and one cached step; relative to the
    spread of the logits.
    """
    trusting, rows = replace(base, state_exact=True), _random_rows(base)
    prompts = [initial_prompt(base, "sample_vocab", n, seed=n).weights for n in (3, 5)]
    kept = [Prefix(prompt, read_state(base, prompt)) for prompt in prompts]
    mixed = [Line(p, tuple(row)) for p, row in zip([*kept, None], rows, strict=True)]
    plain = [Line(line.prefix and Prefix(line.prefix.weights), line.token_ids) for line in mixed]
    together = _steps(start_mixed_decoder(trusting, mixed), rows)
    alone = torch.cat(
        [_steps(start_mixed_decoder(base, [p]), [r]) for p, r in zip(plain, rows, strict=True)]
    )
    spread = alone.std().clamp(min=torch.finfo(torch.float32).tiny)
    return float((together - alone).abs().max() / spread)


@torch.no_grad()
def _has_known_state(base: BaseLM) -> bool:
    if base.is_seq2seq:
        return False
    prompt = initial_prompt(base, "sample_vocab", _VIRTUAL_TOKENS, seed=0).weights
    return read_state(base, prompt).is_supported


@torch.no_grad()
def _caches_full_attention(base: BaseLM) -> bool:
    # A sliding window or a recurrent state counts the padding between prompt and text, which a
    # check on short rows need not notice.
    if base.is_seq2seq:
        return False
    prompt = initial_prompt(base, "sample_vocab", _VIRTUAL_TOKENS, seed=0).weights
    return all(type(layer) is DynamicLayer for layer in read_prefix(base, prompt).layers)


def _random_rows(base: BaseLM) -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(base.vocabulary_size, (n,), generator=generator).tolist() for n in _LENGTHS
    ]


def _two_steps(base: BaseLM, prompt: torch.Tensor, rows: list[list[int]]) -> torch.Tensor:
    return _steps(start_decoder(base, prompt, rows), rows)


def _steps(decoder: Decoder, rows: list[list[int]]) -> torch.Tensor:
    first = decoder.first()
    second = decoder.next([row[0] for row in rows])
    return torch.cat([first, second], dim=-1).float()
