"""``POST /v1/systemone``: the wire of TypeSafe's System One API (Jev).

The authority is the specification of ``jevcompat`` 0.1.1. Keys of a body that are not known are
ignored at its top level, and refused in a question.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tunesmith_serve.deciding import Decided
from tunesmith_serve.questions import (
    Answer,
    Option,
    Question,
    choice_confidence,
    score_confidence,
)

MOST_QUESTIONS = 400
Text = StrictStr | dict[str, Any] | list[Any]
_Name = Annotated[str, Field(min_length=1)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    instructions: Text | None = None


class NoulCriteria(BaseModel):
    """What yes and no mean."""

    model_config = ConfigDict(extra="forbid")

    yes: Text | None = Field(None, alias="true")
    no: Text | None = Field(None, alias="false")


class Noul(_Asked):
    """Yes or no."""

    type: Literal["noul"]
    criteria: NoulCriteria | None = None

    def question(self) -> Question:
        """Return the question."""
        criteria = self.criteria or NoulCriteria()
        options = (Option("true", criteria.yes), Option("false", criteria.no))
        return Question("noul", options, self.instructions)


class Choice(_Asked):
    """One of several options, each with a description or null."""

    type: Literal["choice"]
    criteria: Annotated[dict[_Name, Text | None], Field(min_length=2, max_length=255)]

    def question(self) -> Question:
        """Return the question."""
        options = tuple(Option(name, text) for name, text in self.criteria.items())
        return Question("choice", options, self.instructions)


class Score(_Asked):
    """A level of a scale, the lowest first."""

    type: Literal["score"]
    criteria: Annotated[list[Text], Field(min_length=2, max_length=10)]

    def question(self) -> Question:
        """Return the question."""
        options = tuple(Option(str(level), text) for level, text in enumerate(self.criteria))
        return Question("score", options, self.instructions)


class SystemOne(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="ignore")

    state: Annotated[Text, Field(min_length=1)]
    model: StrictStr
    questions: Annotated[
        dict[_Name, Annotated[Noul | Choice | Score, Field(discriminator="type")]],
        Field(min_length=1, max_length=MOST_QUESTIONS),
    ]

    def asked(self) -> list[Question]:
        """Return the questions in their order."""
        return [one.question() for one in self.questions.values()]


def answered(body: SystemOne, model: str, decided: Decided) -> dict[str, Any]:
    """Return the body of the answer of ``model``."""
    answers = {
        name: _answer(asked.question(), answer)
        for (name, asked), answer in zip(body.questions.items(), decided.answers, strict=True)
    }
    usage = {"input_tokens": decided.input_tokens, "output_tokens": 0}
    return {"model": model, "answers": answers, "usage": usage}


def _answer(question: Question, answer: Answer) -> dict[str, Any]:
    shares = answer.probabilities
    names = [option.name for option in question.options]
    if question.kind == "noul":
        return {"type": "noul", "noul": shares[0], **answer.extras}
    body: dict[str, Any] = {"type": question.kind}
    if question.kind == "choice":
        body |= {"choice": names[answer.best], "confidence": choice_confidence(shares)}
    else:
        legend = {option.name: option.description for option in question.options}
        body |= {"score": answer.score, "legend": legend, "confidence": score_confidence(shares)}
    return {**body, "probabilities": dict(zip(names, shares, strict=True)), **answer.extras}
