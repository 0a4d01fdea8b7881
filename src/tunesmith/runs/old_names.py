"""Facts about methods that records of the first releases leave out: they hold the name alone.

Only old files need this table. New records hold the facts, which plugins give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.hookspecs import Artifact, MethodEntry

_PROBE = (
    "This folder holds the probe alone: a logistic regression on the base model's hidden states. "
    "The base model is needed beside it."
)
_SUFFIX = (
    "This folder holds the soft prompt alone, which is used behind the text; the base model is "
    "needed beside it."
)
_WHOLE = "This folder holds the whole model, tokenizer included."

OLD_METHODS = {
    entry.name: entry
    for entry in (
        MethodEntry("majority", "", "", "constant"),
        MethodEntry(
            "tfidf_logreg", "", "", "classifier",
            title="TF-IDF", long_title="TF-IDF with logistic regression",
        ),
        MethodEntry("linear_probe", "", "", "classifier", artifact=Artifact("tunesmith", _PROBE)),
        MethodEntry("fine_tuning", "", "", "weights", artifact=Artifact("transformers", _WHOLE)),
    )
}  # fmt: skip


def old_artifact(method: Mapping[str, Any]) -> Artifact | None:
    """Return the files of a model tuned by ``method``, settings included; None: not listed."""
    if method.get("prompt_position") == "suffix":
        return Artifact("tunesmith", _SUFFIX)
    entry = OLD_METHODS.get(method["name"])
    return entry.artifact if entry else None
