"""The form in which a model writes calls of functions, its grammar, and how it is read back.

The chat template of a model that was trained to call functions shows the form: this module lets it
render two made-up calls, and takes the texts around names and arguments. Any other model writes
:data:`STAND_IN`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tunesmith.errors import TunesmithError
from tunesmith.records import Message, Tool, ToolCall
from tunesmith_serve.schemas import closed

Render = Callable[[Sequence[Message], Sequence[Tool]], str | None]
_NAMES = ("zorb_first", "zorb_second")
_ARGUMENTS = {"zorb_key": "zorb value"}
_WRITTEN = re.compile(r'\{\s*"zorb_key"\s*:\s*"zorb value"\s*\}')
_CONTENT = "0zorb content0"
_AS_DUMPED = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


@dataclass(frozen=True, slots=True)
class CallForm:
    """The texts around the names and the arguments, which are JSON objects, of calls."""

    start: str
    """Before the name of the first call."""
    middle: str
    """Between a name and its arguments."""
    between: str | None
    """Between arguments and the name of the next call; None if there is only one call."""
    end: str
    """Behind the arguments of the last call."""
    native: bool = False
    """Whether the model was trained to write it, and so decides by itself when to call."""

    @property
    def marker(self) -> str:
        """The text by which the model begins to call."""
        return self.start.partition("{")[0].strip() or self.start

    def written(self, calls: Sequence[ToolCall]) -> str:
        """Return ``calls`` as a model writes them."""
        texts = [f"{call.name}{self.middle}{call.arguments}" for call in calls]
        return f"{self.start}{(self.between or self.end + self.start).join(texts)}{self.end}"


STAND_IN = CallForm(
    start='<tool_call>\n{"name": "',
    middle='", "arguments": ',
    between='}\n</tool_call>\n<tool_call>\n{"name": "',
    end="}\n</tool_call>",
)
"""The commonest form, for models whose template has none."""


def shown_form(render: Render) -> CallForm | None:
    """Return the form that a chat template shows, or None if it shows none.

    Args:
        render: returns the text of messages and tools in the template.
    """
    tools = [Tool(name=name) for name in _NAMES]
    asked = [Message(role="user", content="?")]
    try:
        if render(asked, tools) == render(asked, []):
            return None
        plain = render([*asked, Message(role="assistant", content=_CONTENT)], tools)
        one = _with_calls(render, asked, tools[:1], tools)
        if plain is None or one is None:
            return None
    except TunesmithError:
        return None
    found = _parts(plain, one)
    if found is None:
        return None
    try:
        two = _with_calls(render, asked, tools, tools)
    except TunesmithError:  # some templates have one call at most
        two = None
    return CallForm(*found[:2], _between(two, found[1]) if two else None, found[2], native=True)


def _with_calls(
    render: Render, asked: Sequence[Message], called: Sequence[Tool], tools: Sequence[Tool]
) -> str | None:
    calls = tuple(
        ToolCall(id=f"zorb0000{index}", name=tool.name, arguments=json.dumps(_ARGUMENTS))
        for index, tool in enumerate(called)
    )
    return render([*asked, Message(role="assistant", content="", tool_calls=calls)], tools)


def _parts(plain: str, one: str) -> tuple[str, str, str] | None:
    pairs = zip(plain, one, strict=False)
    before = len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])
    name = one.find(_NAMES[0], before)
    written = _WRITTEN.search(one, max(name, 0))
    if name < 0 or written is None:
        return None
    after = plain[plain.index(_CONTENT) + len(_CONTENT) :]
    start = one[before:name].lstrip()
    end = one[written.end() :].removesuffix(after)
    return (start, one[name + len(_NAMES[0]) : written.start()], end) if start else None


def _between(two: str, middle: str) -> str | None:
    first = two.rfind(_NAMES[0])
    written = _WRITTEN.search(two, first)
    second = two.find(_NAMES[1] + middle, first)
    return two[written.end() : second] if written and 0 <= written.end() <= second else None


def calls_grammar(
    form: CallForm, tools: Sequence[Tool], *, must: bool, parallel: bool, in_order: bool = False
) -> str:
    """Return the grammar of answers that may be calls.

    Args:
        form: of the calls.
        tools: that may be called.
        must: whether the answer must be a call; else it may be any text, before calls too.
        parallel: whether it may have several calls.
        in_order: whether it calls each of ``tools`` once, in their order.
    """
    rules = [f"call_{i}: {_call_rule(form, tool)}" for i, tool in enumerate(tools)]
    names = [f"call_{i}" for i in range(len(tools))]
    between = "" if form.between is None else json.dumps(form.between, ensure_ascii=False)
    if in_order:
        calls = f" {between} ".join(names)
    else:
        calls = f"({' | '.join(names)})"
        if parallel and between:
            calls += f" ({between} {calls})*"
    body = f"{calls} {_literal(form.end)}"
    if must:
        return "\n".join([f"start: {_literal(form.start)} {body}", *rules])
    rest = form.start.partition(form.marker)[2]
    return "\n".join(
        [
            f"start: TEXT | opened {_literal(rest)} {body}",
            f"opened[suffix={json.dumps(form.marker, ensure_ascii=False)}]: TEXT",
            "TEXT: /(?s:.*)/",
            *rules,
        ]
    )


def _call_rule(form: CallForm, tool: Tool) -> str:
    # A model that was never trained to call may go on with a text for ever.
    schema = {"type": "object", **closed(tool.parameters, bounded=not form.native)}
    schema["x-guidance"] = _AS_DUMPED  # of llguidance; nothing else reads it
    return f"{_literal(tool.name + form.middle)} %json {json.dumps(schema)}"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a model has written so far: a text, or calls behind a text."""

    content: str
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments; the last arguments may not be complete."""
    complete: bool = False
    """Whether the last arguments are complete."""


def read_written(form: CallForm, text: str, *, finished: bool) -> Written:
    """Read what a model wrote in ``form``.

    Args:
        form: of the calls.
        text: so far.
        finished: False holds back an end of ``text`` that may become a call.
    """
    marker = form.marker
    where = text.find(marker)
    if where < 0:
        return Written(text if finished else text[: len(text) - _begun(text, marker)])
    content, rest = text[:where].rstrip(), text[where:]
    start = marker + form.start.partition(marker)[2]
    if not rest.startswith(start):
        return Written(text if finished and not start.startswith(rest) else content)
    calls: list[tuple[str, str]] = []
    rest, complete = rest[len(start) :], False
    while form.middle in rest:
        name, _, rest = rest.partition(form.middle)
        size = _object_size(rest)
        complete = size is not None
        calls.append((name, rest[:size]))
        rest = rest[size:] if size is not None else ""
        if not form.between or not rest.startswith(form.between):
            break
        rest = rest[len(form.between) :]
    return Written(content, tuple(calls), complete)


def _begun(text: str, marker: str) -> int:
    """Return the length of the end of ``text`` that may become ``marker``, spaces before it too."""
    for size in range(min(len(text), len(marker) - 1), 0, -1):
        if marker.startswith(text[-size:]):
            break
    else:
        size = 0
    before = text[: len(text) - size]
    return size + len(before) - len(before.rstrip())


def _object_size(text: str) -> int | None:
    """Return the length of the JSON object at the start of ``text``; None if it is not complete."""
    try:
        return json.JSONDecoder().raw_decode(text)[1]
    except ValueError:
        return None
