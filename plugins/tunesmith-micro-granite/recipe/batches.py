"""Turns documents into tensors. One item of the data set is the input of one optimizer step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from recipe.documents import Segment, write_document
from recipe.settings import Settings
from recipe.tokenizer import EOS_ID, PAD_ID

__all__ = ["Batch", "Steps", "batches", "encode"]

LONGEST = 768  # tokens of a document; longer ones are cut on the right
LENGTH_STEP = 8


@dataclass(frozen=True)
class Row:
    """One document: token ids, loss weights and soft prompt marks, all of one length.

    `blends` holds positions, and the tokens whose embeddings are added there.
    """

    ids: list[int]
    weights: list[float]
    virtual: list[bool]
    blends: list[tuple[int, list[int]]]


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right. With causal attention they need no mask.

    Attributes:
        ids: Token ids, shape (rows, length), int64.
        weights: Loss weight of each token as a target, shape (rows, length); 0 on padding.
        virtual: Whether a token is in the position of a soft prompt, shape (rows, length), bool.
        blended: Positions in the flattened rows to which embeddings are added, shape (blends,).
        added: Token ids of these embeddings, shape (blends, most), padded on the right.
    """

    ids: torch.Tensor
    weights: torch.Tensor
    virtual: torch.Tensor
    blended: torch.Tensor
    added: torch.Tensor


class Steps(Dataset[list[Batch]]):
    """The documents of each step. Item i depends only on seed and i, so training can be resumed.

    Args:
        settings: Seed, documents per step and size of a forward pass.
        tokenizer: Of the model.
    """

    def __init__(self, settings: Settings, tokenizer: PreTrainedTokenizerFast) -> None:
        self._settings = settings
        self._tokenizer = tokenizer

    def __len__(self) -> int:
        """Number of optimizer steps."""
        return self._settings.steps

    def __getitem__(self, step: int) -> list[Batch]:
        """The forward passes of one optimizer step, rows of like length together."""
        rng = Random(f"{self._settings.seed}/{step}")
        documents = [write_document(rng) for _ in range(self._settings.documents_per_step)]
        return batches(self._tokenizer, documents, self._settings.micro_batch_tokens)


def batches(
    tokenizer: PreTrainedTokenizerFast, documents: Sequence[Sequence[Segment]], most_tokens: int
) -> list[Batch]:
    """Encode documents and put those of like length together.

    Args:
        tokenizer: Of the model.
        documents: Segments in reading order.
        most_tokens: Of a batch, padding included; one row may have more.

    Returns:
        The forward passes, shortest rows first.
    """
    rows = sorted(encode(tokenizer, documents), key=lambda row: len(row.ids))
    return [_pad(part) for part in _group(rows, most_tokens)]


def encode(tokenizer: PreTrainedTokenizerFast, documents: Sequence[Sequence[Segment]]) -> list[Row]:
    """Tokenize each segment separately, as prompt and answer are tokenized in a tuning.

    Args:
        tokenizer: Of the model.
        documents: Segments in reading order.

    Returns:
        One row per document.
    """
    segments = [segment for document in documents for segment in document]
    texts = [text for one in segments for text in (one.text, one.blend)]
    found = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    return [_row(document, found) for document in documents]


def _row(document: Sequence[Segment], found: Iterator[list[int]]) -> Row:
    row = Row([], [], [], [])
    for segment in document:
        ids = _fit(next(found), segment.virtual) + [EOS_ID] * segment.ends
        added = next(found)
        row.blends.extend([(len(row.ids), added)] if added and len(row.ids) < LONGEST else [])
        row.ids.extend(ids)
        row.weights.extend([segment.weight] * len(ids))
        row.virtual.extend([segment.virtual > 0 or bool(added)] * len(ids))
    return Row(row.ids[:LONGEST], row.weights[:LONGEST], row.virtual[:LONGEST], row.blends)


def _fit(ids: list[int], length: int) -> list[int]:
    """Repeat or cut to a number of tokens, as PEFT does with an init text; 0 changes nothing."""
    if not length:
        return ids
    return (ids * (length // len(ids) + 1))[:length]


def _group(rows: Sequence[Row], most_tokens: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        if group and (len(group) + 1) * _round_up(len(row.ids)) > most_tokens:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _round_up(length: int) -> int:
    """Round up to one of few lengths; kernels made for one shape are then used again."""
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def _pad(rows: Sequence[Row]) -> Batch:
    length = _round_up(max(len(row.ids) for row in rows))
    ids = torch.full((len(rows), length), PAD_ID)
    weights = torch.zeros(len(rows), length)
    virtual = torch.zeros(len(rows), length, dtype=torch.bool)
    for place, row in enumerate(rows):
        end = len(row.ids)
        ids[place, :end] = torch.tensor(row.ids)
        weights[place, :end] = torch.tensor(row.weights)
        virtual[place, :end] = torch.tensor(row.virtual)
    return Batch(ids, weights, virtual, *_blends(rows, length))


def _blends(rows: Sequence[Row], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    found = [
        (place * length + at, added) for place, row in enumerate(rows) for at, added in row.blends
    ]
    padded = torch.full((len(found), max((len(added) for _, added in found), default=0)), PAD_ID)
    for place, (_, added) in enumerate(found):
        padded[place, : len(added)] = torch.tensor(added)
    return torch.tensor([at for at, _ in found], dtype=torch.int64), padded
