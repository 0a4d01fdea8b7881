"""``POST /v1/decisions``: closed questions in OpenAI's shape (``openai`` 3.57, ``decisions``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from tunesmith_serve.deciding import Decided
from tunesmith_serve.questions import (
    Answer,
    Option,
    Question,
    choice_confidence,
    score_confidence,
)
from tunesmith_serve.rendering import text_of

MOST_QUESTIONS = 400
_NOT_TEXT = "images are not read; leave them out"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(_Body):
    """A part of a text: text or JSON. Images are refused."""

    type: Literal["input_text", "output_text", "refusal", "input_json", "input_image"]
    text: StrictStr = ""
    refusal: StrictStr = ""
    data: dict[str, Any] | list[dict[str, Any]] | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None

    @field_validator("type")
    @classmethod
    def _no_image(cls, value: str) -> str:
        if value == "input_image":
            raise ValueError(_NOT_TEXT)
        return value

    def content(self) -> Any:
        """Return the text, or the JSON value."""
        return self.data if self.type == "input_json" else self.text or self.refusal


Content = Annotated[StrictStr, Field(min_length=1)] | Annotated[list[Part], Field(min_length=1)]


class Input(BaseModel):
    """A message, or a call or an output of a tool. The fields of a call are read as they are."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "message", "function_call", "function_call_output", "custom_tool_call",
        "custom_tool_call_output",
    ] = "message"  # fmt: skip
    role: Literal["user", "developer", "system", "assistant"] | None = None
    content: Content | None = None
    output: Content | None = None

    def state(self) -> dict[str, Any]:
        """Return what the model reads of it."""
        left_out = {"content", "output", "id", "status"} | ({"type"} if self.role else set())
        given = self.model_dump(exclude_none=True, exclude=left_out)
        for name in ("content", "output"):
            if (content := getattr(self, name)) is not None:
                given[name] = content_of(content)
        return {
            name: value for name, value in given.items() if (name, value) != ("type", "message")
        }


class _Asked(_Body):
    instructions: Content
    name: StrictStr | None = None


class Predicate(_Asked):
    """Whether a statement is true."""

    type: Literal["predicate"]

    def question(self) -> Question:
        """Return the question."""
        options = (Option("true"), Option("false"))
        return Question("noul", options, content_of(self.instructions))

    def answer(self, answer: Answer) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"probability": answer.probabilities[0]}


class ChoiceOption(_Body):
    """One choice; a text and a boolean that reads alike are different."""

    value: Annotated[StrictStr, Field(min_length=1)] | StrictBool
    description: StrictStr | None = None

    def option(self) -> Option:
        """Return the option, under the name that the model reads."""
        name = self.value if isinstance(self.value, str) else str(self.value).lower()
        return Option(name, self.description)


class Choice(_Asked):
    """One of several options."""

    type: Literal["choice"]
    choices: Annotated[list[ChoiceOption], Field(min_length=2, max_length=255)]

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: list[ChoiceOption]) -> list[ChoiceOption]:
        seen = set[tuple[type, str | bool]]()
        for one in choices:
            key = (type(one.value), one.value)
            if key in seen:
                raise ValueError(f"the choice {one.value!r:.100} is given twice")
            seen.add(key)
        return choices

    def question(self) -> Question:
        """Return the question."""
        options = tuple(one.option() for one in self.choices)
        return Question("choice", options, content_of(self.instructions))

    def answer(self, answer: Answer) -> dict[str, Any]:
        """Return the body of the answer."""
        return {
            "choice": self.choices[answer.best].value,
            "confidence": choice_confidence(answer.probabilities),
            "probabilities": [
                {"value": one.value, "probability": share}
                for one, share in zip(self.choices, answer.probabilities, strict=True)
            ],
        }


class Level(_Body):
    """A level of a scale."""

    label: Annotated[StrictStr, Field(min_length=1)]
    description: StrictStr | None = None

    def text(self) -> str:
        """Return what the model reads."""
        return f"{self.label}: {self.description}" if self.description else self.label


class Score(_Asked):
    """A level of a scale, the lowest first."""

    type: Literal["score"]
    levels: Annotated[list[Level], Field(min_length=2, max_length=10)]

    def question(self) -> Question:
        """Return the question."""
        options = tuple(Option(str(value), one.text()) for value, one in enumerate(self.levels))
        return Question("score", options, content_of(self.instructions))

    def answer(self, answer: Answer) -> dict[str, Any]:
        """Return the body of the answer."""
        shares = zip(self.levels, answer.probabilities, strict=True)
        return {
            "score": answer.score,
            "confidence": score_confidence(answer.probabilities),
            "probabilities": [
                {"value": value, "label": one.label, "probability": share}
                for value, (one, share) in enumerate(shares)
            ],
        }


class Decisions(_Body):
    """The body of a request."""

    model: StrictStr
    input: Annotated[StrictStr, Field(min_length=1)] | Annotated[list[Input], Field(min_length=1)]
    questions: Annotated[
        list[Annotated[Predicate | Choice | Score, Field(discriminator="type")]],
        Field(min_length=1, max_length=MOST_QUESTIONS),
    ]
    prompt_cache_key: StrictStr | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: StrictStr | None = None

    def state(self) -> Any:
        """Return the state: the content of a lone message of the user, or all inputs."""
        if isinstance(self.input, str):
            return self.input
        first = self.input[0]
        if len(self.input) == 1 and first.role == "user" and first.content is not None:
            return content_of(first.content)
        return [one.state() for one in self.input]

    def asked(self) -> list[Question]:
        """Return the questions in their order."""
        return [one.question() for one in self.questions]


def content_of(content: Content) -> Any:
    """Return text, or the JSON value if it is the only part."""
    if isinstance(content, str):
        return content
    if len(content) == 1:
        return content[0].content()
    return "\n".join(text_of(part.content()) for part in content)


def answered(body: Decisions, model: str, decided: Decided) -> dict[str, Any]:
    """Return the body of the answer of ``model``."""
    answers = [
        {"type": asked.type, "name": asked.name, **asked.answer(answer), **answer.extras}
        for asked, answer in zip(body.questions, decided.answers, strict=True)
    ]
    return {"model": model, "answers": answers, "usage": _usage(decided.input_tokens)}


def _usage(tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens,
    }
