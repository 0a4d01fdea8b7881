"""Prefix tuning: trained keys and values stand before the text in every attention layer.

They are what a model remembers of a soft prompt, without the prompt; so they start from the memory
of one, and everything behind them is the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from tunesmith.errors import UnsupportedError
from tunesmith_local.engine.batching import read_prefix
from tunesmith_local.engine.prefix import PromptState
from tunesmith_local.engine.scoring import row_losses
from tunesmith_local.methods.peft_models import encoder, prefix_model, save_peft, virtual_tokens
from tunesmith_local.methods.settings import PrefixTuning
from tunesmith_local.methods.soft_prompt import start_of
from tunesmith_local.methods.tunable import RowLosses, Tunable
from tunesmith_local.model.loading import BaseLM


class PrefixTunable(Tunable):
    """Keys and values, ``[num_virtual_tokens, layers * 2 * key_value_heads * head_size]``."""

    def __init__(self, base: BaseLM, method: PrefixTuning, seed: int) -> None:
        """Start from what the model remembers of the soft prompt that ``method`` describes.

        Raises:
            UnsupportedError: the model remembers a prompt in another way.
        """
        check_prefix(base)
        if not base.prefix_exact:
            raise _not_in_keys_and_values(base)
        start = start_of(base, method, seed)
        with torch.no_grad():
            memory = read_prefix(base, start.weights)
        self.base = base
        self.model = prefix_model(base, flattened(memory))
        self.parameters = dict(encoder(self.model).named_parameters())
        self.facts = start.record()
        self.notes = start.notes

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Put the keys and values before each row; nothing is random."""
        del seed
        trained = virtual_tokens(self.model)
        leaf = trained.detach().requires_grad_(torch.is_grad_enabled())
        yield lambda rows: row_losses(self.base, unflattened(self.base, leaf), rows)
        if leaf.grad is not None:
            torch.autograd.backward(trained, leaf.grad)

    def save(self, directory: Path) -> None:
        """Write PEFT's two files."""
        save_peft(self.model, directory)


def check_prefix(base: BaseLM) -> None:
    """Refuse a base model that does not remember a prompt as keys and values alone.

    This goes by the model's config; the self-check measures the same before a training starts.

    Raises:
        UnsupportedError: names the method that works.
    """
    layers = DynamicCache(config=base.model.config).layers
    if base.is_seq2seq or not all(type(layer) is DynamicLayer for layer in layers):
        raise _not_in_keys_and_values(base)
    if getattr(base.model.config, "head_dim", None) not in (None, _peft_head_size(base)):
        raise UnsupportedError(
            f"method.name: prefix_tuning is kept in PEFT's format, which has no place for heads "
            f"of {base.model.config.head_dim} in {base.name!r} (hidden size "
            f"{base.hidden_size}); use prompt_tuning"
        )


def _not_in_keys_and_values(base: BaseLM) -> UnsupportedError:
    return UnsupportedError(
        f"method.name: prefix_tuning needs a model that remembers a prompt as the keys and "
        f"values of full attention, and {base.name!r} does not; use prompt_tuning"
    )


def prefix_state(base: BaseLM, weights: torch.Tensor) -> PromptState:
    """Return trained keys and values, ``[num_virtual_tokens, ...]``, as what a model remembers."""
    return PromptState(unflattened(base, weights.to(base.device)), len(weights))


def flattened(memory: Cache) -> torch.Tensor:
    """Return the keys and values of one row in PEFT's layout, float32; see PEFT ``get_prompt``."""
    layers = cast("list[Any]", memory.layers)
    both = [half[0] for layer in layers for half in (layer.keys, layer.values)]
    stacked = torch.stack(both)  # [layers * 2, heads, virtual tokens, head size]
    return stacked.permute(2, 0, 1, 3).flatten(1).float()


def unflattened(base: BaseLM, weights: torch.Tensor) -> DynamicCache:
    """Return what :func:`flattened` took apart, in the type of the base model's weights."""
    layers, heads = _shape(base)
    stacked = weights.to(base.dtype).view(len(weights), layers, 2, 1, heads, -1)
    cache = DynamicCache()
    for keys, values in stacked.permute(1, 2, 3, 4, 0, 5):
        layer = DynamicLayer()  # type: ignore[no-untyped-call]  # no types there
        layer.update(keys, values)
        cache.layers.append(layer)
    return cache


def width(base: BaseLM) -> int:
    """Return the trained numbers of one virtual token, as PEFT counts them."""
    layers, heads = _shape(base)
    return layers * 2 * heads * _peft_head_size(base)


def _peft_head_size(base: BaseLM) -> int:
    return base.hidden_size // int(base.model.config.num_attention_heads)


def _shape(base: BaseLM) -> tuple[int, int]:
    config = base.model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return int(config.num_hidden_layers), int(heads)
