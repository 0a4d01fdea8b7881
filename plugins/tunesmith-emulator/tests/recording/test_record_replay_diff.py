"""A program is recorded in front of a service, replayed, and compared.

The service is an emulator on this machine: the program keeps IBM's host names.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys

import pytest

from tunesmith_emulator import Emulator

KEY = "a-key-that-nobody-must-read"
PROJECT = "7f0f0f0f-2222-4333-8444-555555555555"
PROGRAM = f"""
import json, sys
import httpx

ml, platform = "https://us-south.ml.cloud.ibm.com", "https://api.dataplatform.cloud.ibm.com"
grant = {{"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": {KEY!r}}}
with httpx.Client(timeout=60) as client:
    signed = client.post("https://iam.cloud.ibm.com/identity/token", data=grant).json()
    client.headers["Authorization"] = f"Bearer {{signed['access_token']}}"
    scope, version = {{"project_id": {PROJECT!r}}}, {{"version": "2026-10-14"}}
    asked = {{"model_id": "ibm/granite-3-8b-instruct", "input": "Say {KEY}", **scope}}
    print(client.post(ml + "/ml/v1/text/generation", json=asked, params=version).json()["results"])
    with client.stream("POST", ml + "/ml/v1/text/generation_stream", json=asked,
                       params=version) as answer:
        print(sum(line.startswith("data:") for line in answer.iter_lines()))
    asset = {{"metadata": {{"name": "rows", "asset_type": "data_asset"}}, "entity": {{}}}}
    made = client.post(platform + "/v2/assets", json=asset, params=scope | version).json()
    ident = made["metadata"]["asset_id"]
    print(client.get(platform + f"/v2/assets/{{ident}}", params=scope).status_code)
    print(client.delete(platform + f"/v2/assets/{{ident}}", params=scope).status_code)
    print(client.get(ml + "/ml/v1/text/embroidery", params=version).status_code)
sys.exit(3)
"""
ANSWERS = [{"answer": {"text": "one two three", "usage": {
    "prompt_tokens": 5, "completion_tokens": 3}}}]  # fmt: skip


def tunesmith(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tunesmith", "emulator", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def service():
    with Emulator("sklearn", answers=ANSWERS) as running:
        yield running


@pytest.fixture(scope="module")
def recorded(service, tmp_path_factory):
    """The recording, and what the command printed."""
    file = tmp_path_factory.mktemp("recorded") / "recording.jsonl"
    place = f"*.ibm.com=127.0.0.1:{service.port}"
    done = tunesmith(
        "record", "--output", file, "--upstream", place, "--ca-file", service.ca_file, "--",
        sys.executable, "-c", PROGRAM,
    )  # fmt: skip
    yield file, done
    gc.collect()


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_program_runs_as_in_front_of_the_service(recorded):
    _, done = recorded
    assert done.returncode == 3, done.stderr
    first, *others = done.stdout.splitlines()
    assert "one two three" in first
    assert others == ["5", "200", "204", "404"]
    assert "recorded 7 requests" in done.stderr


def test_the_recording_has_every_request_and_no_secret(recorded):
    file, _ = recorded
    text = file.read_text(encoding="utf-8")
    assert KEY not in text
    assert "eyJ" not in text
    head, *exchanges = lines(file)
    assert head["format"] == "tunesmith-recording"
    seen = [(e["request"]["host"], e["request"]["path"]) for e in exchanges]
    assert seen[:2] == [
        ("iam.cloud.ibm.com", "/identity/token"),
        ("us-south.ml.cloud.ibm.com", "/ml/v1/text/generation"),
    ]
    asked, told = exchanges[1]["request"], exchanges[1]["response"]
    assert asked["body"]["value"]["input"] == "Say REDACTED"
    assert told["body"]["value"]["results"][0]["generated_text"] == "one two three"
    streamed = exchanges[2]["response"]["body"]
    assert (streamed["kind"], len(streamed["value"])) == ("events", 5)
    assert not list(file.parent.glob("*.partial"))


@pytest.fixture(scope="module")
def replaying(recorded):
    with Emulator("sklearn", replay=recorded[0]) as running:
        yield running
    gc.collect()


def ask(running, path, body, **headers):
    import http.client
    import ssl

    context = ssl.create_default_context(cafile=running.ca_file)
    connection = http.client.HTTPSConnection("127.0.0.1", running.port, context=context)
    try:
        connection.request("POST", f"{path}?version=2026-11-11", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("X-Tunesmith-Replay"), answer.read()
    finally:
        connection.close()


@pytest.fixture
def signed(replaying):
    import http.client
    import ssl

    context = ssl.create_default_context(cafile=replaying.ca_file)
    connection = http.client.HTTPSConnection("127.0.0.1", replaying.port, context=context)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    grant = "apikey=any&grant_type=urn:ibm:params:oauth:grant-type:apikey"
    connection.request("POST", "/identity/token", grant, form)
    token = json.loads(connection.getresponse().read())["access_token"]
    connection.close()
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


ASKED = {"model_id": "ibm/granite-3-8b-instruct", "input": "Say REDACTED", "project_id": "mine"}


def test_a_recorded_request_is_answered_from_the_recording(replaying, signed):
    status, where, raw = ask(replaying, "/ml/v1/text/generation", ASKED, **signed)
    assert (status, where) == (200, "recording.jsonl:3")
    assert json.loads(raw)["results"][0]["generated_text"] == "one two three"
    assert replaying.requests[-1]["replayed"] == where
    status, where, raw = ask(replaying, "/ml/v1/text/generation_stream", ASKED, **signed)
    assert (status, where) == (200, "recording.jsonl:4")
    assert raw.decode().count("event: message") == 5
    assert not replaying.services.engine.connected


def test_other_requests_are_the_emulators_and_a_token_is_needed(replaying, signed):
    other = {**ASKED, "input": "Something else"}
    status, where, _ = ask(replaying, "/ml/v1/text/generation", other, **signed)
    assert (status, where) == (400, None)  # scikit-learn generates nothing
    assert replaying.requests[-1]["replayed"] == ""
    status, where, _ = ask(replaying, "/ml/v1/text/generation", ASKED)
    assert (status, where) == (401, None)


@pytest.mark.slow
def test_the_difference_to_itself_is_none(recorded):
    answers = recorded[0].with_name("answers.yaml")
    answers.write_text(json.dumps({"answers": ANSWERS}))
    done = tunesmith("diff", recorded[0], "--backend", "sklearn", "--script", answers, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["skipped"] == 1
    generation = found["routes"]["POST /ml/v1/text/generation"]
    assert generation == {"evidence": ["recorded", "docs"], "requests": 1, "differences": []}
    assert found["routes"]["GET /v2/assets/{asset_id}"]["differences"] == []


@pytest.mark.slow
def test_a_difference_is_shown_with_its_route(recorded, tmp_path):
    head, *exchanges = lines(recorded[0])
    result = exchanges[1]["response"]["body"]["value"]["results"][0]
    result["moderations"] = {"hap": []}
    del result["stop_reason"]
    result["generated_token_count"] = "3"
    exchanges[3]["response"]["status"] = 200
    changed, answers = tmp_path / "changed.jsonl", tmp_path / "answers.yaml"
    changed.write_text("\n".join(map(json.dumps, [head, *exchanges])))
    answers.write_text(json.dumps({"answers": ANSWERS}))
    done = tunesmith("diff", changed, "--backend", "sklearn", "--script", answers)
    assert done.returncode == 1
    text = done.stdout.splitlines()
    start = text.index("POST /ml/v1/text/generation (recorded, docs): differs, 1 request")
    assert text[start + 1 : start + 4] == [
        "  results[].generated_token_count: string in the recording, number here",
        "  results[].moderations: missing, the recording has object",
        "  results[].stop_reason: added, the recording has no such field (string)",
    ]
    assert "  status: 200 in the recording, 201 here" in text


def test_a_command_that_cannot_run_leaves_no_file(tmp_path):
    done = tunesmith("record", "--output", tmp_path / "r.jsonl", "--", "no-such-command")
    assert done.returncode == 2
    assert "cannot run no-such-command" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "nothing to record" in tunesmith("record").stderr


def test_a_service_that_does_not_answer_is_named(tmp_path):
    program = "import httpx; print(httpx.get('https://us-south.ml.cloud.ibm.com/x').status_code)"
    done = tunesmith(
        "record", "--output", tmp_path / "r.jsonl", "--upstream", "*.ibm.com=127.0.0.1:9", "--",
        sys.executable, "-c", program,
    )  # fmt: skip
    assert done.stdout == "502\n"
    assert "not recorded: us-south.ml.cloud.ibm.com" in done.stderr


@pytest.mark.parametrize("text", ["a/b", "host=nowhere", "=127.0.0.1:1"])
def test_a_wrong_place_is_refused(text):
    done = tunesmith("record", "--upstream", text, "--", "true")
    assert done.returncode == 2
    assert f"--upstream {text}: expected HOST or HOST=ADDRESS:PORT" in done.stderr
