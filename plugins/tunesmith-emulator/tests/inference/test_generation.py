"""Text generation: every parameter has its effect, and the answer has the service's shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch

MICRO = "tunesmith/micro-granite"
BASE_ID = "ibm/granite-13b-instruct-v2"
PROMPT = "Review: the groomer was gentle and quick. Is it good? Answer:"


def base_body(text: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"model_id": BASE_ID, "project_id": "p", "input": text, "parameters": parameters}


def test_an_answer_has_the_shape_of_the_service(local: Any) -> None:
    answer = local.ask()
    assert answer["model_id"] == "ibm/granite-13b-instruct-v2"
    assert answer["model_version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["created_at"])
    assert "system" not in answer
    (result,) = answer["results"]
    assert result.keys() == {
        "generated_text", "generated_token_count", "input_token_count", "stop_reason",
    }  # fmt: skip
    assert result["generated_text"]
    assert 0 < result["generated_token_count"] <= 20
    assert result["input_token_count"] == 17
    assert result["stop_reason"] == "eos_token"


def test_a_deployment_applies_its_template_and_names_its_base_model(local: Any) -> None:
    answer = local.tuned("The best groomer. Gentle and quick.", return_options={"input_text": True})
    assert answer["model_id"] == "ibm/granite-13b-instruct-v2"
    text = answer["results"][0]["generated_text"]
    prompt = "Is the review good? The best groomer. Gentle and quick. Answer:"
    assert text.removeprefix(prompt) in (" 0", " 1")  # as it was tuned: behind a word, a space


def test_max_new_tokens_ends_the_text(local: Any) -> None:
    result = local.result(max_new_tokens=3)
    assert result["generated_token_count"] == 3
    assert result["stop_reason"] == "max_tokens"
    assert local.result(max_new_tokens=0)["generated_text"] == ""


def test_min_new_tokens_holds_back_the_end(local: Any) -> None:
    alone = local.result()["generated_token_count"]
    assert local.result(min_new_tokens=alone + 5)["generated_token_count"] >= alone + 5


def test_a_stop_sequence_ends_the_text_and_may_be_left_out(local: Any) -> None:
    whole = local.result()["generated_text"]
    stop = whole[3:6]
    kept = local.result(stop_sequences=[stop])
    assert kept["generated_text"] == whole[: whole.index(stop) + len(stop)]
    assert kept["stop_reason"] == "stop_sequence"
    cut = local.result(stop_sequences=[stop], include_stop_sequence=False)
    assert cut["generated_text"] == whole[: whole.index(stop)]


def test_sampling_with_a_seed_repeats_and_the_seed_is_echoed(local: Any) -> None:
    def drawn(seed: int) -> dict[str, Any]:
        return local.result(decoding_method="sample", temperature=2, random_seed=seed)

    first = drawn(7)
    assert first["seed"] == 7
    assert drawn(7) == first
    assert {drawn(seed)["generated_text"] for seed in range(1, 6)} != {first["generated_text"]}


def test_a_low_temperature_top_k_or_top_p_make_sampling_greedy(local: Any) -> None:
    greedy = local.result(min_new_tokens=20)["generated_text"]
    common = {"decoding_method": "sample", "random_seed": 5, "min_new_tokens": 20}
    assert local.result(**common, temperature=2)["generated_text"] != greedy
    assert local.result(**common, temperature=2, top_k=1)["generated_text"] == greedy
    assert local.result(**common, temperature=2, top_p=1e-6)["generated_text"] == greedy
    assert local.result(**common, temperature=0)["generated_text"] == greedy


def test_a_repetition_penalty_changes_a_text_that_repeats(local: Any) -> None:
    common = {"min_new_tokens": 60, "max_new_tokens": 60}
    plain, penalized = local.result(**common), local.result(**common, repetition_penalty=2)

    def different_words(result: dict[str, Any]) -> int:
        return len(set(result["generated_text"].split()))

    assert different_words(penalized) > different_words(plain)


def test_a_length_penalty_ends_the_text_sooner(local: Any) -> None:
    text = "Review: the groomer was gentle"
    plain = local.result(text)["generated_token_count"]
    hurried = local.result(text, length_penalty={"decay_factor": 5.0, "start_index": 2})
    assert hurried["generated_token_count"] < plain
    assert hurried["stop_reason"] == "eos_token"


def test_truncate_input_tokens_cuts_from_the_left(local: Any) -> None:
    result = local.result(
        "one two three. " * 30 + "Is it good? Answer:",
        truncate_input_tokens=6,
        return_options={"input_text": True},
    )
    assert result["input_token_count"] <= 6
    assert result["generated_text"].lstrip().startswith("Is it good? Answer:")


def test_truncation_lets_a_long_input_pass(local: Any) -> None:
    text = "gentle and quick, " * 300
    body = {"model_id": "ibm/granite-13b-instruct-v2", "project_id": "p", "input": text}
    assert local.refusal("text/generation", body)["code"] == "invalid_input_argument"
    assert local.result(text, truncate_input_tokens=50)["input_token_count"] <= 50


def test_a_time_limit_returns_the_text_so_far(local: Any) -> None:
    result = local.result(time_limit=1, min_new_tokens=200, max_new_tokens=200)
    assert result["stop_reason"] == "time_limit"
    assert result["generated_token_count"] < 200


def test_return_options_bring_the_prompt_and_the_tokens(local: Any) -> None:
    options = {
        "input_text": True,
        "generated_tokens": True,
        "token_logprobs": True,
        "token_ranks": True,
        "top_n_tokens": 2,
    }
    plain = local.result("Is it good?", max_new_tokens=4)
    result = local.result("Is it good?", max_new_tokens=4, return_options=options)
    assert result["generated_text"] == "Is it good?" + plain["generated_text"]
    assert len(result["generated_tokens"]) == 4
    for token in result["generated_tokens"]:
        assert token["text"]
        assert token["logprob"] <= 0
        assert token["rank"] == 1  # greedy takes the first
        assert token["top_tokens"][0]["text"] == token["text"]
        assert len(token["top_tokens"]) == 2
    bare = local.result("Is it good?", return_options={"generated_tokens": True})
    assert all(token.keys() == {"text"} for token in bare["generated_tokens"])


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"decoding_method": "greedy"},
        {"max_new_tokens": 20},
        {"stop_sequences": [], "repetition_penalty": 1.0, "truncate_input_tokens": 0},
        {"temperature": None, "return_options": {"input_text": False, "top_n_tokens": False}},
        {"length_penalty": None, "return_options": None, "prompt_variables": {}},
    ],
)
def test_explicit_defaults_change_nothing(local: Any, parameters: dict[str, Any]) -> None:
    assert local.ask(**parameters)["results"] == local.ask()["results"]


def test_absent_and_null_parameters_are_the_defaults(local: Any) -> None:
    body = {"model_id": "ibm/granite-13b-instruct-v2", "space_id": "s", "input": "Is it good?"}
    expected = local.result("Is it good?")
    for given in (body, {**body, "parameters": None}, {**body, "moderations": {}, "crypto": None}):
        assert local.post("text/generation", given).json()["results"] == [expected]


def test_sampling_parameters_of_greedy_decoding_are_named_in_a_warning(local: Any) -> None:
    answer = local.ask(temperature=0.7, top_k=50, top_p=0.5, random_seed=3)
    assert answer["results"] == local.ask()["results"]
    messages = [warning["message"] for warning in answer["system"]["warnings"]]
    assert messages == [
        f"parameters.{name} has no effect on greedy decoding"
        for name in ("temperature", "top_k", "top_p")
    ]


def test_unknown_parameters_are_tolerated_and_named(local: Any) -> None:
    answer = local.ask(stream=True, token="t")
    assert answer["results"] == local.ask()["results"]
    messages = [warning["message"] for warning in answer["system"]["warnings"]]
    assert messages == [
        "parameters.stream is not known and has no effect",
        "parameters.token is not known and has no effect",
    ]


def test_a_truncated_input_has_a_note(local: Any) -> None:
    assert "system" not in local.tuned("Gentle and quick.")
    (warning,) = local.tuned("Gentle and quick. " * 100)["system"]["warnings"]
    assert "max_input_tokens" in warning["message"]
    assert warning["id"] == "input_truncated"


def test_the_id_of_a_warning_is_not_decided_by_names_of_the_client(local: Any) -> None:
    (warning,) = local.ask(**{"the input was cut from the left": 1})["system"]["warnings"]
    assert "the input was cut from the left is not known" in warning["message"]
    assert warning["id"] == "emulator"


def test_warnings_of_the_model_ride_on_its_answers(local: Any) -> None:
    entry = local.entries["ibm/granite-13b-instruct-v2"]
    entry.warnings.append({"id": "deprecation_warning", "message": "It is deprecated."})
    try:
        assert local.ask()["system"]["warnings"] == entry.warnings
    finally:
        entry.warnings.clear()


@pytest.mark.parametrize("asked", ["token_logprobs", "token_ranks", "top_n_tokens"])
def test_tokens_of_the_input_are_returned_with_the_fields_asked_for(local: Any, asked: str) -> None:
    options = {"input_tokens": True, asked: 2 if asked == "top_n_tokens" else True}
    result = local.result("gentle and quick", max_new_tokens=0, return_options=options)
    name = {"token_logprobs": "logprob", "token_ranks": "rank", "top_n_tokens": "top_tokens"}[asked]
    first, *others = result["input_tokens"]
    assert set(first) == {"text"}  # nothing is before it
    assert all(set(token) == {"text", name} for token in others)
    assert len(result["input_tokens"]) == result["input_token_count"]
    assert result["generated_text"] == ""


def test_tokens_of_the_input_have_the_log_probabilities_of_the_model(local: Any) -> None:
    text = "Review: the groomer was gentle."
    base = local.engine.backend._catalog.load(MICRO)
    ids = base.tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        scores = base.model(input_ids=ids).logits[0].log_softmax(-1)
    expected = [float(scores[i, token]) for i, token in enumerate(ids[0, 1:])]
    options = {"input_tokens": True, "token_logprobs": True}
    tokens = local.result(text, return_options=options)["input_tokens"]
    assert [token["logprob"] for token in tokens[1:]] == pytest.approx(expected, abs=1e-4)
    assert [token["text"] for token in tokens] == base.tokenizer.convert_ids_to_tokens(ids[0])


def test_a_tuned_model_reads_its_input_behind_its_prompt(local: Any) -> None:
    options = {"input_tokens": True, "token_logprobs": True}
    answer = local.tuned("Gentle.", max_new_tokens=0, return_options=options)["results"][0]
    told = "".join(token["text"] for token in answer["input_tokens"]).replace("Ġ", " ")
    assert told == "Is the review good? Gentle. Answer:"
    assert all(token["logprob"] <= 0 for token in answer["input_tokens"])  # the first as well


@pytest.fixture
def larger(local: Any) -> Iterator[Any]:
    """The entry of a model that reads more than its stand-in, which has 1024 positions."""
    entry = local.entries[BASE_ID]
    entry.max_sequence_length, entry.max_new_tokens = 4096, 4095
    yield local
    entry.max_sequence_length, entry.max_new_tokens = 512, 256


def chat_body(text: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model_id": BASE_ID, "project_id": "p", "messages": messages}


def warned(answer: dict[str, Any]) -> list[str]:
    return [warning["message"] for warning in answer["system"]["warnings"]]


def test_a_prompt_that_only_the_real_model_reads_is_cut_with_a_warning(larger: Any) -> None:
    text = "gentle " * 1500
    answer = larger.ask(text, max_new_tokens=8)
    (result,) = answer["results"]
    assert result["input_token_count"] == 1016
    assert warned(answer) == [
        "the input was cut from the left to 1016 tokens, because the model that answers has 1024 "
        "positions"
    ]
    body = base_body(text, {"max_new_tokens": 8})
    first, *pieces = [e["data"] for e in larger.events("text/generation_stream", body)][1:]
    assert warned(first) == warned(answer)
    told = "".join(piece["results"][0]["generated_text"] for piece in pieces)
    assert told == result["generated_text"]
    own = larger.ask(text, max_new_tokens=8, truncate_input_tokens=1016)
    assert own["results"] == answer["results"]
    assert "system" not in own


def test_an_answer_may_take_half_of_the_positions_of_the_stand_in(larger: Any) -> None:
    answer = larger.ask(PROMPT, max_new_tokens=2000)
    assert ["parameters.max_new_tokens was lowered to" in text for text in warned(answer)] == [True]
    body = base_body("gentle " * 1500, {"max_new_tokens": 2000, "min_new_tokens": 600})
    body["parameters"]["time_limit"] = 1  # the shape of the answer is enough
    answer = larger.post("text/generation", body).json()
    assert answer["results"][0]["input_token_count"] == 512
    assert len(warned(answer)) == 2
    refused = larger.refusal("text/generation", base_body("gentle " * 5000, {}))
    assert "4096" in refused["message"]


def test_a_long_chat_is_cut_too(larger: Any) -> None:
    text = "gentle " * 1500
    for limit in ({}, {"max_tokens": 8}):
        answer = larger.chat(text, **limit)
        assert 900 < answer["usage"]["prompt_tokens"] < 1024
        assert "cut from the left" in warned(answer)[0]
        (*_, last) = larger.events("text/chat_stream", chat_body(text) | limit)
        assert warned(last["data"]) == warned(answer)
    assert "system" not in larger.chat(PROMPT)


def test_a_tuned_model_answers_with_any_limit_of_the_real_model(larger: Any) -> None:
    plain = larger.tuned("Gentle.")["results"]
    answer = larger.tuned("Gentle.", max_new_tokens=4000)
    assert answer["results"] == plain
    assert "parameters.max_new_tokens was lowered to 512" in warned(answer)[0]
