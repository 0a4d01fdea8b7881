"""The prompts of the untuned model: template, solved examples, and the chat template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.dataset import few_shot_examples
from tunesmith.labels import LabelSet
from tunesmith.methods import FewShot, Method, render
from tunesmith.records import BaseInput, Deployment, Message, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.spec import TuningSpec


@dataclass(frozen=True, slots=True)
class BasePrompts:
    """The prompt of the untuned model for each row."""

    texts: Sequence[str]
    """The text; if the service renders conversations itself, the message of the user."""
    conversations: Sequence[Sequence[Message]] | None = None
    """For a service that renders conversations itself."""


def hard_prompt(method: Method, train: Sequence[Row], labels: LabelSet, seed: int) -> str:
    """Return the template around each input, solved examples included, without a chat template."""
    turns = _turns(method, train, labels, seed)
    separator = method.separator if isinstance(method, FewShot) else ""
    solved = (_joined(question, answer) + separator for question, answer in turns)
    return "".join(solved) + method.input_template


def conversation(
    method: Method, train: Sequence[Row], labels: LabelSet, seed: int
) -> list[Message]:
    """Return the template as the last message of a user; solved examples are turns before it."""
    messages: list[Message] = []
    for question, answer in _turns(method, train, labels, seed):
        messages.append(Message(role="user", content=question))
        messages.append(Message(role="assistant", content=answer))
    return [*messages, Message(role="user", content=method.input_template)]


def full_template(spec: TuningSpec, backend: Backend, train: Sequence[Row]) -> str | None:
    """Return the whole template that the untuned model reads, with its chat template if asked for.

    None if the service renders conversations itself.
    """
    method, labels, seed = spec.method, spec.labels, spec.seed
    chat, text = getattr(method, "chat", False), None
    if chat:
        messages = conversation(method, train, labels, seed)
        text = backend.predictor.chat_text(spec.base_model, messages)
    if chat is True or text is not None:
        return text
    return hard_prompt(method, train, labels, seed)


def base_prompts(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    deployment: Deployment | None = None,
    base_input: BaseInput = "same",
) -> BasePrompts:
    """Return the text that the untuned model reads for each row.

    Beside a tuned model it reads the same text, or with ``base_input: bare`` the input alone, as
    in IBM's tutorial. With a prompting method it reads the hard prompt.

    Args:
        spec: with a method whose ``chat`` is chosen.
        backend: applies the chat template.
        rows: to ask about.
        train: rows that solved examples come from.
        deployment: of the tuned model beside it, if there is one.
        base_input: the text that it reads beside a tuned model.
    """
    inputs = [row.input for row in rows]
    if spec.method.tunes and base_input == "bare":
        return BasePrompts(inputs)
    if spec.method.tunes and deployment is not None:
        return BasePrompts(backend.predictor.prompts(deployment, inputs))
    template = full_template(spec, backend, train)
    if template is not None:
        return BasePrompts([render(template, text) for text in inputs])
    *before, last = conversation(spec.method, train, spec.labels, spec.seed)
    texts = [render(last.content, text) for text in inputs]
    return BasePrompts(texts, [[*before, Message(role="user", content=t)] for t in texts])


def _turns(
    method: Method, train: Sequence[Row], labels: LabelSet, seed: int
) -> Iterator[tuple[str, str]]:
    if not isinstance(method, FewShot):
        return
    for row in few_shot_examples(train, labels, method.examples_per_label, seed):
        yield render(method.template, row.input), labels.surface(str(row.output))


def _joined(question: str, answer: str) -> str:
    # A model continues a word with a space, and white space without one.
    return question + ("" if question[-1:].isspace() else " ") + answer
