"""A cheap test at load time that finds which short cuts are exact for a model.

Recurrent layers, exotic positions or a future architecture may let padding leak into a row. A
list of names would soon be wrong; a few tiny forward passes are not. Their results are
kept between processes; see :mod:`tunesmith_local.engine.findings`.

The passes run in float32 for every type of weights, because in bfloat16 a mild leak is
smaller than the rounding of a deep model and no tolerance separates the two. The layout of a batch,
its mask and its positions do not depend on the type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

import torch
from transformers import PreTrainedModel

from tunesmith_local.engine.batching import pad
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.forward_pass import forward_pass
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line, lay_out_mixed
from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.prompt_reuse import reading
from tunesmith_local.engine.scoring import Example, RowLosses, target_log_probs
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.suffix_losses import suffix_losses
from tunesmith_local.engine.text_states import TextReader
from tunesmith_local.model.attention import fused_attention
from tunesmith_local.model.loading import BaseLM, free_bytes

_TOLERANCE = 1e-4
_LOW_PRECISION = (torch.bfloat16, torch.float16)
_LENGTHS = (2, 5, 9)
_VIRTUAL_TOKENS = (3, 0, 5)
FLAGS = ("padding_exact", "prefix_exact", "state_exact", "packing_exact", "text_exact")
"""The short cuts that are measured: fields of :class:`.BaseLM`."""
LossAndGradient: TypeAlias = tuple[torch.Tensor, torch.Tensor]
"""The sum of the rows' losses, and the soft prompt's gradient."""
_Reading = Callable[[torch.Tensor], AbstractContextManager[RowLosses]]


def checked(base: BaseLM) -> BaseLM:
    """Return the model with the flags of its exact short cuts, as measured.

    If there is no room to measure, no short cut is taken; see :func:`measured`.
    """
    return measured(base) or base


def measured(base: BaseLM) -> BaseLM | None:
    """Return the model with the flags of its exact short cuts; None if there is no room.

    For the time of the check, weights in bfloat16 or float16 take four bytes each.
    """
    low = sum(tensor.numel() for tensor in _low_precision(base.model))
    # The weights themselves are there already, in two bytes of the four.
    if 2 * low > free_bytes(base.device):
        return None
    try:
        with _in_float32(base.model):
            return _measured(base)
    except torch.OutOfMemoryError:
        return None


def _measured(base: BaseLM) -> BaseLM:
    alone = read_alone(base)
    base = replace(base, padding_exact=padding_error(base, alone) <= _TOLERANCE)
    if base.is_seq2seq:
        return base
    kept = kept_lines(base)
    states = [line.prefix.state for line in kept if line.prefix and line.prefix.state]
    supported = all(state.is_supported for state in states)
    state = supported and state_error(base, alone, kept) <= _TOLERANCE
    base = replace(base, state_exact=state)
    # A sliding window or a recurrent state counts the padding between prompt and text, which a
    # check on short rows need not notice.
    full_attention = supported and not any(state.is_recurrent for state in states)
    if base.padding_exact and full_attention:
        base = _measured_before_texts(base, alone)
    return replace(base, text_exact=state and suffix_error(base) <= _TOLERANCE)


def _measured_before_texts(base: BaseLM, alone: Alone) -> BaseLM:
    right = plain_gradient(base)
    base = replace(base, prefix_exact=prefix_error(base, right) <= _TOLERANCE)
    if not base.prefix_exact:
        return base
    return replace(base, packing_exact=packing_error(base, alone, right) <= _TOLERANCE)


@contextmanager
def _in_float32(model: PreTrainedModel) -> Iterator[None]:
    low = [(tensor, tensor.dtype) for tensor in _low_precision(model)]
    try:
        for tensor, _ in low:
            tensor.data = tensor.data.float()
        yield
    finally:
        # In place, so that there are never two copies of all weights; the way back
        # loses no bit.
        for tensor, dtype in low:
            tensor.data = tensor.data.to(dtype)


def _low_precision(model: PreTrainedModel) -> list[torch.Tensor]:
    tensors = chain(model.parameters(), model.buffers())
    return [tensor for tensor in tensors if tensor.dtype in _LOW_PRECISION]


@dataclass(frozen=True, eq=False)
class Alone:
    """Logits and label scores of a few random rows, each read alone.

    Rows have prompts and texts of different length, or no prompt.
    """

    logits: torch.Tensor
    """Of the first new token and of the second, side by side, ``[rows, 2 vocab]``."""
    label_scores: torch.Tensor | None = None
    """Log-probabilities of a few answers, ``[rows, answers]``; None for a model with an encoder."""


@torch.no_grad()
def read_alone(base: BaseLM) -> Alone:
    """Read a few random rows, each alone.

    A causal model reads prompt, text and answer in one, without padding and without a cache: one
    forward pass gives all that the layouts of a row's batches are compared with.
    """
    no_short_cut: dict[str, Any] = dict.fromkeys(FLAGS, False)
    base = replace(base, **no_short_cut)
    lines = _lines(base)
    if base.is_seq2seq:
        return Alone(torch.cat([_two_steps(base, [line]) for line in lines]))
    read = [_read_with_answers(base, line, _answers(lines)) for line in lines]
    logits, scores = zip(*read, strict=True)
    return Alone(torch.stack(logits), torch.stack(scores))


def _read_with_answers(
    base: BaseLM, line: Line, answers: Sequence[Sequence[int]]
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, answers))
    targets, real = (x.to(base.device) for x in pad(answers, width, answers[0][0], left=False))
    # A shorter answer is filled up: nothing that counts comes after it.
    lines = [Line(line.prefix, (*line.token_ids, *row[:-1])) for row in targets.tolist()]
    (part,) = lay_out_mixed(base, lines)
    logits, _ = forward_pass(base, part.batch, width, use_cache=False)
    # The first answer begins with the token that the second step reads.
    return logits[0, :2].flatten().float(), target_log_probs(logits, targets, real).sum(-1)


@torch.no_grad()
def padding_error(base: BaseLM, alone: Alone) -> float:
    """Return the largest change of a logit that padding makes, relative to the logits' spread.

    The rows of :func:`read_alone` are read together.
    """
    return _largest_change(_two_steps(base, _lines(base)), alone)


@torch.enable_grad()
def plain_gradient(base: BaseLM) -> LossAndGradient:
    """Return loss and gradient of a padded batch, its prompt before each row.

    Under torch's own attention.
    """
    plain = replace(base, prefix_exact=False, packing_exact=False)
    with fused_attention(base.model):
        return _loss_and_gradient(base, lambda prompt: reading(plain, prompt), _examples(base))


@torch.enable_grad()
def prefix_error(base: BaseLM, right: LossAndGradient) -> float:
    """Return how far losses and gradients go apart when the prompt is read once for a batch.

    Relative to ``right``, those of :func:`plain_gradient`; the larger of the two.
    """
    shared = replace(base, prefix_exact=True)
    found = _loss_and_gradient(base, lambda prompt: reading(shared, prompt), _examples(base))
    return _distance(right, found)


def _examples(base: BaseLM) -> list[Example]:
    return [Example(tuple(row), (row[0], row[1])) for row in _random_rows(base)]


@torch.enable_grad()
def suffix_error(base: BaseLM) -> float:
    """Return how far losses and gradients go apart when a soft prompt continues kept texts.

    Against each row read alone, text, prompt and answer in one; relative, the larger of the two.
    """
    trusting = replace(base, text_exact=True)
    # Of the rows the shortest and the longest, with answers of different length too.
    rows = [Example(tuple(row), tuple(row[: len(row) // 2])) for row in _random_rows(base)[::2]]
    texts = TextReader(trusting, StateCache(0), alone=False)

    def alone(prompt: torch.Tensor) -> AbstractContextManager[RowLosses]:
        return nullcontext(
            lambda rows: torch.cat([suffix_losses(base, prompt, [row], None) for row in rows])
        )

    def behind(prompt: torch.Tensor) -> AbstractContextManager[RowLosses]:
        return nullcontext(lambda rows: suffix_losses(trusting, prompt, rows, texts))

    right = _loss_and_gradient(base, alone, rows)
    return _distance(right, _loss_and_gradient(base, behind, rows))


def _loss_and_gradient(
    base: BaseLM, reading_of: _Reading, rows: Sequence[Example]
) -> LossAndGradient:
    prompt = torch.nn.Parameter(_prompt(base, 3).to(base.device))
    with reading_of(prompt) as row_losses:
        loss = row_losses(rows).sum()
        torch.autograd.backward(loss)
    assert prompt.grad is not None  # noqa: S101  # the loss depends on it
    return loss.detach(), prompt.grad


def _distance(right: LossAndGradient, found: LossAndGradient) -> float:
    (loss, gradient), (right_loss, right_gradient) = found, right
    loss_error = (loss - right_loss).abs() / right_loss.abs()
    gradient_error = (gradient - right_gradient).norm() / right_gradient.norm()
    return float(torch.maximum(loss_error, gradient_error))


def kept_lines(base: BaseLM) -> list[Line]:
    """Return the rows of :func:`read_alone` with states of their prompts."""
    trusting = replace(base, state_exact=True)
    return _lines(base, lambda prompt: prefix_of(trusting, prompt))


@torch.no_grad()
def state_error(base: BaseLM, alone: Alone, kept: list[Line]) -> float:
    """Return the largest change of a logit when rows of several prompts continue kept states.

    The rows of :func:`kept_lines` are read together; relative to the spread of the logits.
    """
    return _largest_change(_two_steps(replace(base, state_exact=True), kept), alone)


def packing_error(base: BaseLM, alone: Alone, right: LossAndGradient) -> float:
    """Return how far scores go apart when rows are packed and labels are read side by side.

    The larger of :func:`prefix_error` and of the change of a label's score against each row and
    label read alone. Infinite if the model takes no such mask.
    """
    trusting = replace(base, packing_exact=True)
    try:
        return max(_branch_error(trusting, alone), prefix_error(trusting, right))
    except (RuntimeError, TypeError, ValueError, IndexError):
        return math.inf


@torch.no_grad()
def _branch_error(trusting: BaseLM, alone: Alone) -> float:
    assert alone.label_scores is not None  # noqa: S101  # the model is causal
    lines = _lines(trusting)
    decoder = start_mixed_decoder(trusting, lines)
    found = label_log_probs(decoder, len(lines), _answers(lines))
    return float((found - alone.label_scores.cpu()).abs().max())


def _answers(lines: Sequence[Line]) -> list[list[int]]:
    # Two begin alike, and all are of different length.
    ids = [token for line in lines for token in line.token_ids]
    return [ids[:2], [*ids[:1], *ids[3:6]], ids[6:9]]


def _largest_change(logits: torch.Tensor, alone: Alone) -> float:
    spread = alone.logits.std().clamp(min=torch.finfo(torch.float32).tiny)
    return float((logits - alone.logits).abs().max() / spread)


def _lines(base: BaseLM, prefix: Callable[[torch.Tensor], Prefix] = Prefix) -> list[Line]:
    prompts = [prefix(_prompt(base, n)) if n else None for n in _VIRTUAL_TOKENS]
    rows = zip(prompts, _random_rows(base), strict=True)
    return [Line(prompt, tuple(row)) for prompt, row in rows]


def _prompt(base: BaseLM, length: int) -> torch.Tensor:
    return initial_prompt(base, "sample_vocab", length, seed=length).weights


def _random_rows(base: BaseLM) -> list[list[int]]:
    # They begin alike, as texts of one template do.
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(base.vocabulary_size, (sum(_LENGTHS),), generator=generator).tolist()
    return [[ids[0], *ids[sum(_LENGTHS[:i]) + 1 :][: n - 1]] for i, n in enumerate(_LENGTHS)]


def _two_steps(base: BaseLM, lines: list[Line]) -> torch.Tensor:
    decoder = start_mixed_decoder(base, lines)
    first = decoder.first()
    second = decoder.next([line.token_ids[0] for line in lines])
    return torch.cat([first, second], dim=-1).float()
