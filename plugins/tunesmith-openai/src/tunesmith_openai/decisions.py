"""Closed questions, on the two wires: OpenAI's ``/decisions`` and System One's ``/systemone``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openai import OpenAI

from tunesmith.errors import PredictionError, UnsupportedError
from tunesmith.records import Usage

Wire = Literal["decisions", "systemone"]
INSTRUCTIONS = "Which of these labels does the text have?"
MOST = 255
"""Options of a question, on both wires."""
_NAME = "label"


@dataclass(frozen=True, slots=True)
class Decided:
    """The answer to one question."""

    probabilities: dict[str, float]
    """Of each label; they sum to one."""
    usage: Usage


def check_labels(labels: Sequence[str]) -> None:
    """Refuse more labels than a question has options.

    Raises:
        UnsupportedError: names the limit.
    """
    if len(labels) > MOST:
        raise UnsupportedError(
            f"labels: a decision has at most {MOST} options, and there are {len(labels)} labels; "
            "set --option reading=chat or text"
        )


def decide(client: OpenAI, wire: Wire, model: str, text: str, labels: Sequence[str]) -> Decided:
    """Ask ``model`` which of ``labels`` ``text`` has.

    Raises:
        PredictionError: the model declined, or a probability is missing or no number.
        openai.OpenAIError: the server failed.
    """
    ask = _by_decisions if wire == "decisions" else _by_systemone
    given, usage = ask(client, model, text, labels)
    return Decided(_normalized(given, labels), usage)


def _by_decisions(
    client: OpenAI, model: str, text: str, labels: Sequence[str]
) -> tuple[Mapping[str, Any], Usage]:
    answer = client.decisions.create(
        model=model,
        input=text,
        questions=[
            {
                "type": "choice",
                "name": _NAME,
                "instructions": INSTRUCTIONS,
                "choices": [{"value": label} for label in labels],
            }
        ],
    )
    answers = getattr(answer, "answers", None)  # a server may send something else with status 200
    first = answers[0] if answers else None
    if first is None or first.type != "choice":
        raise PredictionError(f"answers[0]: {_declined(getattr(first, 'type', None))}")
    return (
        {str(one.value): one.probability for one in first.probabilities},
        _usage(getattr(answer, "usage", None)),
    )


def _by_systemone(
    client: OpenAI, model: str, text: str, labels: Sequence[str]
) -> tuple[Mapping[str, Any], Usage]:
    question = {
        "type": "choice",
        "instructions": INSTRUCTIONS,
        "criteria": dict.fromkeys(labels),
    }
    # The SDK has no method for this wire. ``post`` is its documented way to another endpoint.
    body = {"model": model, "state": text, "questions": {_NAME: question}}
    answer: Any = client.post("/systemone", body=body, cast_to=object)
    found = answer.get("answers", {}).get(_NAME) if isinstance(answer, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("probabilities"), dict):
        raise PredictionError(f"answers.{_NAME}: {_declined((found or {}).get('type'))}")
    return found["probabilities"], _usage(answer.get("usage"))


def _declined(kind: object) -> str:
    return (
        f"the model gave no probabilities (type {kind!r}); set --option reading=chat, or take "
        "the row out"
    )


def _normalized(given: Mapping[str, Any], labels: Sequence[str]) -> dict[str, float]:
    shares = {}
    for label in labels:
        share = given.get(label)
        if not isinstance(share, int | float) or not math.isfinite(share) or share < 0:
            raise PredictionError(
                f"probabilities: the server gave {share!r} for the label {label!r}; "
                "set --option reading=chat"
            )
        shares[label] = float(share)
    total = math.fsum(shares.values())
    if total <= 0:
        raise PredictionError("probabilities: all are 0; set --option reading=chat")
    return {label: share / total for label, share in shares.items()}


def _usage(given: Any) -> Usage:
    def of(name: str) -> int:
        value = given.get(name) if isinstance(given, dict) else getattr(given, name, None)
        return value if isinstance(value, int) else 0

    return Usage(input_tokens=of("input_tokens"), output_tokens=of("output_tokens"))
