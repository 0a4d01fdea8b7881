"""Rows with prompts of their own, each laid out so that it equals the row served alone.

A row that continues a prompt's state reads ``[padding][text]`` behind ``[padding][state]``; the
mask covers both, and positions are counted by the mask. Recurrent layers must meet no padding
behind the prompt, so rows of different length are then read in turn, equal lengths together, and
go on as one batch. A row whose prompt has no state is read whole, prompt and text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from tunesmith.errors import PredictionError
from tunesmith_local.batching import Batch, by_length, pad
from tunesmith_local.loading import BaseLM
from tunesmith_local.prefix import Prefix, PromptState, stack


@dataclass(frozen=True, eq=False)
class Line:
    """A text behind its prompt, as the model reads it."""

    prefix: Prefix | None
    """None for the bare base model."""
    token_ids: tuple[int, ...]

    @property
    def virtual(self) -> int:
        """Virtual tokens."""
        return 0 if self.prefix is None else len(self.prefix)

    @property
    def length(self) -> int:
        """Tokens in all, virtual tokens included."""
        return self.virtual + len(self.token_ids)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a batch that are read in one forward pass."""

    rows: list[int]
    batch: Batch


def check_lengths(base: BaseLM, lines: Sequence[Line], new_tokens: int) -> None:
    """Refuse what the model cannot read.

    Raises:
        PredictionError: a row is empty, or does not fit into the model's positions.
    """
    limit = None if base.is_seq2seq else base.max_positions
    for index, line in enumerate(lines):
        if line.length == 0:
            raise PredictionError(f"input {index} is empty: it has no tokens to generate from")
        if limit is not None and line.length + new_tokens > limit:
            raise PredictionError(
                f"input {index}: {len(line.token_ids)} tokens, {line.virtual} virtual tokens and "
                f"{new_tokens} new tokens exceed the {limit} positions of {base.name!r}; "
                "set truncate_input_tokens or shorten the input"
            )


def mixed_batches(base: BaseLM, lines: Sequence[Line], size: int) -> Iterator[list[int]]:
    """Yield batches of indices, ``size`` rows at most, that :func:`lay_out_mixed` lays out."""
    behind = [i for i, line in enumerate(lines) if _continues(base, line)]
    if all(lines[i].prefix is None for i in behind):
        behind = []
    whole = sorted({*range(len(lines))} - {*behind})
    for batch in by_length([len(lines[i].token_ids) for i in behind], size):
        yield [behind[i] for i in batch]
    lengths = [lines[i].length for i in whole]
    for batch in by_length(lengths, size, equal_only=not base.padding_exact):
        yield [whole[i] for i in batch]


def lay_out_mixed(base: BaseLM, lines: Sequence[Line]) -> list[Part]:
    """Lay out the rows of one batch, in one part or, where the model needs it, in several."""
    states = [line.prefix.state for line in lines if line.prefix and line.prefix.state]
    if not states or not all(_continues(base, line) for line in lines):
        return [Part(list(range(len(lines))), _whole(base, lines))]
    groups = [list(range(len(lines)))]
    if states[0].is_recurrent:
        lengths = [len(line.token_ids) for line in lines]
        groups = list(by_length(lengths, len(lines), equal_only=True))
    return [Part(rows, _behind(base, [lines[i] for i in rows], states[0])) for rows in groups]


def _continues(base: BaseLM, line: Line) -> bool:
    # Without a text there is nothing to read behind the prompt, and no scores to choose from.
    has_state = line.prefix is None or line.prefix.state is not None
    return base.state_exact and has_state and bool(line.token_ids)


def _behind(base: BaseLM, lines: Sequence[Line], like: PromptState) -> Batch:
    states = [None if line.prefix is None else line.prefix.state for line in lines]
    cache, seen = stack(states, like)
    rows = [line.token_ids for line in lines]
    ids, mask = pad(rows, max(map(len, rows)), base.pad_id, left=True)
    mask = torch.cat([seen, mask.to(base.device)], dim=-1)
    embeds = base.embeddings(ids.to(base.device))
    return Batch(embeds, mask, _positions(mask)[:, -embeds.shape[1] :], cache)


def _whole(base: BaseLM, lines: Sequence[Line]) -> Batch:
    rows = [_embed(base, line) for line in lines]
    width = max(map(len, rows))
    embeds = torch.stack([_filled(row, width - len(row), base.is_seq2seq) for row in rows])
    ones = [row.new_ones(len(row), 1, dtype=torch.long) for row in rows]
    mask = torch.stack([_filled(row, width - len(row), base.is_seq2seq) for row in ones])[..., 0]
    return Batch(embeds, mask, _positions(mask))


def _embed(base: BaseLM, line: Line) -> torch.Tensor:
    ids = torch.tensor(line.token_ids, dtype=torch.long, device=base.device)
    text: torch.Tensor = base.embeddings(ids)
    if line.prefix is None:
        return text
    return torch.cat([line.prefix.weights.to(text.device, text.dtype), text])


def _filled(row: torch.Tensor, count: int, right: bool) -> torch.Tensor:
    return functional.pad(row, (0, 0, 0, count) if right else (0, 0, count, 0))


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(-1) - 1).clamp(min=0)
