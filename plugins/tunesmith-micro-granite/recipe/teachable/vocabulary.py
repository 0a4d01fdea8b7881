"""A part of SmolLM2's vocabulary, with what SmolLM2 and MiniLM learned about its tokens."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import nn
from transformers import PreTrainedTokenizerFast

from recipe.teachable.meanings import meanings
from recipe.tokenizer import SPECIAL_TOKENS, wrap

__all__ = ["Vocabulary", "components", "read_vocabulary"]

WORD = re.compile(r"Ġ[a-z]+")
# Of other tokens only early ones: capitals, parts of words, line ends, short runs of punctuation.
OTHER = re.compile(r"Ġ?[A-Za-z]+|Ċ+|Ġ?'[a-z]+|[!-/:-@\[-`{-~]{2,3}|Ġ[!-/:-@\[-`{-~]{1,2}|ĠĠ")
EMBEDDING = "model.embed_tokens.weight"
FEATURES = 512  # kept of 576 and 384; they hold 0.85 of the variance


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and what others learned about them.

    Attributes:
        tokenizer: Byte-level BPE, special tokens first.
        features: Of each token, float32 ``[tokens, 512]``: the principal components of SmolLM2's
            input vectors and of MiniLM's embeddings of the tokens as texts, both of length 1 and
            with the same weight. 0 for the special tokens.
    """

    tokenizer: PreTrainedTokenizerFast
    features: torch.Tensor


def read_vocabulary(place: Path, early: int) -> Vocabulary:
    """Take every lower-case word of SmolLM2, its parts, and other tokens of the early merges.

    Args:
        place: Folder of SmolLM2 with `tokenizer.json` and `model.safetensors`.
        early: Merges of SmolLM2 that count as early.

    Returns:
        The vocabulary. It depends on the two files and on `early` only.
    """
    model = json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = _merges([(left, right) for left, right in model["merges"]], early)
    tokens = [*SPECIAL_TOKENS, *alphabet, *(left + right for left, right in merges)]
    tokenizer = _tokenizer(tokens, merges)
    vectors = _input_vectors(place, model["vocab"], tokens), meanings(tokenizer)
    both = torch.cat([_centered(found) for found in vectors], dim=1)
    return Vocabulary(tokenizer, both @ components(both, FEATURES))


def _merges(listed: list[tuple[str, str]], early: int) -> list[tuple[str, str]]:
    """The merges of the wanted tokens and of their parts, in SmolLM2's order."""
    parts: dict[str, tuple[str, str]] = {}
    for left, right in listed:
        parts.setdefault(left + right, (left, right))
    left_to_do = [token for token in parts if WORD.fullmatch(token)]
    left_to_do += [left + right for left, right in listed[:early] if OTHER.fullmatch(left + right)]
    kept: set[str] = set()
    while left_to_do:
        token = left_to_do.pop()
        if token in parts and token not in kept:
            kept.add(token)
            left_to_do.extend(parts[token])
    return [pair for token, pair in parts.items() if token in kept]


def _tokenizer(tokens: list[str], merges: list[tuple[str, str]]) -> PreTrainedTokenizerFast:
    numbers = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return wrap(tokenizer)


def _input_vectors(place: Path, numbers: dict[str, int], tokens: list[str]) -> torch.Tensor:
    """SmolLM2's vectors; 0 for a token that it does not have."""
    with safe_open(place / "model.safetensors", "pt") as file:
        rows = file.get_tensor(EMBEDDING).float()
    found = torch.zeros(len(tokens), rows.shape[1])
    for number, token in enumerate(tokens):
        if number >= len(SPECIAL_TOKENS) and token in numbers:
            found[number] = rows[numbers[token]]
    return found


def _centered(vectors: torch.Tensor) -> torch.Tensor:
    """Directions from the mean; a vector of zeros stays what it is."""
    there = vectors.any(dim=1, keepdim=True)
    mean = vectors.sum(0) / there.sum()
    return nn.functional.normalize(torch.where(there, vectors - mean, 0.0), dim=1)


def components(features: torch.Tensor, width: int) -> torch.Tensor:
    """The directions of most variance, ``[features, width]``; their signs are made definite."""
    centered = features - features.mean(0)
    _, vectors = torch.linalg.eigh(centered.T @ centered)
    found = vectors.flip(1)[:, :width]
    largest = found.abs().argmax(0)
    signs = found[largest, torch.arange(found.shape[1])].sign()
    # eigh lays its result out by columns. A checkpoint is read by rows, and the fused AdamW needs
    # one layout for a parameter and its moments.
    directions: torch.Tensor = (found * signs).contiguous()
    return directions
