"""How probable each answer is behind each input: one reading of the inputs for all answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tunesmith.records import Classification
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line, check_lengths, line_of, mixed_batches
from tunesmith_local.serving.answering import Answering


@torch.no_grad()
def log_probs(
    who: Answering, inputs: Sequence[str], texts: Sequence[str], batch_size: int
) -> torch.Tensor:
    """Return the natural log-probability of each answer behind each input.

    Args:
        who: answers.
        inputs: without the template.
        texts: of the answers.
        batch_size: rows that are read at once, at most.

    Returns:
        float64 ``[inputs, texts]``, on the CPU.
    """
    answers = who.answers(texts)
    places = [answers.texts.index(text) for text in texts]
    scores = torch.zeros(len(inputs), len(texts), dtype=torch.float64)
    # Inputs that end alike are continued by the same tokens.
    groups: dict[tuple[tuple[int, ...], ...], dict[int, Line]] = {}
    for index, text in enumerate(inputs):
        continued = answers.behind(who.prompt(text))
        own = tuple(continued.answers[place] for place in places)
        line = line_of(who.soft_prompt, continued.prompt)
        groups.setdefault(own, {})[index] = line
    for own, lines in groups.items():
        scores[list(lines)] = _scores(who, list(lines.values()), own, batch_size).double()
    return scores


def classifications(labels: Sequence[str], scores: torch.Tensor) -> list[Classification]:
    """Return the probabilities over ``labels`` from log-probabilities, ``[rows, labels]``."""
    shares, masses = scores.softmax(-1).tolist(), scores.exp().sum(-1).tolist()
    return [
        Classification(probabilities=dict(zip(labels, share, strict=True)), mass=mass)
        for share, mass in zip(shares, masses, strict=True)
    ]


def _scores(
    who: Answering, lines: Sequence[Line], answers: Sequence[tuple[int, ...]], batch_size: int
) -> torch.Tensor:
    check_lengths(who.base, lines, max(map(len, answers), default=0) - 1)
    scores = torch.zeros(len(lines), len(answers))
    for batch, part in mixed_batches(who.base, lines, batch_size):
        decoder = start_mixed_decoder(who.base, part)
        scores[batch] = label_log_probs(decoder, len(batch), answers)
    return scores
