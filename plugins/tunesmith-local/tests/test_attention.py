"""The attention used on a CPU equals the one that it replaces."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.model.attention import bias_of, grouped_attention
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]


@pytest.mark.parametrize("key_heads", [1, 2, 6])
def test_it_equals_that_of_torch(key_heads: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 6, 5, 4), (3, key_heads, 9, 4), (3, key_heads, 9, 4)]
    inputs = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    mask = torch.ones(5, 9, dtype=torch.bool).tril(4).repeat(3, 1, 1, 1)
    mask[0, :, :, :3] = False  # a row with padding
    ours = grouped_attention(*inputs, bias_of(mask, torch.float32), 0.3)
    query, key, value = inputs
    shared = 6 // key_heads
    theirs = scaled_dot_product_attention(
        query,
        key.repeat_interleave(shared, 1),
        value.repeat_interleave(shared, 1),
        mask,
        scale=0.3,
    ).transpose(1, 2)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn(ours.shape, generator=generator)
    gradients = torch.autograd.grad((theirs * weights).sum(), inputs)
    for ours_, theirs_ in zip(
        torch.autograd.grad((ours * weights).sum(), inputs), gradients, strict=True
    ):
        torch.testing.assert_close(ours_, theirs_)


@pytest.mark.parametrize("most", [0, 2**25])
def test_long_inputs_do_not_use_grouped_attention(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    base, calls = base_lm("granite"), []

    def counted(*args: torch.Tensor) -> torch.Tensor:
        calls.append(args)
        return grouped_attention(*args)

    monkeypatch.setattr("tunesmith_local.model.attention.grouped_attention", counted)
    rows = [Example((5, 6, 7), (49, 256)), Example((5, 6), (50, 256))]
    prompt = torch.nn.Parameter(initial_prompt(base, "random", 4, seed=1).weights)
    monkeypatch.setattr("tunesmith_local.model.attention._MOST_SCORES", most)
    row_losses(base, prompt, rows)
    assert len(calls) == (base.model.config.num_hidden_layers if most else 0)
