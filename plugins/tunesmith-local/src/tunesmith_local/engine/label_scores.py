"""The probability of each label as the answer to a text, which is read once for all labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import torch

from tunesmith_local.engine.decoder import Decoder

_Read = Iterable[tuple[list[tuple[int, ...]], torch.Tensor]]
_LINES = 128
"""Rows times labels in one forward pass, at most; it bounds the memory of copies and scores."""
_BRANCHES = 512
"""Rows times label tokens beside their texts, at most; it bounds the memory of scores."""


@torch.no_grad()
def label_log_probs(decoder: Decoder, rows: int, answers: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the natural log-probability of each answer behind each row.

    Args:
        decoder: has not begun yet.
        rows: its number of rows.
        answers: token ids, at least one each; they may share a prefix.

    Returns:
        float32 ``[rows, answers]``, on the CPU.
    """
    following, read = _read(decoder, rows, _paths(answers))
    total = following.float().log_softmax(-1)[:, [answer[0] for answer in answers]]
    left = {index for index, answer in enumerate(answers) if len(answer) > 1}
    for paths, behind in read:
        scores = behind.float().log_softmax(-1)
        for index in sorted(left):
            path, rest = _path_of(answers[index], paths), list(answers[index][1:])
            if path is not None:
                total[:, index] += scores[:, path, torch.arange(len(rest)), rest].sum(-1)
                left.remove(index)
    return total.cpu()


def _read(decoder: Decoder, rows: int, paths: list[tuple[int, ...]]) -> tuple[torch.Tensor, _Read]:
    """Return the scores behind each text, and behind its paths: in one pass if that is exact."""
    if paths and decoder.reads_branches and rows * sum(map(len, paths)) <= _BRANCHES:
        following, behind = decoder.branches(paths)
        return following, [(paths, behind)]
    chunks = _chunks(paths, max(1, _LINES // rows))
    return decoder.first(), ((chunk, decoder.fork(chunk)) for chunk in chunks)


def _paths(answers: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the paths to read: no last token is read, and no prefix of another path."""
    read = sorted({tuple(answer[:-1]) for answer in answers} - {()})
    return [a for a, b in zip_longest(read, read[1:], fillvalue=()) if b[: len(a)] != a]


def _path_of(answer: Sequence[int], paths: Sequence[tuple[int, ...]]) -> int | None:
    read = tuple(answer[:-1])
    return next((i for i, path in enumerate(paths) if path[: len(read)] == read), None)


def _chunks(paths: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
