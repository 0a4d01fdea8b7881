"""One reading of the soft prompt for all batches of an optimizer step.

The base model is frozen, so between two steps the prompt's keys and values do not change. They
are computed once; every batch reads and differentiates detached copies, and the gradient that
these gathered goes back through the prompt at the end, once. Sums of gradients commute with the
backward pass, so the result is that of reading the prompt with every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from tunesmith_local.engine.batching import key_values, read_prefix, with_key_values
from tunesmith_local.engine.scoring import Example, row_losses
from tunesmith_local.model.loading import BaseLM


@contextmanager
def reading(
    base: BaseLM, prompt: torch.Tensor
) -> Iterator[Callable[[Sequence[Example]], torch.Tensor]]:
    """Read the soft prompt once; yield a function that gives each row's loss, ``[rows]``.

    The caller goes backward through the losses inside the block, batch by batch. On leaving it
    without an exception, the gradient of the shared tensors is propagated to ``prompt``,
    once. If the model's prompt cannot be read separately, every batch reads it, and only the
    computation of ``prompt`` is shared.

    Args:
        base: the base model.
        prompt: ``[num_virtual_tokens, hidden_size]``: a parameter, or the output of an encoder.
    """
    cache = read_prefix(base, prompt) if base.prefix_exact else None
    sources = [prompt] if cache is None else [prompt, *key_values(cache)]
    leaves = [_leaf(source) for source in sources]

    def losses(examples: Sequence[Example]) -> torch.Tensor:
        # The answer of a row without text begins at the prompt itself, which must then be read.
        if cache is None or not all(example.prompt for example in examples):
            return row_losses(base, leaves[0], examples)
        states = [leaf.to(base.dtype) for leaf in leaves[1:]]
        return row_losses(base, with_key_values(cache, states), examples)

    yield losses
    reached = [(s, leaf.grad) for s, leaf in zip(sources, leaves, strict=True)]
    pairs = [(source, grad.to(source.dtype)) for source, grad in reached if grad is not None]
    if pairs:
        torch.autograd.backward([s for s, _ in pairs], [grad for _, grad in pairs])


def _leaf(source: torch.Tensor) -> torch.Tensor:
    # In float32 because it gathers the gradients of many batches, which would drown in bfloat16.
    wide = torch.promote_types(source.dtype, torch.float32)
    return source.detach().to(wide, copy=True).requires_grad_(source.requires_grad)
