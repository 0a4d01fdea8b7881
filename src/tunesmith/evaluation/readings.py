"""Two readings of an answer: the most probable label, and the label that the model wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith.errors import PredictionError, RunError, UnsupportedError
from tunesmith.records import Classification, Prediction, Reading

if TYPE_CHECKING:
    from tunesmith.backend import Capabilities
    from tunesmith.methods import Method

READINGS: tuple[Reading, ...] = ("decision", "text")


def chosen_reading(
    asked: Reading | None, method: Method, capabilities: Capabilities, backend: str
) -> Reading:
    """Return the reading on which the verdict of a run is based.

    A decision if every model of the run has label scores, else text.

    Raises:
        UnsupportedError: a decision was asked for, and a model lacks label scores.
    """
    lacking = _without_scores(method, capabilities)
    if asked == "decision" and lacking:
        raise UnsupportedError(
            f"answer: decision needs label scores, and backend {backend!r} has none for the "
            f"{lacking}; set answer: text, or take another backend"
        )
    return asked or ("text" if lacking else "decision")


def _without_scores(method: Method, capabilities: Capabilities) -> str:
    if method.tunes and not capabilities.label_scores:
        return "tuned model"
    if capabilities.base_inference and not capabilities.base_label_scores:
        return "untuned model"
    # If only the service renders a conversation, there is no prompt to score a label after.
    return "" if method.tunes or capabilities.base_label_scores else "untuned model"


def held(predictions: Sequence[Prediction]) -> list[Reading]:
    """Return the readings that all of ``predictions`` support, a decision first."""
    return [answer for answer in READINGS if all(p.read_as(answer) for p in predictions)]


def common_reading(sides: Sequence[Sequence[Prediction]], asked: Reading | None = None) -> Reading:
    """Return the reading in which all ``sides`` can be compared.

    It is the one in which all were judged. If they differ, it is a decision if all hold it, else
    text.

    Raises:
        RunError: not all hold the reading that is asked for, or they have none in common.
    """
    both = [answer for answer in READINGS if all(answer in held(side) for side in sides)]
    if asked is not None and asked not in both:
        raise RunError(
            f"cannot compare: not every model has the reading {asked!r}; "
            + (f"take {both[0]!r}" if both else "run them again with the same answer")
        )
    judged = {p.answer for side in sides for p in side}
    if asked is None and len(judged) == 1:
        return judged.pop()
    if not both:
        raise RunError(
            "cannot compare: no reading is common to all; run them again with the same answer"
        )
    return asked or both[0]


def read_as(predictions: Sequence[Prediction], answer: Reading) -> list[Prediction]:
    """Return the predictions in the reading ``answer``.

    Raises:
        RunError: one of them does not support it.
    """
    found = [read for p in predictions if (read := p.read_as(answer))]
    if len(found) < len(predictions):
        raise RunError(no_reading(answer))
    return found


def no_reading(answer: Reading | None) -> str:
    """Return the error about predictions that do not support the reading ``answer``."""
    return f"the predictions do not have the reading {answer!r}; ask the model again"


def probabilities_of(
    found: Classification, texts: Mapping[str, str], backend: str
) -> Classification:
    """Return ``found``, whose keys are label texts, by label; ``texts`` has the text of each label.

    Raises:
        PredictionError: a probability is not a number.
    """
    shares = {name: found.probabilities[text] for name, text in texts.items()}
    for name, share in shares.items():
        if not math.isfinite(share):
            raise PredictionError(
                f"labels: backend {backend!r} gave {share} as the probability of {name!r}; nothing "
                "was written. Tune again with a lower learning_rate, or load the model with "
                "--option dtype=float32"
            )
    return found.model_copy(update={"probabilities": shares})
