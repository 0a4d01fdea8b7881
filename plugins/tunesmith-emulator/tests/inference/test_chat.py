"""Chat: a plain template over text generation."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith_serve.messages import base_prompt, read_messages, tuned_input

MODEL = "ibm/granite-13b-instruct-v2"
PROMPT = "Review: the groomer was gentle and quick. Is it good? Answer:"
LONG = "Write a review of a bakery."
"""A message that the embedded model answers at length."""


def say(role: str, content: object) -> dict[str, Any]:
    return {"role": role, "content": content}


def chat_of(*messages: Any, **fields: Any) -> dict[str, Any]:
    found = [say("user", m) if isinstance(m, str) else m for m in messages]
    return {"model_id": MODEL, "project_id": "p", "messages": found, **fields}


def test_an_answer_has_the_shape_of_the_service(local: Any) -> None:
    answer = local.chat(PROMPT)
    assert answer["id"].startswith("chatcmpl-")
    assert answer["model_id"] == answer["model"] == MODEL
    assert isinstance(answer["created"], int)
    assert answer["created_at"].endswith("Z")
    (choice,) = answer["choices"]
    assert choice["index"] == 0
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_chat_of_one_message_is_its_text_generation(local: Any) -> None:
    result = local.result(PROMPT + "\n")  # as the embedded model's chat template renders it
    answer = local.chat(PROMPT)
    assert answer["choices"][0]["message"]["content"] == result["generated_text"]
    assert answer["usage"]["prompt_tokens"] == result["input_token_count"]


def test_the_template_puts_the_last_user_message_last() -> None:
    messages = read_messages(
        [say("system", "Be short."), say("user", "Hi"), say("assistant", "Hello."),
         say("user", [{"type": "text", "text": "Is it"}, {"type": "text", "text": "good?"}])]
    )  # fmt: skip
    assert base_prompt(messages) == "Be short.\n\nUser: Hi\nAssistant: Hello.\n\nIs it\ngood?"


def test_an_unanswered_tool_result_leaves_the_turn_to_the_assistant() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages = read_messages(
        [say("user", "Rain?"), {"role": "assistant", "content": None, "tool_calls": calls},
         {"role": "tool", "tool_call_id": "1", "content": "no"}]
    )  # fmt: skip
    prompt = base_prompt(messages)
    assert prompt.startswith('User: Rain?\nAssistant: <tool_call>\n{"name": "f"')
    assert prompt.endswith("Tool: no\n\nAssistant:")


def test_a_tuned_model_reads_only_the_last_user_message(local: Any) -> None:
    text = "Rude, dirty and they hurt my dog. Never again."
    label = local.tuned(text)["results"][0]["generated_text"]
    path, alone = "deployments/tuned/text/chat", {"messages": [say("user", text)]}
    answer = local.post(path, alone).json()
    assert answer["choices"][0]["message"]["content"] == label
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "system" not in answer
    more = {"messages": [say("system", "Say hello."), say("user", "Hi"), say("user", text)]}
    answer = local.post(path, more).json()
    assert answer["choices"][0]["message"]["content"] == label
    assert "2 other messages were not read" in answer["system"]["warnings"][0]["message"]


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_a_chat_without_a_user_is_answered(local: Any, role: str) -> None:
    text = "Rude, dirty and they hurt my dog. Never again."
    asked = chat_of(say("system", "Be short."), say(role, text))
    label = local.tuned(text)["results"][0]["generated_text"]
    tuned = {"messages": asked["messages"]}
    for path, body in (("text/", asked), ("deployments/tuned/text/", tuned)):
        answer = local.post(f"{path}chat", body)
        assert answer.status_code == 200, answer.text
        events = local.events(f"{path}chat_stream", body)
        pieces = [event["data"]["choices"][0]["delta"]["content"] for event in events[:-1]]
        told = answer.json()["choices"][0]["message"]["content"]
        assert "".join(pieces) == told
        assert path == "text/" or told == label


def test_without_a_user_the_assistant_has_the_turn() -> None:
    assert base_prompt(read_messages([say("system", "Hi.")])) == "Hi.\n\nAssistant:"
    hello = read_messages([say("system", "Hi."), say("assistant", "Yes?")])
    assert base_prompt(hello) == "Hi.\n\nAssistant: Yes?\n\nAssistant:"


def test_the_prompt_of_a_tuned_model_is_no_template() -> None:
    assert tuned_input(read_messages([say("user", "a b")])) == ("a b", [])


def test_max_tokens_end_the_answer(local: Any) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        answer = local.chat(LONG, **{name: 2})
        assert answer["usage"]["completion_tokens"] == 2
        assert answer["choices"][0]["finish_reason"] == "length"
    assert (
        local.chat(LONG, max_tokens=50, max_completion_tokens=2)["usage"]["completion_tokens"] == 2
    )


def test_without_max_tokens_the_room_of_the_model_is_the_limit(local: Any) -> None:
    entry = local.entries[MODEL]
    for longest, most in ((None, None), (512, None), (100, None), (512, 30)):
        entry.max_sequence_length, entry.max_new_tokens = longest, most
        try:
            for fields in ({}, {"max_tokens": 0}):
                answer = local.chat(PROMPT, **fields)
                assert answer["choices"][0]["message"]["content"]
        finally:
            entry.max_sequence_length, entry.max_new_tokens = 512, 256
    long = local.chat("gentle and quick, " * 100)
    assert long["usage"]["prompt_tokens"] > 300


def test_a_chat_that_does_not_fit_is_refused(local: Any) -> None:
    assert local.refusal("text/chat", chat_of(PROMPT, max_tokens=300))["code"]
    error = local.refusal("text/chat", chat_of("gentle " * 600))
    assert error["code"] == "invalid_input_argument"
    assert local.refusal("text/chat_stream", chat_of("gentle " * 600)) == error


def test_a_temperature_or_a_seed_asks_for_sampling(local: Any) -> None:
    greedy = local.chat(PROMPT, max_tokens=20)["choices"]
    assert local.chat(PROMPT, max_tokens=20, temperature=0, seed=3)["choices"] == greedy
    first = local.chat(PROMPT, max_tokens=20, temperature=2, seed=3)["choices"]
    assert first != greedy
    assert local.chat(PROMPT, max_tokens=20, temperature=2, seed=3)["choices"] == first
    others = [local.chat(PROMPT, max_tokens=20, temperature=2, seed=s) for s in (-1, 0, 2**40)]
    assert any(other["choices"] != first for other in others)
    focused = local.chat(PROMPT, max_tokens=20, temperature=2, top_p=1e-6, seed=3)
    assert focused["choices"] == greedy


def test_a_stop_ends_the_answer_and_is_not_part_of_it(local: Any) -> None:
    whole = local.chat(LONG)["choices"][0]["message"]["content"]
    stop = whole[3:6]
    for given in (stop, [stop]):
        choice = local.chat(LONG, stop=given)["choices"][0]
        assert choice["message"]["content"] == whole[: whole.index(stop)]
        assert choice["finish_reason"] == "stop"


def test_penalties_and_the_time_limit_have_their_effect(local: Any) -> None:
    text = LONG
    plain = local.chat(text, max_tokens=60)["choices"][0]["message"]["content"]
    assert (
        local.chat(text, max_tokens=60, repetition_penalty=2)["choices"][0]["message"]["content"]
        != plain
    )
    short = local.chat(text, length_penalty={"decay_factor": 5.0, "start_index": 1})
    assert len(short["choices"][0]["message"]["content"]) < len(plain)
    limited = local.chat(text, time_limit=1)
    assert limited["choices"][0]["finish_reason"] == "time_limit"


def test_logprobs_come_with_the_tokens(local: Any) -> None:
    answer = local.chat(LONG, max_tokens=3, logprobs=True)
    content = answer["choices"][0]["logprobs"]["content"]
    assert len(content) == 3
    assert all(token["logprob"] <= 0 and token["token"] for token in content)
    assert "logprobs" not in local.chat(PROMPT, logprobs=False)["choices"][0]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}},
        {"response_format": {"type": "text"}, "tools": [], "tool_choice_option": "none"},
        {"include_reasoning": False, "chat_template_kwargs": {}, "length_penalty": 1.0},
        {"tool_choice": "auto", "reasoning_effort": "none"},
        {"model": "anything", "stream": False, "guided_choice": None, "moderations": {}},
        {"logprobs": False, "top_logprobs": 0, "context": ""},
    ],
)
def test_fields_that_ask_for_nothing_are_accepted(local: Any, fields: dict[str, Any]) -> None:
    answer = local.chat(PROMPT, **fields)
    assert answer["choices"] == local.chat(PROMPT)["choices"]
    assert "system" not in answer


def test_a_length_penalty_that_is_a_number_is_refused_by_name(local: Any) -> None:
    for path in ("text/chat", "text/chat_stream"):
        error = local.refusal(path, chat_of(PROMPT, length_penalty=2.0))
        assert error["target"] == {"type": "field", "name": "length_penalty"}
        assert error["code"] == "unsupported"


def test_reasoning_of_a_model_without_it_is_named_in_a_warning(local: Any) -> None:
    answer = local.chat(PROMPT, include_reasoning=True, reasoning_effort="low")
    assert "reasoning_content" not in answer["choices"][0]["message"]
    (warning,) = answer["system"]["warnings"]
    assert "chat template" in warning["message"]


def test_the_context_is_read_before_the_last_message_of_the_user(local: Any) -> None:
    told = local.chat("gentle", context="Today is Wednesday.", max_tokens=5)
    assert told["choices"] == local.chat("Today is Wednesday. gentle", max_tokens=5)["choices"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", -1),
        ("max_tokens", False),
        ("temperature", 3),
        ("top_p", 0),
        ("seed", "x"),
        ("stop", 5),
        ("stop", ""),
        ("stop", ["x", ""]),
        ("time_limit", 0),
        ("repetition_penalty", 3),
        ("length_penalty", {"decay_factor": 0.5}),
        ("logprobs", "yes"),
        ("top_logprobs", 2),
        ("n", 0),
        ("n", 9),
        ("frequency_penalty", 3),
        ("presence_penalty", "x"),
        ("logit_bias", {"x": 1}),
        ("logit_bias", {"999999": 1}),
        ("response_format", {"type": "xml"}),
        ("guided_choice", []),
        ("guided_regex", "[a"),
        ("guided_grammar", "start: nothing"),
        ("guided_json", {"not": {}}),
        ("tools", [5]),
        ("tool_choice", "sometimes"),
        ("tool_choice_option", "required"),
        ("chat_template_kwargs", 5),
        ("reasoning_effort", "huge"),
        ("include_reasoning", "x"),
        ("context", 5),
    ],
)
def test_a_wrong_value_is_refused_in_the_words_of_chat(
    local: Any, field: str, value: object
) -> None:
    error = local.refusal("text/chat", chat_of(PROMPT, **{field: value}))
    named = error["target"]["name"]
    assert named.startswith(field) or (field, named) == ("tool_choice_option", "tool_choice")
    assert named in error["message"]


def test_unknown_fields_are_tolerated_and_named(local: Any) -> None:
    answer = local.chat(PROMPT, stream_options={"include_usage": True})
    (warning,) = answer["system"]["warnings"]
    assert warning["message"] == "stream_options is not known and has no effect"


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        (None, "messages"),
        ([], "messages"),
        ("hello", "messages"),
        (["hello"], "messages[0]"),
        ([say("robot", "hello")], "messages[0].role"),
        ([say("user", None)], "messages[0].content"),
        ([say("user", [])], "messages[0].content"),
        ([say("user", "a"), say("assistant", 5)], "messages[1].content"),
        ([say("user", [{"type": "text"}])], "messages[0].content[0]"),
        (
            [say("user", "a"), {"role": "assistant", "tool_calls": [{}]}],
            "messages[1].tool_calls[0]",
        ),
    ],
)
def test_wrong_messages_are_refused_by_name(local: Any, messages: object, named: str) -> None:
    body = {"model_id": MODEL, "project_id": "p", "messages": messages}
    assert local.refusal("text/chat", body)["target"]["name"] == named


def test_images_are_refused(local: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    error = local.refusal("text/chat", chat_of(say("user", [image])))
    assert error["code"] == "unsupported"
    assert "image_url" in error["message"]


def test_a_stream_is_the_chat_in_pieces_and_ends_with_its_usage(local: Any) -> None:
    whole = local.chat(PROMPT)
    chunks = [event["data"] for event in local.events("text/chat_stream", chat_of(PROMPT))]
    assert len({chunk["id"] for chunk in chunks}) == 1
    *pieces, last = chunks
    choices = [piece["choices"][0] for piece in pieces]
    assert (
        "".join(choice["delta"]["content"] for choice in choices)
        == (whole["choices"][0]["message"]["content"])
    )
    assert [choice["delta"].get("role") for choice in choices] == (
        ["assistant"] + [None] * (len(choices) - 1)
    )
    assert [choice["finish_reason"] for choice in choices] == (
        [None] * (len(choices) - 1) + ["stop"]
    )
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]


def test_a_streamed_chat_has_each_token_once(local: Any) -> None:
    asked = chat_of(PROMPT, max_tokens=4, logprobs=True)
    events = local.events("text/chat_stream", asked)
    found = [
        token["token"]
        for event in events[:-1]
        for token in event["data"]["choices"][0]["logprobs"]["content"]
    ]
    whole = local.chat(PROMPT, max_tokens=4, logprobs=True)["choices"][0]["logprobs"]["content"]
    assert found == [token["token"] for token in whole]


def test_a_deployment_streams_its_chat(local: Any) -> None:
    body = {"messages": [say("user", "Gentle.")]}
    events = local.events("deployments/tuned/text/chat_stream", body)
    text = "".join(event["data"]["choices"][0]["delta"]["content"] for event in events[:-1])
    assert text == local.tuned("Gentle.")["results"][0]["generated_text"]
