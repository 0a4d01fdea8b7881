"""Batches of rows with different prompts. Each row has the same result as alone.

A row that continues a prompt's state reads ``[padding][text]`` behind ``[padding][state]``; the
mask covers both, and positions are counted by the mask. Recurrent layers must meet no padding
behind the prompt, so rows of different length are then read in turn, equal lengths together, and
continue as one batch. A row whose prompt has no state is read whole, prompt and text.

Texts behind one prompt share a prefix: the template, which is read with the prompt, and often
an instruction, which is read once for all rows of a call. So is what texts without a prompt begin
with, if that is most of them: several questions about one text. Each such family is a batch by
itself, because its rows then look at one copy of the state.

If the soft prompt comes behind the text, the two change places: the row reads its soft prompt
behind the state of its text. Rows of both kinds may share a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from tunesmith.errors import PredictionError
from tunesmith_local.engine.batching import (
    Batch,
    by_length,
    padding_worth_a_pass,
    trie_nodes_of,
    worth_a_pass,
)
from tunesmith_local.engine.prefix import Prefix, PromptState, read_on, stack
from tunesmith_local.engine.shared_prefix import families, shared_prefix
from tunesmith_local.engine.text_states import Suffix, read_texts
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True, eq=False)
class Line:
    """A text with the prompt before or behind it, as the model reads it."""

    prefix: Prefix | None
    token_ids: tuple[int, ...]
    """Without those of the prefix ids of ``prefix``."""
    suffix: Suffix | None = None
    """Without a prefix and a suffix it is for the bare base model."""

    @property
    def virtual(self) -> int:
        """Virtual tokens."""
        return sum(len(prompt) for prompt in (self.prefix, self.suffix) if prompt is not None)

    @property
    def has_embeddings(self) -> bool:
        """Whether there is anything to read; virtual tokens count too."""
        soft = self.prefix is not None and self.prefix.weights is not None
        return soft or self.suffix is not None or bool(self.token_ids)

    @property
    def text_length(self) -> int:
        """Tokens of the text."""
        prefix_ids = () if self.prefix is None else self.prefix.prefix_ids
        return len(prefix_ids) + len(self.token_ids)

    @property
    def length(self) -> int:
        """Tokens in all, virtual tokens included."""
        return self.virtual + self.text_length


def line_of(prompt: Prefix | Suffix | None, token_ids: tuple[int, ...]) -> Line:
    """Return a text with its prompt in its place."""
    if isinstance(prompt, Suffix):
        return Line(None, token_ids, prompt)
    if prompt is None:
        return Line(None, token_ids)
    read = len(prompt.prefix_ids)
    if token_ids[:-1][:read] == prompt.prefix_ids:  # the last token is left to be read
        return Line(prompt, token_ids[read:])
    # Its first characters merged with the template's last: prompt and text are read in one.
    return Line(Prefix(prompt.weights), token_ids)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a batch that are read in one forward pass."""

    rows: list[int]
    batch: Batch


def check_lengths(base: BaseLM, lines: Sequence[Line], new_tokens: int) -> None:
    """Refuse rows that the model cannot read.

    Raises:
        PredictionError: a row is empty, or does not fit into the model's positions.
    """
    limit = None if base.is_seq2seq else base.max_positions
    for index, line in enumerate(lines):
        if not line.has_embeddings:
            raise PredictionError(f"input {index} is empty: it has no tokens to generate from")
        if limit is not None and line.length + new_tokens > limit:
            raise PredictionError(
                f"input {index}: {line.text_length} tokens, {line.virtual} virtual tokens and "
                f"{new_tokens} new tokens exceed the {limit} positions of {base.name!r}; "
                "set truncate_input_tokens or shorten the input"
            )


def mixed_batches(
    base: BaseLM, lines: Sequence[Line], size: int
) -> Iterator[tuple[list[int], list[Line]]]:
    """Yield batches of ``size`` rows at most, as :func:`lay_out_mixed` lays them out.

    Yields:
        The indices of the rows and what is to be laid out for them: the prefix of a line may
        have been read already.
    """
    lines = _behind_shared_prefixes(base, lines)
    apart: dict[Prefix | None, list[int]] = {}
    for index, line in enumerate(lines):
        own = line.prefix if line.virtual == 0 else None
        apart.setdefault(own, []).append(index)
    for rows in apart.values():
        for batch in _batches(base, lines, rows, size):
            yield batch, [lines[i] for i in batch]


def _batches(
    base: BaseLM, lines: Sequence[Line], rows: Sequence[int], size: int
) -> Iterator[list[int]]:
    behind = [i for i in rows if _continues(base, lines[i])]
    if all(lines[i].prefix is None and lines[i].suffix is None for i in behind):
        behind = []
    whole = sorted({*rows} - {*behind})
    a_pass = padding_worth_a_pass(base)
    for batch in by_length([_read(lines[i]) for i in behind], size, a_pass):
        yield [behind[i] for i in batch]
    lengths = [lines[i].length for i in whole]
    for batch in by_length(lengths, size, a_pass, equal_only=not base.padding_exact):
        yield [whole[i] for i in batch]


def lay_out_mixed(base: BaseLM, lines: Sequence[Line]) -> list[Part]:
    """Lay out the rows of one batch, in one part or, if the model needs it, in several."""
    continued = all(_continues(base, line) for line in lines)
    states = _states(lines) if continued else [None] * len(lines)
    like = next(filter(None, states), None)
    if like is None:
        return [Part(list(range(len(lines))), _whole(base, lines))]
    groups = [list(range(len(lines)))]
    if like.is_recurrent:
        groups = list(by_length([_read(x) for x in lines], len(lines), 1, equal_only=True))
    return [
        Part(rows, _behind(base, [lines[i] for i in rows], [states[i] for i in rows], like))
        for rows in groups
    ]


def padded(base: BaseLM, rows: Sequence[torch.Tensor]) -> Batch:
    """Lay out embedded rows, ``[length, hidden_size]`` each; padding goes before a text.

    In an encoder it goes behind a text. Gradients flow back to the rows.
    """
    width = max(map(len, rows))
    embeds = torch.stack([_filled(row, width - len(row), base.is_seq2seq) for row in rows])
    ones = [row.new_ones(len(row), 1, dtype=torch.long) for row in rows]
    mask = torch.stack([_filled(row, width - len(row), base.is_seq2seq) for row in ones])[..., 0]
    return Batch(embeds, mask, _positions(mask))


def embedded(base: BaseLM, token_ids: Sequence[int]) -> torch.Tensor:
    """Return the embeddings of tokens, ``[length, hidden_size]``."""
    rows: torch.Tensor = base.embeddings(
        torch.tensor(token_ids, dtype=torch.long, device=base.device)
    )
    return rows


def _behind_shared_prefixes(base: BaseLM, lines: Sequence[Line]) -> list[Line]:
    found = list(lines)
    groups: dict[Prefix, list[int]] = {}
    bare: list[int] = []
    for index, line in enumerate(lines):
        if line.prefix is not None and _continues(base, line):
            groups.setdefault(line.prefix, []).append(index)
        elif line.virtual == 0 and base.state_exact and base.text_exact and line.token_ids:
            bare.append(index)
    for family in families([lines[i].token_ids for i in bare]):
        rows = [bare[place] for place in family]
        behind = _behind_own_beginning(base, [lines[i].token_ids for i in rows])
        for index, line in zip(rows, behind, strict=True):
            found[index] = line
    for prefix, rows in groups.items():
        behind = _behind_shared_prefix(base, prefix, [lines[i].token_ids for i in rows])
        for index, line in zip(rows, behind, strict=True):
            found[index] = line
    return found


def _behind_shared_prefix(
    base: BaseLM, prefix: Prefix, texts: Sequence[tuple[int, ...]]
) -> Iterator[Line]:
    shared = shared_prefix([text[:-1] for text in texts])
    saved = len(shared) * (len(texts) - 1)
    if prefix.state is None or saved < worth_a_pass(base.device):
        shared = ()
    else:
        state = read_on(base, prefix.state, shared)
        prefix = Prefix(prefix.weights, state, (*prefix.prefix_ids, *shared))
    yield from (Line(prefix, text[len(shared) :]) for text in texts)


def _behind_own_beginning(base: BaseLM, texts: Sequence[tuple[int, ...]]) -> Iterator[Line]:
    shared = shared_prefix([text[:-1] for text in texts])
    if len(shared) * (len(texts) - 1) < worth_a_pass(base.device):
        yield from (Line(None, text) for text in texts)
        return
    (state,) = read_texts(base, [shared])
    prefix = Prefix(None, state, shared)
    yield from (Line(prefix, text[len(shared) :]) for text in texts)


def _continues(base: BaseLM, line: Line) -> bool:
    # Without a text there is nothing to read behind the prompt, and no scores to choose from.
    has_state = line.prefix is None or line.prefix.state is not None
    exact = base.state_exact if line.suffix is None else base.text_exact
    return exact and has_state and bool(line.token_ids)


def _states(lines: Sequence[Line]) -> list[PromptState | None]:
    # The readers of one call share their cache; one of them reads for all.
    readers = [line.suffix.texts for line in lines if line.suffix is not None]
    texts = [line.token_ids for line in lines if line.suffix is not None]
    read = iter(readers[0].states(texts) if readers else ())
    before = [None if line.prefix is None else line.prefix.state for line in lines]
    return [s if x.suffix is None else next(read) for s, x in zip(before, lines, strict=True)]


def _read(line: Line) -> int:
    return len(line.token_ids) if line.suffix is None else len(line.suffix)


def _behind(
    base: BaseLM,
    lines: Sequence[Line],
    states: Sequence[PromptState | None],
    like: PromptState,
) -> Batch:
    cache, seen = stack(states, like)
    rows = [_parts(base, replace(line, prefix=None))[-1] for line in lines]
    batch = padded(base, rows)
    mask = torch.cat([seen, batch.attention_mask], dim=-1)
    positions = _positions(mask)[:, -batch.inputs_embeds.shape[1] :]
    shared = _histories(base, lines, rows)
    return Batch(batch.inputs_embeds, mask, positions, cache, shared)


def _whole(base: BaseLM, lines: Sequence[Line]) -> Batch:
    rows = [torch.cat(_parts(base, line)) for line in lines]
    return replace(padded(base, rows), trie_nodes=_histories(base, lines, rows))


def _histories(
    base: BaseLM, lines: Sequence[Line], rows: Sequence[torch.Tensor]
) -> torch.Tensor | None:
    # A soft prompt behind the text is read behind the text of its row.
    behind = [line.prefix if line.suffix is None else line for line in lines]
    read = [
        (*range(len(row) - len(line.token_ids)), *line.token_ids)
        if line.suffix is None
        else range(len(row))
        for line, row in zip(lines, rows, strict=True)
    ]
    return trie_nodes_of(base, read, behind)


def _parts(base: BaseLM, line: Line) -> list[torch.Tensor]:
    parts = [embedded(base, line.token_ids)]
    if line.prefix is not None and line.prefix.weights is not None:
        parts.insert(0, line.prefix.weights.to(base.device, base.dtype))
    if line.suffix is not None:
        parts.append(line.suffix.weights.to(base.device, base.dtype))
    return parts


def _filled(row: torch.Tensor, count: int, right: bool) -> torch.Tensor:
    return functional.pad(row, (0, 0, 0, count) if right else (0, 0, count, 0))


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(-1) - 1).clamp(min=0)
