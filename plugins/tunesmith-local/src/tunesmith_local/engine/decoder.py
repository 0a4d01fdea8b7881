"""Next-token scores, step by step, with the model's own cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch.nn import functional
from transformers import Cache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from tunesmith_local.engine.batching import Batch, key_values, pad, with_key_values
from tunesmith_local.engine.forward_pass import causal_mask, forward_pass
from tunesmith_local.engine.mixing import Line, Part, lay_out_mixed
from tunesmith_local.engine.prefix import join, select
from tunesmith_local.engine.scoring import decoder_start
from tunesmith_local.engine.shared_prefix import extended_nodes, node_places, trie_nodes
from tunesmith_local.model.loading import BaseLM


class CausalDecoder:
    """Reads a batch of prompts, then one token of each row at a time."""

    def __init__(self, base: BaseLM, parts: Sequence[Part]) -> None:
        """Take the rows as they were laid out; see :func:`start_mixed_decoder`."""
        self._base = base
        self._parts = parts
        masks = [part.batch.attention_mask for part in parts]
        width = max(mask.shape[1] for mask in masks)
        order = torch.tensor([row for part in parts for row in part.rows], device=base.device)
        self._places = order.argsort()
        filled = [functional.pad(mask, (width - mask.shape[1], 0)) for mask in masks]
        self._mask = torch.cat(filled)[self._places]
        self._next_position = self._mask.sum(-1, keepdim=True)
        self._cache: Any = None

    def first(self) -> torch.Tensor:
        """Read the prompts and return the scores of the first new token, ``[rows, vocab]``."""
        read = [forward_pass(self._base, p.batch, 1, use_cache=True) for p in self._parts]
        scores, self._cache = read[0][0][:, 0], read[0][1]
        if len(read) > 1:
            caches = [cast("Cache", cache) for _, cache in read]
            self._cache = select(join(caches), self._places)
            scores = torch.cat([logits[:, 0] for logits, _ in read])[self._places]
        return scores

    def next(self, tokens: Sequence[int]) -> torch.Tensor:
        """Read one token for each row and return the scores of the one after."""
        ids = torch.tensor(tokens, device=self._mask.device)[:, None]
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=-1)
        position, self._next_position = self._next_position, self._next_position + 1
        out = self._base.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=position,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._cache = out.past_key_values
        scores: torch.Tensor = out.logits[:, -1]
        return scores

    @property
    def reads_branches(self) -> bool:
        """Whether :meth:`branches` can be asked, and what a :meth:`fork` shares is read once."""
        return self._base.packing_exact and len(self._parts) == 1

    def branches(self, paths: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Read the prompts and, side by side behind each, ``paths``, in one pass.

        Every path sees the text and itself alone. There is no going on from here.

        Returns:
            What :meth:`first` and then :meth:`fork` return.
        """
        text, beside = self._parts[0].batch, self._beside(paths)
        width = text.inputs_embeds.shape[1]
        joined = Batch(
            torch.cat([text.inputs_embeds, beside.inputs_embeds], dim=1),
            beside.attention_mask,
            torch.cat([text.position_ids, beside.position_ids], dim=-1),
            text.cache,
            beside.trie_nodes,
        )
        mask = branching(text.attention_mask, width, trie_nodes(paths))
        keep = beside.inputs_embeds.shape[1] + 1
        logits, _ = forward_pass(self._base, joined, keep, use_cache=False, mask=mask)
        return logits[:, 0], logits[:, 1:]

    def fork(self, paths: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read each of ``paths`` behind each row; the rows themselves do not advance.

        Returns:
            Scores behind each node of the paths, numbered by ``shared_prefix.trie_nodes``,
            ``[rows, nodes, vocab]``.
        """
        return self._fork_beside(paths) if self.reads_branches else self._fork_copies(paths)

    def _beside(self, paths: Sequence[Sequence[int]]) -> Batch:
        """Lay out the nodes of ``paths`` behind each row; mask and trie nodes cover the row too."""
        (part,) = self._parts
        read = [(paths[path][depth], depth) for path, depth in node_places(paths)]
        ids, depths = torch.tensor(read, device=self._mask.device).T
        rows, shared = len(self._mask), part.batch.trie_nodes
        return Batch(
            self._base.embeddings(ids).expand(rows, -1, -1),
            torch.cat([self._mask, self._mask.new_ones(rows, len(ids))], dim=-1),
            self._next_position + depths,
            trie_nodes=None if shared is None else extended_nodes(shared, len(ids)),
        )

    def _fork_beside(self, paths: Sequence[Sequence[int]]) -> torch.Tensor:
        beside = self._beside(paths)
        nodes = beside.inputs_embeds.shape[1]
        behind = Batch(
            beside.inputs_embeds,
            beside.attention_mask,
            beside.position_ids,
            # Views: attention grows by concatenation and leaves the rows as they are.
            with_key_values(self._cache, key_values(self._cache)),
            None if beside.trie_nodes is None else beside.trie_nodes[:, -nodes:],
        )
        mask = branching(self._mask, 0, trie_nodes(paths))
        logits, _ = forward_pass(self._base, behind, nodes, use_cache=False, mask=mask)
        return logits

    def _fork_copies(self, paths: Sequence[Sequence[int]]) -> torch.Tensor:
        # Padding on the right: nothing that counts comes after it.
        ids, _ = pad(paths, max(map(len, paths)), self._base.pad_id, left=False)
        ids = ids.to(self._mask.device)
        lines = _forked(len(self._mask), len(paths), ids.device)
        mask = self._mask[lines]
        out = self._base.model(
            input_ids=ids.repeat(len(self._mask), 1),
            attention_mask=torch.cat([mask, mask.new_ones(len(mask), ids.shape[1])], dim=-1),
            position_ids=self._next_position[lines] + torch.arange(ids.shape[1], device=ids.device),
            past_key_values=select(self._cache, lines),
            use_cache=True,
        )
        return _at_nodes(out.logits, paths)


class Seq2SeqDecoder:
    """Encodes a batch of prompts, then decodes one token of each row at a time."""

    def __init__(self, base: BaseLM, batch: Batch) -> None:
        """Run the encoder."""
        self._base = base
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

    reads_branches = False

    def branches(self, paths: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Refuse, because each path needs a new decoder."""
        raise NotImplementedError

    def fork(self, paths: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read each of ``paths`` behind each row; see :meth:`CausalDecoder.fork`."""
        ids, _ = pad(paths, max(map(len, paths)), self._base.pad_id, left=False)
        lines = _forked(len(self._mask), len(paths), self._mask.device)
        encoded = BaseModelOutput(last_hidden_state=self._encoded[0][lines])
        halves = (self._cache.self_attention_cache, self._cache.cross_attention_cache)
        out = self._base.model(
            encoder_outputs=encoded,
            attention_mask=self._mask[lines],
            decoder_input_ids=ids.to(self._mask.device).repeat(len(self._mask), 1),
            past_key_values=EncoderDecoderCache(*(select(half, lines) for half in halves)),
            use_cache=True,
        )
        return _at_nodes(out.logits, paths)


Decoder = CausalDecoder | Seq2SeqDecoder


def start_mixed_decoder(base: BaseLM, lines: Sequence[Line]) -> Decoder:
    """Return the decoder that fits the base model, for rows with different prompts."""
    parts = lay_out_mixed(base, lines)
    return Seq2SeqDecoder(base, parts[0].batch) if base.is_seq2seq else CausalDecoder(base, parts)


def branching(seen: torch.Tensor, width: int, nodes: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return which keys each query sees if paths are read side by side behind a text.

    Args:
        seen: the mask of what was read before and of the text, ``[rows, before + width]``.
        width: of the text, padding included; 0 if it was read before.
        nodes: the number of each token of each path; see ``shared_prefix.trie_nodes``.

    Returns:
        bool, ``[rows, 1, width + all nodes, before + width + all nodes]``.
    """
    (rows, keys), count = seen.shape, 1 + max(map(max, nodes))
    tree = torch.zeros(count, count, dtype=torch.bool)
    for path in nodes:
        for depth, node in enumerate(path):
            tree[node, list(path[: depth + 1])] = True
    mask = seen.new_zeros(rows, 1, width + count, keys + count, dtype=torch.bool)
    mask[:, :, :width, :keys] = causal_mask(seen, width)
    mask[:, :, width:, :keys] = seen[:, None, None].bool()
    mask[:, :, width:, keys:] = tree.to(seen.device)
    return mask


def _at_nodes(scores: torch.Tensor, paths: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return ``[rows, nodes, vocab]`` of ``[rows * paths, longest path, vocab]``."""
    width = scores.shape[1]
    read = [path * width + depth for path, depth in node_places(paths)]
    places = torch.tensor(read, device=scores.device)
    return scores.view(-1, len(paths) * width, scores.shape[2])[:, places]


def _forked(rows: int, paths: int, device: torch.device) -> torch.Tensor:
    return torch.arange(rows, device=device).repeat_interleave(paths)
