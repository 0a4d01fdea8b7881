"""Next-token scores, step by step, with the model's own cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tunesmith_local.batching import lay_out
from tunesmith_local.loading import BaseLM
from tunesmith_local.scoring import decoder_start


class CausalDecoder:
    """Reads a batch of prompts, then one token of each row at a time."""

    def __init__(
        self, base: BaseLM, prompt: torch.Tensor | None, rows: Sequence[Sequence[int]]
    ) -> None:
        """Lay out the rows; see :func:`tunesmith_local.batching.lay_out`."""
        self._base = base
        self._batch = lay_out(base, rows, prompt)
        self._mask = self._batch.attention_mask
        self._next_position = self._batch.position_ids[:, -1:] + 1
        self._cache: Any = self._batch.cache

    def first(self) -> torch.Tensor:
        """Read the prompts and return the scores of the first new token, ``[rows, vocab]``."""
        batch = self._batch
        return self._forward(inputs_embeds=batch.inputs_embeds, position_ids=batch.position_ids)

    def next(self, tokens: Sequence[int]) -> torch.Tensor:
        """Read one token for each row and return the scores of the one after."""
        ids = torch.tensor(tokens, device=self._mask.device)[:, None]
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=-1)
        position, self._next_position = self._next_position, self._next_position + 1
        return self._forward(input_ids=ids, position_ids=position)

    def _forward(self, **inputs: Any) -> torch.Tensor:
        out = self._base.model(
            attention_mask=self._mask,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            **inputs,
        )
        self._cache = out.past_key_values
        scores: torch.Tensor = out.logits[:, -1]
        return scores


class Seq2SeqDecoder:
    """Encodes a batch of prompts, then decodes one token of each row at a time."""

    def __init__(
        self, base: BaseLM, prompt: torch.Tensor | None, rows: Sequence[Sequence[int]]
    ) -> None:
        """Lay out the rows and run the encoder."""
        self._base = base
        batch = lay_out(base, rows, prompt)
        self._mask = batch.attention_mask
        self._encoded = base.model.get_encoder()(
            inputs_embeds=batch.inputs_embeds, attention_mask=batch.attention_mask
        )
        self._cache: Any = None

    def first(self) -> torch.Tensor:
        """Return the scores of the first new token, ``[rows, vocab]``."""
        return self.next([decoder_start(self._base)] * len(self._mask))

    def next(self, tokens: Sequence[int]) -> torch.Tensor:
        """Read one token for each row and return the scores of the one after."""
        out = self._base.model(
            encoder_outputs=self._encoded,
            attention_mask=self._mask,
            decoder_input_ids=torch.tensor(tokens, device=self._mask.device)[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = out.past_key_values
        scores: torch.Tensor = out.logits[:, -1]
        return scores


def start_decoder(
    base: BaseLM, prompt: torch.Tensor | None, rows: Sequence[Sequence[int]]
) -> CausalDecoder | Seq2SeqDecoder:
    """Return the decoder that fits the base model."""
    kind = Seq2SeqDecoder if base.is_seq2seq else CausalDecoder
    return kind(base, prompt, rows)
