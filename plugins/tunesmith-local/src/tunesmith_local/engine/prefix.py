"""Soft prompts before the text, and the KV cache or state after them.

The state of a causal model after a soft prompt is its keys and values (attention) or a convolution
window and a recurrent state (Mamba). It does not depend on the text, so one copy serves every row
of every request. Nothing here changes a cache in place: rows get views or
copies of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import Cache
from transformers.cache_utils import DynamicLayer, LinearAttentionLayer

from tunesmith_local.engine.batching import read_prefix
from tunesmith_local.model.loading import BaseLM

_Join = Callable[[list[torch.Tensor]], torch.Tensor]
_STATES = ("conv_states", "recurrent_states")


@dataclass(frozen=True, eq=False)
class PromptState:
    """The KV cache or state of a model after a prompt or a text, for one row."""

    cache: Cache
    length: int
    """Tokens, virtual or not."""
    read_alone: bool = True
    """Whether it was read alone. Read again, it then has the same bits."""

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.nbytes for tensor in _tensors(self.cache))

    @property
    def is_recurrent(self) -> bool:
        """Whether padding behind the prompt would spoil it."""
        return any(type(layer) is LinearAttentionLayer for layer in self.cache.layers)

    @property
    def is_supported(self) -> bool:
        """Whether every layer is of a kind that can be put into a batch."""
        known = (DynamicLayer, LinearAttentionLayer)
        return all(type(layer) in known for layer in self.cache.layers)


@dataclass(frozen=True, eq=False)
class Prefix:
    """The prefix of a text: a soft prompt, the state after one, or both."""

    weights: torch.Tensor | None
    """``[num_virtual_tokens, hidden_size]``; None for trained keys and values."""
    state: PromptState | None = None
    """None if the model reads the prompt again with every text."""
    prefix_ids: tuple[int, ...] = ()
    """Tokens of the text that ``state`` has read too."""

    def __len__(self) -> int:
        """Return the number of virtual tokens."""
        if self.weights is not None:
            return len(self.weights)
        return 0 if self.state is None else self.state.length - len(self.prefix_ids)


@torch.no_grad()
def read_state(base: BaseLM, weights: torch.Tensor, prefix_ids: Sequence[int] = ()) -> PromptState:
    """Read a soft prompt, ``[num_virtual_tokens, hidden_size]``, and tokens behind it."""
    state = PromptState(read_prefix(base, weights.detach()), len(weights))
    return read_on(base, state, prefix_ids) if prefix_ids else state


@torch.no_grad()
def read_on(base: BaseLM, state: PromptState, token_ids: Sequence[int]) -> PromptState:
    """Return the state after ``token_ids`` are read behind ``state``, which stays as it is."""
    cache, seen = stack([state], state)
    ids = torch.tensor([token_ids], device=base.device)
    out = base.model(
        input_ids=ids,
        attention_mask=torch.cat([seen, torch.ones_like(ids)], dim=-1),
        position_ids=torch.arange(ids.shape[1], device=base.device)[None] + state.length,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return PromptState(out.past_key_values, state.length + len(token_ids))


def prefix_of(base: BaseLM, weights: torch.Tensor, prefix_ids: tuple[int, ...] = ()) -> Prefix:
    """Return a soft prompt with its state, if the model's architecture allows one.

    Args:
        base: the base model.
        weights: ``[num_virtual_tokens, hidden_size]``.
        prefix_ids: see :attr:`Prefix.prefix_ids`.
    """
    if not base.state_exact:
        return Prefix(weights)
    return Prefix(weights, read_state(base, weights, prefix_ids), prefix_ids)


def stack(states: Sequence[PromptState | None], like: PromptState) -> tuple[Cache, torch.Tensor]:
    """Return one cache for a batch, a state for each row, and its mask ``[rows, longest]``.

    Shorter prompts are padded on the left. A row without a prompt (None) has an empty state, in
    the shape of ``like``.
    """
    nothing = _nothing_like(like)
    rows = [nothing if state is None else state for state in states]
    distinct = list(dict.fromkeys(rows))
    width = max(state.length for state in distinct)
    lengths = torch.tensor([[state.length] for state in distinct])
    masks = (torch.arange(width) >= width - lengths).long()
    which = torch.tensor([distinct.index(state) for state in rows])
    joined = join([state.cache for state in distinct])
    device = next(_tensors(joined)).device
    batch = _expand(joined, len(rows)) if len(distinct) == 1 else select(joined, which.to(device))
    return batch, masks[which].to(device)


def join(caches: Sequence[Cache]) -> Cache:
    """Return a cache of the rows of all ``caches``, keys and values padded on the left."""
    return _rebuild(caches, _cat_padded, torch.cat)


def select(cache: Cache, rows: torch.Tensor) -> Cache:
    """Return a cache of copies of ``rows``, by index; a row may be named more than once."""

    def pick(tensors: list[torch.Tensor]) -> torch.Tensor:
        return tensors[0].index_select(0, rows)

    return _rebuild([cache], pick, pick)


def split(cache: Cache, lengths: Sequence[int]) -> list[Cache]:
    """Return each row's cache, of ``lengths`` tokens, without the padding on its left.

    Every one is a copy, so that none keeps the tensors of the whole batch alive.
    """

    def row(index: int, length: int) -> Cache:
        return _rebuild(
            [cache],
            lambda t: t[0][index : index + 1, :, t[0].shape[-2] - length :].clone(),
            lambda t: t[0][index : index + 1].clone(),
        )

    return [row(index, length) for index, length in enumerate(lengths)]


def _expand(cache: Cache, rows: int) -> Cache:
    # Attention grows by concatenation and may look at one copy; Mamba writes into its state.
    return _rebuild(
        [cache], lambda t: t[0].expand(rows, -1, -1, -1), lambda t: t[0].repeat_interleave(rows, 0)
    )


def _cat_padded(tensors: list[torch.Tensor]) -> torch.Tensor:
    width = max(tensor.shape[-2] for tensor in tensors)
    return torch.cat([pad(t, (0, 0, width - t.shape[-2], 0)) for t in tensors])


def _nothing_like(state: PromptState) -> PromptState:
    # A recurrent layer starts from zeros, and so does its convolution window.
    cache = _rebuild([state.cache], lambda t: t[0][..., :0, :], lambda t: torch.zeros_like(t[0]))
    return PromptState(cache, 0)


def _rebuild(caches: Sequence[Cache], attention: _Join, recurrent: _Join) -> Cache:
    made = copy.copy(caches[0])
    layers = zip(*(cache.layers for cache in caches), strict=True)
    made.layers = [_rebuild_layer(same, attention, recurrent) for same in layers]
    return made


def _rebuild_layer(layers: Sequence[Any], attention: _Join, recurrent: _Join) -> Any:
    made = copy.copy(layers[0])
    if isinstance(made, DynamicLayer):
        made.keys = attention([layer.keys for layer in layers])
        made.values = attention([layer.values for layer in layers])
        return made
    made.has_previous_state = dict(made.has_previous_state)
    for name in _STATES:
        states = [getattr(layer, name) for layer in layers]
        parts = {i: [state[i] for state in states] for i in states[0]}
        # A layer that is a convolution alone has no recurrent state.
        setattr(made, name, {i: p[0] if p[0] is None else recurrent(p) for i, p in parts.items()})
    return made


def _tensors(cache: Cache) -> Iterator[torch.Tensor]:
    for layer in cache.layers:
        yield from filter(torch.is_tensor, _held(layer))


def _held(layer: Any) -> list[torch.Tensor | None]:
    if isinstance(layer, DynamicLayer):
        return [layer.keys, layer.values]
    return [state for name in _STATES for state in getattr(layer, name).values()]
