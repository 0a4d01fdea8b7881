"""Shared prefixes: rows that begin alike, whose first tokens need be read once.

The texts of a classification share a template, often an instruction, and their first words. In a
causal model a token and the tokens before it decide everything that is computed for it. So a batch
is a trie, and each of its nodes need be read once, as serving systems do over the requests that
they keep (SGLang's radix tree, Zheng et al. 2024); here within
one batch, gradients included.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import takewhile

import torch


def shared_prefix(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the tokens with which all rows begin."""
    # A prefix of the first and the last in order is a prefix of all.
    pairs = zip(min(rows), max(rows), strict=False)
    return tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def families(rows: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Return the indices of rows that begin alike, each in one family.

    A row joins the family before it, in order, if it begins with at least half of what that family
    begins with: questions about one text do, and long texts in one template do not.
    """
    order = sorted(range(len(rows)), key=rows.__getitem__)
    found: list[list[int]] = []
    beginning: tuple[int, ...] = ()
    for index in order:
        shared = shared_prefix([beginning, rows[index]])
        if found and 2 * len(shared) >= len(beginning):
            found[-1].append(index)
            beginning = shared
        else:
            found.append([index])
            beginning = rows[index]
    return found


def trie_nodes(
    rows: Sequence[Sequence[int]], behind: Sequence[Hashable] | None = None
) -> list[list[int]]:
    """Number each token together with all before it: equal numbers are the same reading.

    Args:
        rows: token ids, none negative.
        behind: the soft prompt before each row, no number, compared as a dictionary compares;
            the same for all by default.
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


def node_places(rows: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the row and the depth of each node of :func:`trie_nodes`, where it first occurs."""
    places: dict[int, tuple[int, int]] = {}
    for row, numbers in enumerate(trie_nodes(rows)):
        for depth, node in enumerate(numbers):
            places.setdefault(node, (row, depth))
    return list(places.values())


def extended_nodes(before: torch.Tensor, count: int) -> torch.Tensor:
    """Return the trie nodes of rows that all continue with the same ``count`` further readings."""
    first = before.max() + 1 + before[:, -1:] * count
    return torch.cat([before, first + torch.arange(count, device=before.device)], dim=-1)


def distinct_tokens(
    real: torch.Tensor, trie_nodes: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the tokens to read and their places.

    Args:
        real: False for padding, bool ``[rows, width]``; none is empty.
        trie_nodes: see :func:`trie_nodes`; None shares nothing.

    Returns:
        A place of each token in the rows, flattened, ``[tokens]``; and the token of each place,
        ``[rows * width]``, at padding one of the same row.
    """
    here = real.flatten().nonzero().squeeze(-1)
    found = torch.arange(len(here), device=here.device)
    places = here
    if trie_nodes is not None:
        _, found = torch.unique(trie_nodes.flatten()[here], return_inverse=True)
        # All places of a token hold the same token, so any of them may win.
        places = here.new_empty(int(found.max()) + 1).scatter_(0, found, here)
    tokens = here.new_zeros(real.shape).flatten().index_copy(0, here, found).view(real.shape)
    return places, torch.where(real, tokens, tokens.amax(1, keepdim=True)).flatten()
