"""KV caches or states of texts that come before a soft prompt.

With the soft prompt behind the text, the state of the text does not depend on the prompt. One state
serves every epoch of a training, other trainings and all deployments over the same base model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from tunesmith_local.engine.batching import by_length, pad, worth_a_pass
from tunesmith_local.engine.prefix import PromptState, split
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.model.loading import BaseLM

Text: TypeAlias = tuple[int, ...]
"""Token ids, at least one."""
TextCache: TypeAlias = StateCache[tuple[BaseLM, Text]]


class TextReader:
    """Returns the states of texts in one training or call, read or from the cache.

    Args:
        base: the base model; its ``text_exact`` must hold.
        cache: keeps the states.
        alone: read every text alone. The last bits of a state depend on the shape of the batch
            in which it was read. A training that was killed and resumed, with other texts in the
            cache, is therefore only repeated bit for bit with this setting.
    """

    def __init__(self, base: BaseLM, cache: TextCache, *, alone: bool) -> None:
        self._base = base
        self._cache = cache
        self._alone = alone
        self._scan = cache.scan()
        self._nbytes: dict[Text, int] = {}

    @property
    def kept_bytes(self) -> int:
        """Bytes of the states of this reader's texts that were kept when it last read them."""
        return sum(self._nbytes.values())

    @property
    def not_kept(self) -> int:
        """The number of distinct texts that did not fit."""
        return sum(nbytes == 0 for nbytes in self._nbytes.values())

    @torch.no_grad()
    def states(self, texts: Sequence[Text]) -> list[PromptState]:
        """Return the state of each text; equal texts share one object."""
        distinct = list(dict.fromkeys(texts))
        states = {text: state for text in distinct if (state := self._find(text)) is not None}
        for batch in self._batches([text for text in distinct if text not in states]):
            for text, state in zip(batch, read_texts(self._base, batch), strict=True):
                kept = self._cache.keep((self._base, text), state, self._scan)
                self._nbytes[text] = state.nbytes if kept else 0
                states[text] = state
        return [states[text] for text in texts]

    def _find(self, text: Text) -> PromptState | None:
        state = self._cache.find((self._base, text), self._scan)
        if state is None or (self._alone and not state.read_alone):
            return None
        self._nbytes[text] = state.nbytes
        return state

    def _batches(self, texts: Sequence[Text]) -> Iterator[list[Text]]:
        # Keys and values of padding are cut off again; a recurrent state would count it.
        equal_only = not self._base.prefix_exact
        size = 1 if self._alone else max(1, len(texts))
        lengths, a_pass = [len(text) for text in texts], worth_a_pass(self._base.device)
        for batch in by_length(lengths, size, a_pass, equal_only=equal_only):
            yield [texts[i] for i in batch]


@dataclass(frozen=True, eq=False)
class Suffix:
    """A soft prompt behind the text."""

    weights: torch.Tensor
    """``[num_virtual_tokens, hidden_size]``."""
    texts: TextReader

    def __len__(self) -> int:
        """Return the number of virtual tokens."""
        return len(self.weights)


@torch.no_grad()
def read_texts(base: BaseLM, texts: Sequence[Text]) -> list[PromptState]:
    """Read texts in one batch and return the state of each; ``base.text_exact`` must hold."""
    ids, mask = pad(texts, max(map(len, texts)), base.pad_id, left=True)
    ids, mask = ids.to(base.device), mask.to(base.device)
    # Nobody asks for the token after the text, so the vocabulary head does not run.
    out = base.model.base_model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=True,
    )
    lengths = [len(text) for text in texts]
    caches = split(out.past_key_values, lengths)
    states = [PromptState(c, n) for c, n in zip(caches, lengths, strict=True)]
    return [replace(state, read_alone=len(texts) == 1) for state in states]
