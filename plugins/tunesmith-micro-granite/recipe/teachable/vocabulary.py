"""A part of SmolLM2's vocabulary, with the vectors that SmolLM2 learned for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from recipe.tokenizer import SPECIAL_TOKENS, wrap

__all__ = ["Vocabulary", "read_vocabulary"]

WORD = re.compile(r"Ġ[a-z]+")
# Of other tokens only early ones: capitals, parts of words, line ends, short runs of punctuation.
OTHER = re.compile(r"Ġ?[A-Za-z]+|Ċ+|Ġ?'[a-z]+|[!-/:-@\[-`{-~]{2,3}|Ġ[!-/:-@\[-`{-~]{1,2}|ĠĠ")
EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and what SmolLM2 learned about them.

    Attributes:
        tokenizer: Byte-level BPE, special tokens first.
        features: One unit vector a token, float32 ``[tokens, 576]``; 0 for the special tokens.
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
    return Vocabulary(_tokenizer(tokens, merges), _features(place, model["vocab"], tokens))


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


def _features(place: Path, numbers: dict[str, int], tokens: list[str]) -> torch.Tensor:
    with safe_open(place / "model.safetensors", "pt") as file:
        rows = file.get_tensor(EMBEDDING).float()
    centered = rows - rows.mean(0)
    found = torch.zeros(len(tokens), rows.shape[1])
    for place_of, token in enumerate(tokens):
        if token in numbers:
            found[place_of] = torch.nn.functional.normalize(centered[numbers[token]], dim=0)
    found[: len(SPECIAL_TOKENS)] = 0
    return found
