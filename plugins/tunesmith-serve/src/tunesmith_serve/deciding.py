"""Who answers a closed question, and from which probabilities.

A choice whose options are exactly the labels of the asked prompt is answered by that prompt. Every
other question is answered by the base model: by the letter of an option in the rendering of
transformers' ``DecisionConfig``, or, for more options than letters and for a rendering that is too
long for the model, by each option as the continuation of state and instructions.

All lettered questions are asked for the same labels. So those of one request share a call, in which
the state, with which they all begin, is read once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.backends.shared import Item, SharedBackend
from tunesmith.evaluation.readings import probabilities_of
from tunesmith.records import Classification, Message
from tunesmith_serve.lengths import Lengths
from tunesmith_serve.prompts import ServedPrompt
from tunesmith_serve.questions import Answer, Question
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.rendering import (
    LETTERS,
    YES_NO,
    compact,
    labels_of,
    lettered,
    text_of,
    unlettered,
)

Reading = Literal["letters", "continuations"]
EVERY_LABEL = (*LETTERS, *YES_NO)
"""The labels that every lettered question is asked for."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The answers to the questions of a request, in their order."""

    answers: list[Answer]
    input_tokens: int
    """Tokens that were read, those of the state for each question."""


@dataclass(frozen=True, slots=True)
class _Asked:
    item: Item
    answer: Callable[[Classification], Answer]


class Decider:
    """Answers closed questions with a base model and its prompts.

    Args:
        shared: the backend.
        base_model: answers what no prompt answers.
    """

    def __init__(self, shared: SharedBackend, base_model: str) -> None:
        self._shared = shared
        self._base_model = base_model
        self._lengths = Lengths(shared, base_model)

    async def decide(
        self, prompt: ServedPrompt | None, state: Any, questions: Sequence[Question]
    ) -> Decided:
        """Answer ``questions`` about ``state``, asked of ``prompt`` or of the base model.

        Raises:
            Refusal: 413, a question does not fit into the model.
            TunesmithError: the backend failed.
        """
        asked = await asyncio.to_thread(self._asked, prompt, state, questions)
        futures = self._shared.classify([one.item for one in asked])
        found = await asyncio.gather(*map(asyncio.wrap_future, futures))
        name = self._shared.backend.name
        answers = [
            one.answer(
                probabilities_of(shares, {text: text for text in shares.probabilities}, name)
            )
            for one, shares in zip(asked, found, strict=True)
        ]
        return Decided(answers, sum(one.input_token_count or 0 for one in found))

    def _asked(
        self, prompt: ServedPrompt | None, state: Any, questions: Sequence[Question]
    ) -> list[_Asked]:
        return [
            _of_prompt(prompt, state, question)
            if prompt is not None and _is_about(prompt, question)
            else self._of_base(state, question)
            for question in questions
        ]

    def _of_base(self, state: Any, question: Question) -> _Asked:
        if len(question.options) <= len(LETTERS):
            text = self._prompt(lettered(state, question))
            if self._lengths.fits(text):
                return self._read(text, EVERY_LABEL, labels_of(question), "letters")
        options = _continuations(question)
        text = self._prompt(unlettered(state, question))
        if not self._lengths.fits(text + max(options, key=len)):
            raise _too_long(self._lengths.longest)
        return self._read(text, tuple(dict.fromkeys(options)), options, "continuations")

    def _read(
        self, text: str, asks: tuple[str, ...], labels: Sequence[str], reading: Reading
    ) -> _Asked:
        extras = {"x_answered_by": "base", "x_reading": reading}

        def answer(found: Classification) -> Answer:
            return Answer(_normalized([found.probabilities[label] for label in labels]), extras)

        return _Asked(Item(self._base_model, text, asks), answer)

    def _prompt(self, message: str) -> str:
        """Return the text that the base model reads, in its chat template if it has one."""
        turns = [Message(role="user", content=message)]
        text = None
        if self._shared.capabilities(self._base_model).chat:
            text = self._shared.backend.predictor.chat_text(self._base_model, turns)
        return f"{message}\nAnswer:" if text is None else text


def input_of(prompt: ServedPrompt, state: Any) -> str:
    """Return the input of a prompt: the field of its data, or the whole state."""
    if isinstance(state, dict) and prompt.source.input_field in state:
        state = state[prompt.source.input_field]
    return compact(state)


def _is_about(prompt: ServedPrompt, question: Question) -> bool:
    names = [option.name for option in question.options]
    return question.kind == "choice" and sorted(names) == sorted(prompt.labels)


def _of_prompt(prompt: ServedPrompt, state: Any, question: Question) -> _Asked:
    names = [option.name for option in question.options]
    calibration = prompt.source.calibration
    described = any(option.description is not None for option in question.options)
    ignored = [
        name
        for name, given in (("instructions", question.instructions), ("descriptions", described))
        if given
    ]

    def answer(found: Classification) -> Answer:
        raw = {label: found.probabilities[label] for label in prompt.labels}
        shares = calibration.apply(raw) if calibration else raw
        extras = {
            "x_answered_by": prompt.name,
            "x_raw_probabilities": {name: raw[name] for name in names},
            "x_abstain_below": calibration.threshold if calibration else None,
            "x_ignored": ignored,
        }
        return Answer(tuple(shares[name] for name in names), extras)

    return _Asked(Item(prompt.deployment, input_of(prompt, state), prompt.labels), answer)


def _continuations(question: Question) -> list[str]:
    """Return the text with which each option answers."""
    if question.kind == "noul":
        return list(YES_NO)
    if question.kind == "score":
        return [text_of(option.description) for option in question.options]
    return [option.name for option in question.options]


def _normalized(shares: Sequence[float]) -> tuple[float, ...]:
    total = sum(shares)
    return tuple(share / total for share in shares)


def _too_long(longest: int | None) -> Refusal:
    return Refusal(
        413,
        f"the state and the question do not fit into the {longest} tokens of the base model; "
        "shorten the state",
        code="context_length_exceeded",
    )
