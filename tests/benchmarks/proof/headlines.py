"""Would someone who holds the label scores of a run overturn its headline?

The verdict is computed anew from ``predictions.jsonl``, by another way than the report's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tunesmith.records import Prediction
from tunesmith.statistics import ALPHA, holm, mcnemar_exact

Finding = Literal["established", "nothing shown", "worse"]
Right = Sequence[bool]

CLAIMS: Mapping[str, Finding] = {
    "established": "established",
    "not worth it": "worse",
    "wrong direction": "worse",
}
"""What the first words of a headline claim; all others claim that nothing was shown."""


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
    """Return what the rows show of a model against the best of others."""
    shown = {name for name, p in p_values(own, rivals).items() if p < ALPHA}
    ahead = {name for name in shown if sum(own) > sum(rivals[name])}
    if shown - ahead:
        return "worse"
    return "established" if rivals and len(ahead) == len(rivals) else "nothing shown"


def overturned(lead: str, own: Right, rivals: Mapping[str, Right]) -> str | None:
    """Return why the headline that begins with ``lead`` would be overturned, None if it stands.

    Args:
        lead: the first words of the headline.
        own: rows on which the run's own model is right by label scores.
        rivals: the same for majority, TF-IDF and the untuned model.
    """
    claim, shown = claimed(lead), finding(own, rivals)
    if claim == shown or (claim == "nothing shown" and shown == "worse" and not _tuned(lead)):
        return None
    scores = ", ".join(f"{name} {sum(rows)}" for name, rows in rivals.items())
    return f"it claims {claim!r}; by label scores {shown!r}: {sum(own)} right against {scores}"


def claimed(lead: str) -> Finding:
    """Return what the first words of a headline claim."""
    plain = lead.lower().rstrip(".: ")
    return next((claim for start, claim in CLAIMS.items() if plain.startswith(start)), _NOTHING)


_NOTHING: Finding = "nothing shown"


def _tuned(lead: str) -> bool:
    # "Measured" claims nothing about others.
    return not lead.lower().startswith("measured")


def _only(first: Right, second: Right) -> tuple[int, int]:
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
