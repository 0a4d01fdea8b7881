"""A prompt template: the fields of its body, and the text that it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.fields import Body, nested, text, texts

InputMode = Literal["structured", "freeform", "chat", "detached"]
_VARIABLE = re.compile(r"\{(\w+)\}")
_Pair = Annotated[list[str], Field(min_length=2, max_length=2, description="must be two texts")]
_ROLES = {"question": "user", "answer": "assistant"}


class _Variable(Body):
    default_value: str | None = Field(None, description="must be text")


class _Data(Body):
    instruction: str = text("")
    input_prefix: str = text("")
    output_prefix: str = text("")
    examples: list[_Pair] = Field(
        default_factory=list, description="must be a list of pairs of texts"
    )


class ChatItem(Body):
    """A turn of a chat prompt."""

    type: Literal["question", "answer"] = Field(description="must be question or answer")
    content: str = text("")
    status: str | None = Field(None, description="must be text")
    timestamp: int | None = Field(None, description="must be a whole number")


class _Prompt(Body):
    model_id: str = text()
    input: list[_Pair] = Field(default_factory=list, description="must be a list of pairs of texts")
    model_parameters: dict[str, Any] = Field(default_factory=dict, description="must be an object")
    data: _Data = nested()
    chat_items: list[ChatItem] = Field(
        default_factory=list, description="must be a list of chat items"
    )
    system_prompt: str = text("")
    external_information: dict[str, Any] | None = Field(None, description="must be an object")


class _Version(Body):
    number: str | None = Field(None, description="must be text")


class Template(Body):
    """The body of a prompt template, without its lock."""

    name: str = text(most=255)
    description: str = text("")
    input_mode: InputMode = Field(
        "structured", description="must be structured, freeform, chat or detached"
    )
    prompt: _Prompt
    prompt_variables: dict[str, _Variable] = Field(
        default_factory=dict, description="must be an object of variables"
    )
    task_ids: list[str] = texts()
    model_version: _Version = nested()

    @property
    def rendered(self) -> str:
        """The text with its variables in braces, as the service builds it (recorded)."""
        data, last = self.prompt.data, self.prompt.input[0][0] if self.prompt.input else ""
        if self.input_mode == "chat":
            return "\n\n".join(filter(None, [self.prompt.system_prompt, *self._chat_lines()]))
        if self.input_mode == "freeform":
            return last
        turns = [*data.examples, [last, ""]]
        blocks = [
            f"{_beside(data.input_prefix, asked)}\n{_beside(data.output_prefix, answered)}".strip()
            for asked, answered in turns
        ]
        return "\n\n".join(filter(None, [data.instruction, *blocks]))

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text with ``values`` in place of the variables.

        Raises:
            ServiceError: 400, a variable has neither a value nor a default.
        """
        known = {
            name: variable.default_value
            for name, variable in self.prompt_variables.items()
            if variable.default_value is not None
        } | dict(values)
        missing = [name for name in self.prompt_variables if name not in known]
        if missing:
            raise wrong_field(
                "parameters.prompt_variables",
                f"parameters.prompt_variables must have {', '.join(missing)}: the prompt template "
                "has these variables and no default for them.",
            )
        # Only declared variables are placeholders; other braces are text.
        declared = self.prompt_variables
        return _VARIABLE.sub(lambda m: known[m[1]] if m[1] in declared else m[0], self.rendered)

    def conversation(self) -> list[dict[str, str]]:
        """Return the messages that a chat prompt begins with."""
        system = self.prompt.system_prompt
        begin = [{"role": "system", "content": system}] if system else []
        items = self.prompt.chat_items
        return [*begin, *({"role": _ROLES[i.type], "content": i.content} for i in items)]

    def document(self) -> dict[str, Any]:
        """Return the template as it is stored and shown."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"input_mode": self.input_mode}

    def _chat_lines(self) -> list[str]:
        return [f"{_ROLES[i.type].capitalize()}: {i.content}" for i in self.prompt.chat_items]


def _beside(prefix: str, text: str) -> str:
    return f"{prefix} {text}".strip()
