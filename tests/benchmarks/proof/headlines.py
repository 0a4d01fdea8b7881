"""Checks the headline of a run against the label scores.

The verdict is computed from ``predictions.jsonl`` in another way than in the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from tunesmith.evaluation.statistics import ALPHA, holm, mcnemar_exact
from tunesmith.records import Prediction

Finding = Literal["established", "nothing shown", "worse"]
Right = Sequence[bool]

CLAIMS: Sequence[tuple[str, Finding]] = (
    (r"established", "established"),
    (r"wrong direction", "worse"),
    (r"not worth it: .* beats the ", "worse"),
    (r"", "nothing shown"),
)
"""The claim of a headline by its beginning. The first match counts."""
NO_CLAIM = ("measured", "a difference of format")
"""Headlines that claim nothing about the task."""


def right_by_scores(predictions: Sequence[Prediction]) -> list[bool] | None:
    """Return for each row whether its most probable label is right; None without label scores."""
    if not all(p.probabilities for p in predictions):
        return None
    return [_most_probable(p) == p.expected for p in sorted(predictions, key=lambda p: p.row)]


def right(predictions: Sequence[Prediction]) -> list[bool]:
    """Return for each row whether the label that was recorded is right."""
    return [p.label == p.expected for p in sorted(predictions, key=lambda p: p.row)]


def _most_probable(prediction: Prediction) -> str:
    shares = prediction.probabilities or {}
    return max(shares, key=lambda label: shares[label])


def p_values(own: Right, rivals: Mapping[str, Right]) -> dict[str, float]:
    """Return Holm's p of the exact McNemar test against each rival."""
    raw = [mcnemar_exact(*_only(own, rival)) for rival in rivals.values()]
    return dict(zip(rivals, holm(raw), strict=True))


def finding(own: Right, rivals: Mapping[str, Right]) -> Finding:
    """Return the verdict of the rows on a model compared with the best of others."""
    shown = {name for name, p in p_values(own, rivals).items() if p < ALPHA}
    ahead = {name for name in shown if sum(own) > sum(rivals[name])}
    if shown - ahead:
        return "worse"
    return "established" if rivals and len(ahead) == len(rivals) else "nothing shown"


def overturned(headline: str, own: Right, rivals: Mapping[str, Right]) -> str | None:
    """Return why the label scores contradict ``headline``; None if they do not.

    Args:
        headline: the first line of a report.
        own: rows on which the run's own model is right by label scores.
        rivals: the same for majority, TF-IDF and the untuned model.
    """
    claim, shown = claimed(headline), finding(own, rivals)
    if claim in (None, shown):
        return None
    scores = ", ".join(f"{name} {sum(rows)}" for name, rows in rivals.items())
    return f"it claims {claim!r}; by label scores {shown!r}: {sum(own)} right against {scores}"


def claimed(headline: str) -> Finding | None:
    """Return the claim of a headline; None if it claims nothing about the task."""
    plain = headline.lower()
    if plain.startswith(NO_CLAIM):
        return None
    return next(claim for pattern, claim in CLAIMS if re.match(pattern, plain))


def _only(first: Right, second: Right) -> tuple[int, int]:
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
