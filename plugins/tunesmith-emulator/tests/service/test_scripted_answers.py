"""Scripted answers: a test says what the model answers, and to which request."""

from __future__ import annotations

import json
import math
import time

import pytest
from service_rest import MODEL_ID, refusal

from tunesmith import Experiment, connect
from tunesmith.errors import ExperimentError
from tunesmith_emulator import Emulator

GENERATION, CHAT = "/ml/v1/text/generation", "/ml/v1/text/chat"
MARK = {"tunesmith": {"script": "#1"}}


@pytest.fixture
def model(sdk):
    from ibm_watsonx_ai.foundation_models import ModelInference

    return ModelInference(model_id=MODEL_ID, api_client=sdk)


def said(*texts):
    return [{"role": "user", "content": text} for text in texts]


def generated(rest, text, **fields):
    return rest.post(GENERATION, {"model_id": MODEL_ID, "input": text, **fields})


def chatted(rest, *texts, **fields):
    return rest.post(CHAT, {"model_id": MODEL_ID, "messages": said(*texts), **fields})


def first(answer):
    return answer["results"][0]["generated_text"]


def test_the_sdk_generates_what_was_scripted(model, emulator):
    emulator.answer({"prompt": r"capital of (\w+)"}, text="Paris, of course.")
    answer = model.generate("The capital of France is")
    (result,) = answer["results"]
    assert result == {
        "generated_text": "Paris, of course.",
        "generated_token_count": 3,
        "input_token_count": 5,
        "stop_reason": "eos_token",
    }
    assert "tunesmith" in answer
    pieces = list(model.generate_text_stream("The capital of France is"))
    assert [piece for piece in pieces if piece] == ["Paris,", " of", " course."]


def test_reasoning_is_shown_unless_the_request_asks_for_none(model, emulator):
    emulator.answer(text="It is 4.", reasoning="2 and 2.")
    message = model.chat(messages=said("2 + 2?"))["choices"][0]["message"]
    assert message == {
        "role": "assistant", "content": "It is 4.", "reasoning_content": "2 and 2.",
    }  # fmt: skip
    first, second, *_ = model.chat_stream(messages=said("2 + 2?"))
    thought = {"role": "assistant", "reasoning_content": "2 and 2."}
    assert first["choices"][0]["delta"] == thought
    assert second["choices"][0]["delta"] == {"content": "It"}
    without = {"include_reasoning": False}
    message = model.chat(messages=said("2 + 2?"), params=without)["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "It is 4."}
    first, *_ = model.chat_stream(messages=said("2 + 2?"), params=without)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "It"}


@pytest.mark.parametrize("path", [GENERATION, f"{GENERATION}_stream"])
def test_guardrails_look_at_a_scripted_answer(rest, emulator, path):
    emulator.answer(text="I hate this damn world. Call 333-452-3123.")
    on, off = {"enabled": True}, {"enabled": False}
    guards = {"hap": {"input": off, "output": on}, "pii": {"input": on, "output": on, "mask": {}}}
    options = {"parameters": {"return_options": {"input_text": True}}}

    def asked(text):
        body = {"model_id": MODEL_ID, "input": text, "moderations": guards, **options}
        response = rest.ask("POST", path, body)
        assert response.status_code == 200
        *_, data = response.text.rpartition("data: ")  # the last event, or the whole body
        return json.loads(data)

    (result,) = asked("What a damn day!")["results"]
    assert result["generated_text"] == (
        "What a damn day!I hate this damn world. Call ************."
    )
    (word,) = result["moderations"]["hap"]
    (number,) = result["moderations"]["pii"]
    assert (word["word"], word["position"]) == ("damn", {"start": 12, "end": 16})
    assert (number["entity"], number["input"]) == ("PhoneNumber", False)
    withheld = asked("My number is 333-452-3123")
    assert withheld["system"]["warnings"][0]["id"] == "UNSUITABLE_INPUT"
    assert withheld["tunesmith"]
    (result,) = withheld["results"]
    assert (result["generated_text"], result["generated_token_count"]) == ("", 0)
    assert result["moderations"]["pii"][0]["input"] is True
    assert result["stop_reason"] == "not_finished"


def test_the_sdk_chats_as_was_scripted(model, emulator):
    emulator.answer(chunks=["Hel", "lo"], finish_reason="length", usage={
        "prompt_tokens": 7, "completion_tokens": 2})  # fmt: skip
    answer = model.chat(messages=said("Hello?"))
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hello"}
    assert choice["finish_reason"] == "length"
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    *pieces, last = model.chat_stream(messages=said("Hello?"))
    assert [piece["choices"][0]["delta"].get("content") for piece in pieces] == ["Hel", "lo"]
    assert [piece["choices"][0]["finish_reason"] for piece in pieces] == [None, "length"]
    assert (last["choices"], last["usage"]) == ([], answer["usage"])


def test_the_sdk_gets_tool_calls_whole_and_in_pieces(model, emulator):
    emulator.answer(
        {"route": "*/text/chat*"},
        tool_calls=[
            {"name": "add", "arguments": {"a": 2, "b": 3}, "id": "call-1"},
            {"name": "broken", "arguments": "{not json"},
        ],
    )
    (choice,) = model.chat(messages=said("2 + 3?"))["choices"]
    add, broken = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert (add["id"], add["type"], add["function"]["name"]) == ("call-1", "function", "add")
    assert json.loads(add["function"]["arguments"]) == {"a": 2, "b": 3}
    assert broken["function"]["arguments"] == "{not json"

    joined = {0: "", 1: ""}
    for piece in model.chat_stream(messages=said("2 + 3?")):
        for one in piece["choices"]:
            (call,) = one["delta"]["tool_calls"]
            joined[call["index"]] += call["function"]["arguments"]
    assert json.loads(joined[0]) == {"a": 2, "b": 3}
    assert joined[1] == "{not json"


def test_an_error_comes_in_the_middle_of_a_stream(model, emulator):
    from ibm_watsonx_ai.wml_client_error import WMLClientError

    emulator.answer(text="one two three", error={"after_chunks": 2, "message": "It is gone."})
    words = model.generate_text_stream("count")
    assert [next(words) for _ in range(3)] == ["", "one", " two"]
    with pytest.raises(WMLClientError, match=r"It is gone\."):
        next(words)
    chunks = model.chat_stream(messages=said("count"))
    assert [next(chunks)["choices"][0]["delta"]["content"] for _ in range(2)] == ["one", " two"]
    with pytest.raises(WMLClientError, match=r"It is gone\."):
        next(chunks)


def test_an_error_replaces_an_answer(rest, emulator):
    emulator.answer(error={"status": 418, "code": "teapot", "message": "Short and stout."})
    for path in (GENERATION, f"{GENERATION}_stream"):
        error = refusal(rest.ask("POST", path, {"model_id": MODEL_ID, "input": "tea"}), 418)
        assert (error["code"], error["message"]) == ("teapot", "Short and stout.")
    assert emulator.requests[-1]["script"] == "#1"


def test_probabilities_are_the_logprobs_of_both_apis(rest, emulator):
    emulator.answer(probabilities={"no": 0.2, "yes": 0.7})
    options = {"generated_tokens": True, "token_logprobs": True, "top_n_tokens": 2}
    (result,) = generated(rest, "Well?", parameters={"return_options": options})["results"]
    assert result["generated_text"] == "yes"
    (token,) = result["generated_tokens"]
    assert token["logprob"] == pytest.approx(math.log(0.7))
    assert [top["text"] for top in token["top_tokens"]] == ["yes", "no"]
    (choice,) = chatted(rest, "Well?", logprobs=True, top_logprobs=1)["choices"]
    (told,) = choice["logprobs"]["content"]
    assert told["logprob"] == token["logprob"]
    assert [top["token"] for top in told["top_logprobs"]] == ["yes"]
    assert "logprobs" not in chatted(rest, "Well?")["choices"][0]


def test_the_nth_call_and_the_latest_script_come_first(rest, emulator):
    emulator.script([
        {"match": {"nth": 2}, "answer": {"text": "second"}},
        {"match": {"nth": 3}, "answer": {"text": "third"}},
        {"name": "the rest", "answer": {"text": "other"}},
    ])  # fmt: skip
    said_now = [first(generated(rest, "x")) for _ in range(4)]
    assert said_now == ["other", "second", "third", "other"]
    emulator.answer({"prompt": "now"}, text="newer")
    assert [first(generated(rest, text)) for text in ("right now", "x")] == ["newer", "other"]
    assert [seen["script"] for seen in emulator.requests][-2:] == ["#4", "the rest"]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"last_message": "^and"}, True),
        ({"last_message": "hello"}, False),
        ({"prompt": "hello"}, True),
        ({"model": "ibm/*"}, True),
        ({"model": "meta-llama/*"}, False),
        ({"route": "POST /ml/v1/text/chat"}, True),
        ({"route": "*generation*"}, False),
        ({"deployment": "*"}, True),
        ({"deployment": "tuned"}, False),
    ],
    ids=str,
)
def test_a_match_is_about_the_request(rest, emulator, match, hit):
    emulator.answer(text="other")
    emulator.answer(match, text="hit")
    answer = chatted(rest, "hello", "and now?")
    assert answer["choices"][0]["message"]["content"] == ("hit" if hit else "other")


def test_a_deployment_is_scripted_by_its_name(rest, emulator):
    deployment = rest.deploy(rest.tuned(), "groomer")
    rest.ready(deployment)
    emulator.answer({"deployment": "groomer", "model": MODEL_ID}, text="scripted")
    assert rest.generate("groomer") == "scripted"
    assert rest.generate(deployment) in ("0", "1")
    emulator.answer({"deployment": "gone"}, text="scripted")
    assert rest.ask("POST", "/ml/v1/deployments/gone/text/generation", {"input": "x"}
                    ).status_code == 404  # fmt: skip


def test_no_model_is_loaded_but_it_must_exist(start, rest_for):
    running = start("local", answers=[{"answer": {"text": "quick"}}], as_of=None)
    client = rest_for(running)
    assert first(generated(client, "x")) == "quick"
    assert not running.services.engine.connected
    unknown = client.ask("POST", GENERATION, {"model_id": "no/such", "input": "x"})
    assert refusal(unknown, 404)["code"] == "model_not_supported"


def test_a_delay_holds_up_this_answer_alone(rest, emulator):
    emulator.answer({"prompt": "slow"}, text="late", delay=0.4)
    emulator.answer({"prompt": "fast"}, text="soon")
    started = time.monotonic()
    assert first(generated(rest, "fast")) == "soon"
    assert first(generated(rest, "slow")) == "late"
    assert time.monotonic() - started >= 0.4


def test_the_control_plane_places_lists_and_deletes(rest, emulator):
    order = {"answers": [{"name": "a", "match": {"prompt": "x"}, "answer": {"text": "y"}}]}
    placed = rest.http.post("/_emulator/answers", json=order)
    assert placed.status_code == 201
    assert first(generated(rest, "x")) == "y"
    (listed,) = rest.http.get("/_emulator/answers").json()["answers"]
    assert (listed["name"], listed["calls"], listed["answer"]["text"]) == ("a", 1, "y")
    assert rest.http.delete("/_emulator/answers").status_code == 204
    assert rest.http.get("/_emulator/answers").json() == {"answers": []}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"match": {"prompt": "("}, "answer": {"text": "x"}}, "answers.0.match.prompt"),
        ({"answer": {}}, "needs text, chunks, probabilities, tool_calls or error"),
        ({"answer": {"text": "a", "chunks": ["a"]}}, "give one of text, chunks"),
        ({"answer": {"probabilities": {"a": 0.9, "b": 0.3}}}, "add up to more than 1"),
        ({"answer": {"text": "a", "colour": 1}}, "answers.0.answer.colour"),
        ({"answer": {"text": "a"}, "name": "line\nbreak"}, "answers.0.name"),
    ],
    ids=str,
)
def test_a_wrong_script_is_refused_and_named_at_every_door(rest, tmp_path, answer, message):
    refused = refusal(rest.http.post("/_emulator/answers", json={"answers": [answer]}), 400)
    assert message in refused["message"].replace("body.", "")
    file = tmp_path / "answers.yaml"
    file.write_text(json.dumps({"answers": [answer]}))
    with pytest.raises(ExperimentError) as error:
        Emulator("sklearn", answers=file)
    assert message in str(error.value)
    assert str(file) in str(error.value)
    with pytest.raises(ExperimentError, match="emulator: answers"):
        Emulator("sklearn", answers=[answer])


def test_a_file_is_the_start_to_which_a_reset_returns(start, rest_for, tmp_path):
    file = tmp_path / "answers.yaml"
    file.write_text("answers:\n  - answer: {text: from the file}\n")
    running = start(answers=file)
    client = rest_for(running)
    running.answer(text="newer")
    assert first(generated(client, "x")) == "newer"
    running.reset()
    assert first(generated(client, "x")) == "from the file"


def test_a_tool_call_needs_a_chat(rest, emulator):
    emulator.answer(tool_calls=[{"name": "f"}])
    refused = rest.ask("POST", GENERATION, {"model_id": MODEL_ID, "input": "x"})
    assert "text generation has none" in refusal(refused, 400)["message"]


def test_a_fault_has_the_body_and_the_headers_that_are_ordered(rest, emulator):
    emulator.fail(
        "GET /v2/projects", status=429, body={"error": "slow down"},
        headers={"X-RateLimit-Reset": "9", "Retry-After": "1"}, retry_after=7,
    )  # fmt: skip
    limited = rest.ask("GET", "/v2/projects")
    assert (limited.status_code, limited.json()) == (429, {"error": "slow down"})
    assert (limited.headers["x-ratelimit-reset"], limited.headers["retry-after"]) == ("9", "1")
    emulator.fail("GET /v2/projects", status=502, body="<html>Bad gateway</html>")
    broken = rest.ask("GET", "/v2/projects")
    assert broken.text == "<html>Bad gateway</html>"
    assert broken.headers["content-type"].startswith("text/plain")
    for wrong in ({"delay": 1, "body": "x"}, {"status": 500, "headers": {"X-A": "a\r\nX-B: b"}},
                  {"status": 500, "headers": {"Content-Length": "3"}}):  # fmt: skip
        order = {"route": "GET *", **wrong}
        assert refusal(rest.http.post("/_emulator/faults", json=order), 400)


@pytest.mark.slow
def test_a_run_with_scripted_answers_says_so(local, tmp_path):
    rows = [{"input": f"visit {n}: {word}", "output": label} for n in range(4)
            for word, label in (("lovely", "good"), ("awful", "bad"))]  # fmt: skip
    for name in ("train", "test"):
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    experiment = Experiment.model_validate({
        "base_model": MODEL_ID,
        "data": {"train": str(tmp_path / "train.json"), "test": str(tmp_path / "test.json")},
        "labels": ["good", "bad"],
        "method": {"name": "zero_shot", "template": "Review: {{input}}\nThe visit was"},
    })  # fmt: skip
    local.answer({"prompt": "lovely"}, probabilities={"good": 0.9, "bad": 0.1})
    local.answer({"prompt": "awful"}, probabilities={"good": 0.2, "bad": 0.8})
    options = {**local.credentials, "project_id": local.project_id}
    with connect("watsonx", store=tmp_path / "store", **options) as backend:
        run = experiment.run(backend, runs_dir=tmp_path / "runs")
    probabilities = {answer.label: answer.probabilities for answer in run.answers("base")}
    assert probabilities["good"] == pytest.approx({"good": 0.9, "bad": 0.1})
    assert run.record.evaluations["base"].accuracy == 1
    assert run.record.scripted >= 3 * len(rows)
    report = (run.directory / "report.md").read_text(encoding="utf-8")
    assert f"{run.record.scripted} answers were scripted for a test" in report
