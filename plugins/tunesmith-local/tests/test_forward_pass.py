"""Rows end to end: the scores of padded rows, from the real tokens alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from tunesmith_local import attention
from tunesmith_local.batching import Batch, lay_out, read_prefix
from tunesmith_local.forward_pass import causal_mask, forward_pass
from tunesmith_local.loading import BaseLM

GetBase = Callable[[str], BaseLM]
KINDS = ("granite", "granite-moe", "hybrid-attention", "llama")
ROWS = [[5, 6, 7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17]]
TOKENS = sum(map(len, ROWS))


@contextmanager
def tokens_by_layer(base: BaseLM) -> Iterator[list[int]]:
    """Collect how many tokens leave each layer."""
    seen: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda _m, _a, out: seen.append(out.shape[:-1].numel()))
        for layer in base.model.base_model.layers
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def batch_of(base: BaseLM, *, kept: bool) -> Batch:
    prompt = torch.randn(3, base.hidden_size, generator=torch.Generator().manual_seed(1))
    return lay_out(base, ROWS, read_prefix(base, prompt) if kept else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [False, True], ids=["no prompt", "a kept prompt"])
@pytest.mark.parametrize("keep", [1, 2])
@torch.no_grad()
def test_scores_and_cache_are_those_of_padded_rows(
    base_lm: GetBase, kind: str, kept: bool, keep: int
) -> None:
    base = base_lm(kind)
    padded = replace(base, end_to_end_exact=False)
    right, cache = forward_pass(padded, batch_of(base, kept=kept), keep, use_cache=True)
    found, other = forward_pass(base, batch_of(base, kept=kept), keep, use_cache=True)
    torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-5)
    assert cache is not None
    assert other is not None
    real = batch_of(base, kept=kept).attention_mask.bool()
    for one, two in zip(cache.layers, other.layers, strict=True):
        for name in ("keys", "values"):
            sides = (getattr(layer, name).transpose(1, 2)[real] for layer in (one, two))
            torch.testing.assert_close(*sides, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_no_layer_reads_padding_and_the_last_one_reads_what_is_scored(
    base_lm: GetBase, kind: str
) -> None:
    base = base_lm(kind)
    with tokens_by_layer(base) as seen:
        forward_pass(base, batch_of(base, kept=False), 1, use_cache=False)
    assert seen[:-1] == [TOKENS] * (len(seen) - 1)
    assert seen[-1] == len(ROWS)


def test_more_scores_than_can_be_held_are_read_padded(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_lm("granite")
    monkeypatch.setattr(attention, "_MOST_SCORES", 10)
    with tokens_by_layer(base) as seen:
        forward_pass(base, batch_of(base, kept=False), 1, use_cache=False)
    assert set(seen) == {len(ROWS) * max(map(len, ROWS))}


def test_a_token_sees_the_real_ones_before_it() -> None:
    seen = torch.tensor([[1, 1, 1], [0, 0, 1]])  # two rows of two tokens, one read before
    first, second = causal_mask(seen, 2)[:, 0].int().tolist()
    assert first == [[1, 1, 0], [1, 1, 1]]
    assert second == [[0, 1, 0], [0, 0, 1]]  # padding sees itself
