"""A chat with a base model: the text that it reads, what it may write, and the answer read back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tunesmith.backends.shared import SharedBackend
from tunesmith.errors import ExperimentError, TunesmithError
from tunesmith.records import Generation, Tool, ToolCall
from tunesmith.records import Message as Turn
from tunesmith.spec import Constraint, GenerationParams
from tunesmith_serve.call_forms import (
    STAND_IN,
    CallForm,
    Written,
    calls_grammar,
    read_written,
    shown_form,
)
from tunesmith_serve.chat_parameters import NAMES
from tunesmith_serve.choosing import Chooser
from tunesmith_serve.formats import read_format
from tunesmith_serve.messages import (
    Message,
    base_prompt,
    plain_turns,
    tuned_input,
    turns,
    with_tools,
)
from tunesmith_serve.refusals import wrong
from tunesmith_serve.tools import NO_TOOLS, ToolUse, read_tools

_THINKING = ("enable_thinking", "thinking")
"""The variables of chat templates that let the model think first; a template has one of them."""
_OPEN, _CLOSE = "<think>", "</think>"
EFFORTS = ("none", "minimal", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a chat asks for, apart from the parameters of generation."""

    messages: Sequence[Message]
    tools: ToolUse = NO_TOOLS
    format: tuple[str, Constraint] | None = None
    """The field that asks for a format, and the constraint."""
    reasoning: bool = False
    """Whether the model should think first, if it was trained to."""
    shown: bool = True
    """Whether the answer shows what the model thought."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Of the chat template."""


def read_conversation(given: Mapping[str, Any], messages: Sequence[Message]) -> Conversation:
    """Check the fields of a body that are about functions, formats and reasoning.

    Raises:
        Refusal: 400, names the field.
    """
    effort, shown = given.get("reasoning_effort"), given.get("include_reasoning")
    variables = given.get("chat_template_kwargs") or {}
    if effort is not None and effort not in EFFORTS:
        raise wrong(f"reasoning_effort must be one of {', '.join(EFFORTS)}.", "reasoning_effort")
    if not isinstance(shown, bool | None):
        raise wrong("include_reasoning must be true or false.", "include_reasoning")
    if not isinstance(variables, Mapping):
        raise wrong("chat_template_kwargs must be an object.", "chat_template_kwargs")
    own = {} if effort in (None, "none") else {"reasoning_effort": effort}
    thinking = any(variables.get(name) is True for name in _THINKING)
    return Conversation(
        messages,
        read_tools(given),
        read_format(given),
        bool(own or shown or thinking),
        shown is not False,
        {**own, **variables},
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked: a text, and what it may write behind it."""

    text: str
    params: GenerationParams
    form: CallForm | None = None
    """The form of calls; None if the answer has none."""
    field: str = ""
    """The field of the body that the constraint comes from."""
    reasoning: bool = False
    shown: bool = True

    def choices(self, count: int) -> list[Asked]:
        """Return the same ``count`` times, with seeds that follow each other."""
        seed = self.params.random_seed
        if seed is None:
            return [self] * count
        seeds = [(seed - 1 + index) % (2**32 - 1) + 1 for index in range(count)]
        update = self.params.model_copy
        return [replace(self, params=update(update={"random_seed": one})) for one in seeds]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read back."""

    content: str
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    called: bool = False
    """Whether the answer ended with complete calls."""

    def message(self) -> dict[str, Any]:
        """Return the message of the assistant."""
        found: dict[str, Any] = {"role": "assistant", "content": self.content}
        if self.reasoning is not None:
            found["reasoning_content"] = self.reasoning
        if self.calls:
            found["tool_calls"] = [
                {"id": call.id, "type": "function",
                 "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]  # fmt: skip
        return found


class Converser:
    """Turns chats with a base model into text generation, and back.

    Args:
        shared: the backend.
        base_model: as the backend names it.
    """

    def __init__(self, shared: SharedBackend, base_model: str) -> None:
        self._shared = shared
        self._base_model = base_model
        self._chooser = Chooser(shared, base_model)

    def asked(self, conversation: Conversation, params: GenerationParams) -> Asked:
        """Return what the model is asked.

        A model whose chat template shows functions decides by itself whether to call, by what it
        writes. For another one, :mod:`.choosing` decides, and the model writes the arguments.

        Raises:
            Refusal: 400, a field cannot be honored; it is named.
            ExperimentError: the chat template refuses the conversation.
        """
        use, decides = conversation.tools, self.form.native and conversation.format is None
        if use.tools and not decides:
            use = self._chosen(conversation)
        constraint, origin = None, ""
        if use.tools:
            grammar = calls_grammar(
                self.form,
                use.tools,
                must=use.must or not decides,
                parallel=use.parallel,
                in_order=not decides,
            )
            constraint, origin = Constraint(kind="grammar", value=grammar), "tools"
        elif conversation.format is not None:
            origin, constraint = conversation.format
        reasoning = conversation.reasoning and self.reasons and constraint is None
        variables = {**conversation.variables}
        switches = _THINKING if reasoning else variables.keys() & _THINKING
        variables |= dict.fromkeys(switches, reasoning)
        return Asked(
            self._text(conversation.messages, use.tools, variables),
            params if constraint is None else params.model_copy(update={"constraint": constraint}),
            self.form if use.tools else None,
            origin,
            reasoning,
            conversation.shown,
        )

    @cached_property
    def form(self) -> CallForm:
        """The form in which the model calls functions."""
        found = shown_form(self._rendered) if self._chats else None
        return found if found is not None and not self._has_special(found) else STAND_IN

    @cached_property
    def reasons(self) -> bool:
        """Whether the chat template lets the model think first."""
        hello = [Turn(role="user", content="?")]
        if not self._chats:
            return False
        try:
            return self._rendered(hello) != self._rendered(
                hello, (), **dict.fromkeys(_THINKING, True)
            )
        except TunesmithError:
            return False

    @property
    def _chats(self) -> bool:
        return self._shared.capabilities(self._base_model).chat

    def _chosen(self, conversation: Conversation) -> ToolUse:
        use, messages = conversation.tools, conversation.messages
        users = [index for index, message in enumerate(messages) if message.role == "user"]
        last = users[-1] if users else len(messages) - 1
        # What was called since the user's message has been answered.
        since = messages[last + 1 :]
        called = {call.name for message in since for call in message.calls}
        left = [tool for tool in use.tools if tool.name not in called]
        if not left:
            return NO_TOOLS
        if not self._shared.capabilities(self._base_model).base_label_scores:
            return ToolUse(tuple(left[:1])) if use.must else NO_TOOLS
        chosen = self._chooser.choose(
            messages[last].text,
            left,
            must=use.must,
            parallel=use.parallel and self.form.between is not None,
        )
        # Some clients send a result without its call. It answers the first function that is needed.
        ids = {call.id for message in messages for call in message.calls}
        answered = sum(m.role == "tool" and m.call_id not in ids for m in since)
        return ToolUse(tuple(chosen[answered:]), use.choice, use.parallel)

    def _text(
        self, messages: Sequence[Message], tools: Sequence[Tool], variables: Mapping[str, Any]
    ) -> str:
        if not self._chats:
            return base_prompt(with_tools(messages, tools))
        if self.form.native:
            text = self._rendered(turns(messages), tools, **variables)
        else:
            text = self._rendered(plain_turns(with_tools(messages, tools)), **variables)
        return base_prompt(with_tools(messages, tools)) if text is None else text

    def _rendered(
        self, messages: Sequence[Turn], tools: Sequence[Tool] = (), **variables: Any
    ) -> str | None:
        predictor = self._shared.backend.predictor
        more = {"tools": tools} if tools else {}
        return predictor.chat_text(self._base_model, messages, **more, **variables)

    def _has_special(self, form: CallForm) -> bool:
        # A special token is no text, so that neither a grammar of texts nor an answer can have it.
        if not self._shared.capabilities(self._base_model).tokenize:
            return False
        tokens = self._shared.backend.predictor.tokenize(self._base_model, [form.marker])[0]
        return any(token == form.marker and token[:2] in ("<|", "[T") for token in tokens)


def asked_of_prompt(conversation: Conversation, params: GenerationParams) -> Asked:
    """Return what a tuned model is asked: the last message of the user.

    Raises:
        Refusal: 400, a call is required, which a tuned model does not write.
    """
    if conversation.tools.must:
        raise wrong(
            "tool_choice: a tuned model calls no function; ask its base model", "tool_choice",
            code="unsupported",
        )  # fmt: skip
    text = tuned_input(conversation.messages)[0]
    if conversation.format is None:
        return Asked(text, params)
    origin, constraint = conversation.format
    return Asked(text, params.model_copy(update={"constraint": constraint}), field=origin)


def reply_of(asked: Asked, generation: Generation) -> Reply:
    """Read an answer back."""
    reasoning, text, _ = _split(asked, generation.text, finished=True)
    written = _written(asked, text, finished=True)
    calls = tuple(
        ToolCall(id=new_call_id(), name=name, arguments=arguments)
        for name, arguments in written.calls
    )
    ended = generation.stop_reason in ("eos_token", "stop_sequence")
    return Reply(
        written.content, calls, reasoning if asked.shown else None, ended and written.complete
    )


class Deltas:
    """Reads an answer back while it is written.

    Args:
        asked: what the model is asked.
        whole_calls: whether the arguments of a call come in one delta, at the end of the answer.
    """

    def __init__(self, asked: Asked, *, whole_calls: bool = False) -> None:
        self._asked = asked
        self._whole_calls = whole_calls
        self._text = ""
        self._sent = Written("")
        self._reasoned = ""
        self.called = False
        """Whether the answer has ended with complete calls."""

    def add(self, piece: Generation) -> list[dict[str, Any]]:
        """Return the deltas of a piece, whose text follows that of the pieces before.

        There are none while a text may still become a call. A piece that ends the answer or has
        tokens has at least one.
        """
        found = self._new(piece)
        told = piece.stop_reason != "not_finished" or piece.tokens is not None
        return found or ([{"content": ""}] if told else [])

    def _new(self, piece: Generation) -> list[dict[str, Any]]:
        self._text += piece.text
        finished = piece.stop_reason != "not_finished"
        reasoning, text, thinking = _split(self._asked, self._text, finished=finished)
        found: list[dict[str, Any]] = []
        if self._asked.shown and reasoning is not None and reasoning != self._reasoned:
            found.append({"reasoning_content": reasoning[len(self._reasoned) :]})
            self._reasoned = reasoning
        written = Written("") if thinking else _written(self._asked, text, finished=finished)
        if len(written.content) > len(self._sent.content):
            found.append({"content": written.content[len(self._sent.content) :]})
        if self._whole_calls and not finished:
            written = replace(written, calls=())
        found += self._calls(written)
        self._sent = written
        ended = piece.stop_reason in ("eos_token", "stop_sequence")
        self.called = ended and written.complete
        return found

    def _calls(self, written: Written) -> Iterator[dict[str, Any]]:
        for index, (name, arguments) in enumerate(written.calls):
            known = index < len(self._sent.calls)
            before = self._sent.calls[index][1] if known else ""
            if known and arguments == before:
                continue
            call: dict[str, Any] = {
                "index": index,
                "function": {"name": name, "arguments": arguments[len(before) :]},
            }
            call |= {} if known else {"id": new_call_id(), "type": "function"}
            if known:
                del call["function"]["name"]
            if self._whole_calls:
                named = {**call, "function": {"name": name, "arguments": ""}}
                yield {"tool_calls": [named]}
                call = {"index": index, "function": {"name": "", "arguments": arguments}}
            yield {"tool_calls": [call]}


@contextmanager
def refusals_of(asked: Asked) -> Iterator[None]:
    """Let errors about parameters of generation name the field of the chat.

    Raises:
        Refusal: 400, names the field.
    """
    try:
        yield
    except ExperimentError as error:
        name, _, reason = str(error).partition(": ")
        if not name.startswith("generation."):
            raise
        inner = name.removeprefix("generation.")
        where = asked.field if inner == "constraint" else NAMES.get(inner, inner)
        raise wrong(f"{where}: {reason}", where) from error


def new_call_id() -> str:
    """Return the id of a new call."""
    return f"call_{uuid.uuid4().hex[:24]}"


def _written(asked: Asked, text: str, *, finished: bool) -> Written:
    if asked.form is None:
        return Written(text)
    return read_written(asked.form, text, finished=finished)


def _split(asked: Asked, text: str, *, finished: bool) -> tuple[str | None, str, bool]:
    """Return what the model thought, what it answers, and whether it is still thinking."""
    if not asked.reasoning:
        return None, text, False
    # Some templates open the thoughts, so that the model only closes them.
    thought, closed, answer = text.partition(_CLOSE)
    thought = thought.lstrip().removeprefix(_OPEN).lstrip()
    if closed:
        return thought.rstrip(), answer.lstrip(), False
    if finished:
        return None, text, False
    held = max((n for n in range(len(_CLOSE)) if thought.endswith(_CLOSE[:n])), default=0)
    return (thought[: len(thought) - held].rstrip() if len(thought) > len(_OPEN) else ""), "", True
