"""The next token of each row: greedy, or drawn with a generator of the row's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tunesmith.spec import GenerationParams

COLDEST = 1e-5
"""A lower temperature is greedy decoding; divided by it, scores would exceed float32."""


@dataclass(frozen=True)
class Decoding:
    """The settings for choosing a token, with watsonx.ai's defaults."""

    sample: bool = False
    max_new_tokens: int = 20
    min_new_tokens: int = 0
    stop_sequences: tuple[str, ...] = ()
    include_stop_sequence: bool = True
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    decay_factor: float = 1.0
    decay_start: int = 0
    random_seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    """By token id."""
    time_limit: int | None = None
    """Milliseconds."""

    @staticmethod
    def of(params: GenerationParams) -> Decoding:
        """Fill in the defaults."""
        names = set(Decoding.__dataclass_fields__)
        given = {name: value for name, value in params.asked().items() if name in names}
        penalty = params.length_penalty or {}
        return Decoding(
            sample=params.decoding_method == "sample",
            decay_factor=penalty.get("decay_factor", 1.0),
            decay_start=int(penalty.get("start_index", 0)),
            **given,
        )


def row_generators(decoding: Decoding, texts: Sequence[str]) -> list[torch.Generator] | None:
    """Return a random generator for each row, or None for greedy decoding.

    With ``random_seed`` it depends only on the seed and the prompt of the row, so neither the
    batch nor the order of the rows changes what a row draws.
    """
    if not decoding.sample:
        return None
    if decoding.random_seed is None:
        return [_fresh() for _ in texts]
    return [torch.Generator().manual_seed(_seed(decoding.random_seed, text)) for text in texts]


def _fresh() -> torch.Generator:
    generator = torch.Generator()
    generator.seed()
    return generator


def _seed(seed: int, text: str) -> int:
    digest = hashlib.sha256(f"{seed}\x00{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def penalize(
    scores: torch.Tensor, generated: Sequence[Sequence[int]], decoding: Decoding, ends: list[int]
) -> torch.Tensor:
    """Return ``[rows, vocab]`` float32 scores after penalties and the minimum length.

    The penalties look at generated tokens, not at the prompt. That for repetition is a factor
    (Keskar et al. 2019); those for frequency and presence are subtracted, as OpenAI does. The
    length penalty multiplies the end tokens' scores as transformers'
    ``ExponentialDecayLengthPenalty`` does.
    """
    scores = scores.float().clone()
    count = len(generated[0])
    seen = torch.tensor([list(row) for row in generated], device=scores.device, dtype=torch.long)
    if decoding.repetition_penalty != 1.0 and count:
        picked = scores.gather(1, seen)
        factor = decoding.repetition_penalty
        scores.scatter_(1, seen, torch.where(picked < 0, picked * factor, picked / factor))
    if (decoding.frequency_penalty or decoding.presence_penalty) and count:
        counts = torch.zeros_like(scores).scatter_add_(1, seen, torch.ones_like(seen).float())
        scores -= counts * decoding.frequency_penalty
        scores -= (counts > 0) * decoding.presence_penalty
    for token, bias in decoding.logit_bias.items():
        scores[:, token] += bias
    if decoding.decay_factor != 1.0 and count > decoding.decay_start:
        growth = decoding.decay_factor ** (count - decoding.decay_start) - 1
        scores[:, ends] += scores[:, ends].abs() * growth
    if count < decoding.min_new_tokens:
        scores[:, ends] = -torch.inf
    return scores


def choose(
    scores: torch.Tensor, decoding: Decoding, generators: Sequence[torch.Generator] | None
) -> list[int]:
    """Return the next token of each row from ``[rows, vocab]`` scores.

    Each row draws one uniform number and inverts its own cumulative distribution.
    """
    if generators is None or decoding.temperature < COLDEST:
        return [int(token) for token in scores.argmax(-1)]
    probabilities = torch.softmax(_warp(scores, decoding), dim=-1).double()
    draws = torch.cat([torch.rand(1, generator=g, dtype=torch.float64) for g in generators])
    sums = probabilities.cumsum(-1)
    wanted = draws.to(sums.device)[:, None] * sums[:, -1:]
    chosen = torch.searchsorted(sums, wanted, right=True).squeeze(-1)
    return [int(token) for token in chosen.clamp(max=scores.shape[-1] - 1)]


def _warp(scores: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    ids = torch.empty((len(scores), 0), dtype=torch.long)
    if decoding.temperature != 1.0:
        scores = TemperatureLogitsWarper(float(decoding.temperature))(ids, scores)
    if decoding.top_k is not None:
        scores = TopKLogitsWarper(decoding.top_k)(ids, scores)
    if decoding.top_p < 1.0:
        scores = TopPLogitsWarper(decoding.top_p)(ids, scores)
    return scores
