"""The form of calls: found in chat templates, held by a grammar, read back whole and in pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import jinja2
import pytest

from tunesmith.records import Message, Tool, ToolCall
from tunesmith_serve.call_forms import (
    STAND_IN,
    CallForm,
    Written,
    calls_grammar,
    read_written,
    shown_form,
)

TAGGED = """{% if tools %}<|s|>tools: {{ tools | tojson }}<|e|>
{% endif %}{% for m in messages %}<|s|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}{{ '' if loop.first and not m.content else '\n' }}\
<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}<|e|>
{% endfor %}<|s|>assistant
"""
"""One element for each call."""
LISTED = """{{ tools | tojson if tools }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\
{% if m.tool_calls %}CALLS[{% for c in m.tool_calls %}{{ ', ' if not loop.first }}\
{"name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}\
{% endfor %}]{% endif %}</s>{% endfor %}[assistant] """
"""One list of calls, with another name for the arguments."""
SINGLE = """{{ tools | tojson if tools }}{% for m in messages %}<{{ m.role }}>{{ m.content }}\
{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}{{ error('one call') }}{% endif %}\
{"name": "{{ m.tool_calls[0].function.name }}", "parameters": \
{{ m.tool_calls[0].function.arguments | tojson }}}{% endif %}</>{% endfor %}<assistant>"""
"""One call at most."""
NONE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "


def renderer(template: str) -> Any:
    from tunesmith.errors import ExperimentError

    def error(message: str) -> None:
        raise ExperimentError(message)

    compiled = jinja2.Environment().from_string(template)

    def render(messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        turns = [
            message.model_dump()
            | {
                "tool_calls": [
                    {"function": {"name": c.name, "arguments": json.loads(c.arguments)}}
                    for c in message.tool_calls
                ]
            }
            for message in messages
        ]
        return compiled.render(messages=turns, tools=[t.model_dump() for t in tools], error=error)

    return render


def test_a_form_of_elements_is_found() -> None:
    form = shown_form(renderer(TAGGED))
    assert form == CallForm(
        STAND_IN.start, STAND_IN.middle, STAND_IN.between, STAND_IN.end, native=True
    )
    assert form.marker == "<tool_call>"


def test_a_form_of_a_list_is_found() -> None:
    form = shown_form(renderer(LISTED))
    assert form is not None
    assert (form.start, form.middle) == ('CALLS[{"name": "', '", "parameters": ')
    assert (form.between, form.end) == ('}, {"name": "', "}]")


def test_a_template_with_one_call_at_most_has_nothing_between_calls() -> None:
    form = shown_form(renderer(SINGLE))
    assert form is not None
    assert (form.start, form.between, form.end) == ('{"name": "', None, "}")


def test_a_template_without_functions_shows_no_form() -> None:
    assert shown_form(renderer(NONE)) is None


FORMS = {
    "stand-in": STAND_IN,
    "list": shown_form(renderer(LISTED)),
    "single": shown_form(renderer(SINGLE)),
}
CALLS = (("add", '{"a": 1, "b": {"c": "}] \\" {"}}'), ("no_args", "{}"))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_was_written_is_read_back_from_every_prefix(form: CallForm) -> None:
    calls = CALLS if form.between else CALLS[:1]
    text = form.written([ToolCall(id="", name=n, arguments=a) for n, a in calls])
    whole = read_written(form, text, finished=True)
    assert whole == Written("", calls, complete=True)
    before = Written("")
    for size in range(len(text) + 1):
        now = read_written(form, text[:size], finished=False)
        assert now.content == ""  # no part of a call is shown as text
        assert len(now.calls) >= len(before.calls)
        for (name, old), (same, new) in zip(before.calls, now.calls, strict=False):
            assert name == same
            assert new.startswith(old)
        before = now


def test_text_before_a_call_is_content_and_text_alone_is_all_content() -> None:
    call = STAND_IN.written([ToolCall(id="", name="f", arguments="{}")])
    assert read_written(STAND_IN, f"I look.\n{call}", finished=True).content == "I look."
    text = "a < b, <tool"
    assert read_written(STAND_IN, text, finished=True) == Written(text)
    assert read_written(STAND_IN, text, finished=False).content == "a < b,"


def test_a_call_that_was_cut_is_not_complete() -> None:
    text = STAND_IN.start + "f" + STAND_IN.middle + '{"a": "x'
    assert read_written(STAND_IN, text, finished=True) == Written("", (("f", '{"a": "x'),))


def test_a_grammar_is_as_narrow_as_the_choice() -> None:
    tools = [Tool(name="f"), Tool(name="g")]
    free = calls_grammar(STAND_IN, tools, must=False, parallel=True)
    assert "TEXT" in free
    forced = calls_grammar(STAND_IN, tools, must=True, parallel=False)
    assert "TEXT" not in forced
    assert ")*" not in forced
    ordered = calls_grammar(STAND_IN, tools, must=True, parallel=True, in_order=True)
    assert "|" not in ordered.splitlines()[0]
