"""The probability of each label as the answer to a text, which is read once for all labels.

Labels that begin alike share their first tokens. If the model allows it, these are read once too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import torch

from tunesmith_local.engine.decoder import Decoder
from tunesmith_local.engine.shared_prefix import node_places, shared_prefix

_Path = tuple[int, ...]
_Read = Iterable[tuple[list[_Path], torch.Tensor]]
_LINES = 128
"""Rows times labels in one forward pass, at most; it bounds the memory of copies and scores."""
_BRANCHES = 1024
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
        places = enumerate(node_places(paths))
        nodes = {paths[path][: depth + 1]: node for node, (path, depth) in places}
        for index in sorted(left):
            answer = tuple(answers[index])
            if answer[:-1] in nodes:
                passed = [nodes[answer[:end]] for end in range(1, len(answer))]
                total[:, index] += scores[:, passed, list(answer[1:])].sum(-1)
                left.remove(index)
    return total.cpu()


def _read(decoder: Decoder, rows: int, paths: list[_Path]) -> tuple[torch.Tensor, _Read]:
    """Return the scores behind each text, and behind its paths: in one pass if that is exact."""
    shares = decoder.reads_branches
    chunks = list(_chunks(paths, max(1, (_BRANCHES if shares else _LINES) // rows), shares))
    if shares and len(chunks) == 1:
        following, behind = decoder.branches(paths)
        return following, [(paths, behind)]
    return decoder.first(), ((chunk, decoder.fork(chunk)) for chunk in chunks)


def _paths(answers: Sequence[Sequence[int]]) -> list[_Path]:
    """Return the paths to read: no last token is read, and no prefix of another path."""
    read = sorted({tuple(answer[:-1]) for answer in answers} - {()})
    return [a for a, b in zip_longest(read, read[1:], fillvalue=()) if b[: len(a)] != a]


def _chunks(paths: Sequence[_Path], size: int, shares: bool) -> Iterator[list[_Path]]:
    """Yield parts of at most ``size`` paths, or nodes if what paths share is read once.

    Sorted paths share with the one before what they share with any before.
    """
    chunk, taken = list[_Path](), 0
    for path in paths:
        further = len(path) - len(shared_prefix([chunk[-1], path])) if chunk else len(path)
        if chunk and taken + (further if shares else 1) > size:
            yield chunk
            chunk, taken, further = [], 0, len(path)
        chunk.append(path)
        taken += further if shares else 1
    if chunk:
        yield chunk
