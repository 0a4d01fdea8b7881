"""The prompts of the untuned model: template, solved examples, and the chat template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunesmith.backend import Backend
from tunesmith.dataset import few_shot_examples
from tunesmith.methods import FewShot, render
from tunesmith.records import BaseInput, Deployment, Message, Row
from tunesmith.spec import TuningSpec


@dataclass(frozen=True, slots=True)
class BasePrompts:
    """The prompt of the untuned model for each row."""

    texts: Sequence[str]
    """The text; if the service renders conversations itself, the message of the user."""
    conversations: Sequence[Sequence[Message]] | None = None
    """For a service that renders conversations itself."""


def hard_prompt(spec: TuningSpec, train: Sequence[Row]) -> str:
    """Return the template around each input, solved examples included, without a chat template."""
    *turns, last = conversation(spec, train)
    separator = spec.method.separator if isinstance(spec.method, FewShot) else ""
    solved = (
        # A model continues a word with a space, and white space without one.
        question.content + ("" if question.content[-1:].isspace() else " ") + answer.content
        for question, answer in zip(turns[::2], turns[1::2], strict=True)
    )
    return "".join(text + separator for text in solved) + last.content


def conversation(spec: TuningSpec, train: Sequence[Row]) -> list[Message]:
    """Return the template as the last message of a user; solved examples are turns before it."""
    method, labels, messages = spec.method, spec.labels, list[Message]()
    if isinstance(method, FewShot):
        for row in few_shot_examples(train, labels, method.examples_per_label, spec.seed):
            question = render(method.template, row.input)
            messages.append(Message(role="user", content=question))
            messages.append(Message(role="assistant", content=labels.surface(str(row.output))))
    return [*messages, Message(role="user", content=method.input_template)]


def full_template(spec: TuningSpec, backend: Backend, train: Sequence[Row]) -> str | None:
    """Return the whole template that the untuned model reads, with its chat template if asked for.

    None if the service renders conversations itself.
    """
    chat, text = getattr(spec.method, "chat", False), None
    if chat:
        text = backend.predictor.chat_text(spec.base_model, conversation(spec, train))
    return text if chat is True or text is not None else hard_prompt(spec, train)


def base_prompts(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    deployment: Deployment | None = None,
    base_input: BaseInput = "same",
) -> BasePrompts:
    """Return the text that the untuned model reads for each row; see :func:`base_prompter`."""
    prompter = base_prompter(spec, backend, train, deployment, base_input)
    return prompter([row.input for row in rows])


def base_prompter(
    spec: TuningSpec,
    backend: Backend,
    train: Sequence[Row],
    deployment: Deployment | None = None,
    base_input: BaseInput = "same",
) -> Callable[[Sequence[str]], BasePrompts]:
    """Return the function that makes the texts which the untuned model reads for some inputs.

    Beside a tuned model it reads the same text, or with ``base_input: bare`` the input alone, as
    in IBM's tutorial. With a prompting method, whose ``chat`` is chosen already, it reads the hard
    prompt; solved examples come from ``train``.
    """
    if spec.method.tunes and base_input == "bare":
        return BasePrompts
    if spec.method.tunes and deployment is not None:
        return lambda inputs: BasePrompts(backend.predictor.prompts(deployment, inputs))
    template = full_template(spec, backend, train)
    if template is not None:
        return lambda inputs: BasePrompts([render(template, text) for text in inputs])
    *before, last = conversation(spec, train)

    def conversations(inputs: Sequence[str]) -> BasePrompts:
        texts = [render(last.content, text) for text in inputs]
        return BasePrompts(texts, [[*before, Message(role="user", content=t)] for t in texts])

    return conversations
