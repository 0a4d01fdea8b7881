"""Texts that begin alike: which tokens of a batch have been read already.

The texts of a classification share a template, often an instruction, and their first words. In a
causal model a token and what stands before it decide all that is ever computed of it, outside
attention and inside. So a batch is a tree, and each of its nodes need be read once, as serving
systems do over the requests that they keep (SGLang's radix tree, Zheng et al. 2024); here within
one batch, gradients included.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import takewhile

import torch


def common(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the tokens with which all rows begin."""
    # What the first and the last in order share, all share.
    pairs = zip(min(rows), max(rows), strict=False)
    return tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def histories(
    rows: Sequence[Sequence[int]], behind: Sequence[Hashable] | None = None
) -> list[list[int]]:
    """Number each token together with all before it: equal numbers are the same reading.

    Args:
        rows: token ids, none negative.
        behind: what each row stands behind, its soft prompt; the same for all by default. No
            number, and compared as a dictionary compares.
    """
    known: dict[tuple[Hashable, int], int] = {}
    numbers: list[list[int]] = []
    for start, row in zip(behind or [None] * len(rows), rows, strict=True):
        node: Hashable = start
        numbers.append([])
        for token in row:
            node = known.setdefault((node, token), len(known))
            numbers[-1].append(node)
    return numbers


def longer(before: torch.Tensor, count: int) -> torch.Tensor:
    """Return the histories of rows which all go on with the same ``count`` further readings."""
    first = before.max() + 1 + before[:, -1:] * count
    return torch.cat([before, first + torch.arange(count, device=before.device)], dim=-1)


def once(real: torch.Tensor, histories: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the tokens to read and where they stand.

    Args:
        real: where a place is not padding, bool ``[rows, width]``; none is empty.
        histories: see :func:`histories`; None shares nothing.

    Returns:
        A place of each token in the rows, flattened, ``[tokens]``; and the token of each place,
        ``[rows * width]``, at padding one of the same row.
    """
    here = real.flatten().nonzero().squeeze(-1)
    found = torch.arange(len(here), device=here.device)
    places = here
    if histories is not None:
        _, found = torch.unique(histories.flatten()[here], return_inverse=True)
        # Whichever of the places wins, the same stands there.
        places = here.new_empty(int(found.max()) + 1).scatter_(0, found, here)
    tokens = here.new_zeros(real.shape).flatten().index_copy(0, here, found).view(real.shape)
    return places, torch.where(real, tokens, tokens.amax(1, keepdim=True)).flatten()
