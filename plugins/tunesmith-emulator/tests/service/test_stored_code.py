"""Deployed functions and AI services: their code runs in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from service_rest import VERSION, Rest, refusal

from tunesmith.errors import ExperimentError
from tunesmith_emulator import Emulator
from tunesmith_emulator.stored_code import process

SUM = """
import os, sys
calls = []
assert not any(path.endswith("stored_code") for path in sys.path), sys.path
def score(payload):
    print("a line that is no answer")
    os.write(2, bytes(range(256)))
    calls.append(payload)
    values = [[sum(row), len(calls)] for row in payload["input_data"][0]["values"]]
    return {"predictions": [{"fields": ["sum", "calls"], "values": values}]}
"""
DATA = {"input_data": [{"values": [[1, 2], [3, 4]]}]}
ECHO = """
def service(context, greeting="Hello", **custom):
    outer = context
    def generate(context):
        told = {
            "said": f"{greeting} {context.get_json()['name']}",
            "custom": custom,
            "method": context.get_method(),
            "suffix": context.get_path_suffix(),
            "query": context.get_query_parameters(),
            "header": context.get_headers()["x-mine"],
            "user": context.get_token(),
            "own": outer.generate_token(),
            "size": len(context.get_bytes()),
        }
        return {"headers": {"X-Theirs": "yes", "Content-Length": "1"}, "body": told}
    def generate_stream(context):
        yield greeting
        yield {"name": context.get_json()["name"]}
        if context.get_json()["name"] == "nobody":
            raise KeyError("nobody")
    return generate, generate_stream
"""


@pytest.fixture
def running(code_emulator: Emulator) -> Emulator:
    return code_emulator


@pytest.fixture
def client(running: Emulator, rest_for: Callable[..., Rest]) -> Rest:
    return rest_for(running)


def stored(rest: Rest, source: str | bytes, kind: str = "functions") -> str:
    made: str = rest.post(f"/ml/v4/{kind}", {"name": "code"})["metadata"]["id"]
    content = gzip.compress(source.encode()) if isinstance(source, str) else source
    query = {"params": VERSION | rest.scope}
    rest.http.put(f"/ml/v4/{kind}/{made}/code", content=content, **query).raise_for_status()
    return made


def deployed(rest: Rest, source: str | bytes, kind: str = "functions", **more: Any) -> str:
    """Deploy code; returns the deployment's id, in whatever state."""
    body = {"name": "d", "asset": {"id": stored(rest, source, kind)}, "online": {}} | more
    if "batch" in more:
        del body["online"]
    ident: str = rest.post("/ml/v4/deployments", body)["metadata"]["id"]
    return ident


def ready(rest: Rest, *given: Any, **more: Any) -> str:
    ident = deployed(rest, *given, **more)
    rest.ready(ident)
    return ident


def asked(rest: Rest, ident: str, body: Any = DATA, way: str = "predictions", **query: str) -> Any:
    # Without a project: the deployment has one.
    path = f"/ml/v4/deployments/{ident}/{way}"
    return rest.http.post(path, params=VERSION | query, json=body, headers={"X-Mine": "mine"})


def test_a_function_keeps_its_state_between_requests(client: Rest) -> None:
    online = {"parameters": {"serving_name": "sums"}}
    ident = ready(client, SUM, online=online)
    entity = client.get(f"/ml/v4/deployments/{ident}")["entity"]
    assert entity["deployed_asset_type"] == "function"
    assert [url.split("/ml/")[1] for url in entity["status"]["serving_urls"]] == [
        f"v4/deployments/{ident}/predictions",
        "v4/deployments/sums/predictions",
    ]
    assert asked(client, ident).json()["predictions"][0]["values"] == [[3, 1], [7, 1]]
    assert asked(client, "sums").json()["predictions"][0]["values"] == [[3, 2], [7, 2]]


def test_an_ai_service_reads_the_request(start, rest_for) -> None:
    strict = start("sklearn", run_code=True, api_keys=("right",))
    rest = rest_for(strict, api_key="right")
    custom = {"greeting": "Hi", "more": 1}
    ident = ready(rest, ECHO, "ai_services", custom=custom)
    answer = asked(rest, ident, {"name": "you"}, "ai_service/a/b", page="2")
    assert answer.headers["x-theirs"] == "yes"
    told = answer.json()
    assert told["said"] == "Hi you"
    assert told["custom"] == {"more": 1}
    assert (told["method"], told["suffix"], told["header"]) == ("POST", "a/b", "mine")
    assert told["query"] == VERSION | {"page": "2"}
    assert told["size"] == len(json.dumps({"name": "you"}))
    assert told["user"] == rest.token
    rest.http.headers["Authorization"] = f"Bearer {told['own']}"
    assert rest.get("/ml/v4/deployments")["resources"][0]["entity"]["custom"] == custom


def test_an_ai_service_streams(client: Rest) -> None:
    ident = ready(client, ECHO, "ai_services")
    answer = asked(client, ident, {"name": "you"}, "ai_service_stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert data == ["Hello", '{"name": "you"}']
    failing = asked(client, ident, {"name": "nobody"}, "ai_service_stream").text
    last = failing.strip().split("\n\n")[-1].splitlines()
    assert last[1] == "event: error"
    error = json.loads(last[2].removeprefix("data: "))["errors"][0]
    assert error["code"] == "stored_code_failed"
    assert "KeyError" in error["message"]
    assert asked(client, ident, {"name": "you"}, "ai_service").status_code == 200


def test_an_ai_service_may_answer_with_text(client: Rest) -> None:
    source = (
        "def f(context):\n    def generate(context):\n        return {'body': 'plain'}\n"
        "    return generate\n"
    )
    ident = ready(client, source, "ai_services")
    answer = asked(client, ident, {}, "ai_service")
    assert (answer.text, answer.headers["content-type"]) == ("plain", "text/plain")
    refused = asked(client, ident, {}, "ai_service_stream")
    assert "generate_stream" in refusal(refused, 400)["message"]


@pytest.mark.parametrize(
    ("source", "kind", "named"),
    [
        ("1 / 0", "functions", "ZeroDivisionError"),
        ("def other(): pass", "functions", "'score'"),
        ("def score(:", "functions", "SyntaxError"),
        ("raise SystemExit(3)", "functions", "SystemExit: 3"),
        ("import os; os._exit(5)", "functions", "ended with code 5"),
        (b"no gzip", "functions", "compressed with gzip"),
        (gzip.compress(b"\xff", mtime=0), "functions", "compressed with gzip"),
        ("x = 1", "ai_services", "no function at its top level"),
        ("def f(context): return 1", "ai_services", "none of generate"),
        ("def f(): pass", "ai_services", "TypeError"),
    ],
    ids=str,
)
def test_code_that_cannot_be_loaded_fails_the_deployment(client, source, kind, named) -> None:
    ident = deployed(client, source, kind)
    found = client.reaches(f"/ml/v4/deployments/{ident}", "failed")
    assert named in found["entity"]["status"]["failure"]["errors"][0]["message"]
    way = "predictions" if kind == "functions" else "ai_service"
    assert refusal(asked(client, ident, way=way), 404)["code"] == "deployment_not_ready"


FAILING = """
import os, numpy
def score(payload):
    what = payload["input_data"][0]["values"][0][0]
    if what == "raise":
        raise ValueError("wrong value")
    if what == "end":
        os._exit(7)
    if what == "list":
        return [1]
    if what == "set":
        return {"predictions": [{1}]}
    if what == "nan":
        return {"predictions": [float("nan")]}
    return {"predictions": [numpy.float32(0.5), numpy.arange(2), os.environ.get("SECRET")]}
"""


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("raise", "ValueError: wrong value"),
        ("end", "ended with code 7"),
        ("list", "'predictions'"),
        ("set", "set is no JSON value"),
        ("nan", "JSON"),
    ],
)
def test_a_request_that_fails_leaves_the_next_one_in_peace(client, what, named, monkeypatch):
    monkeypatch.setenv("SECRET", "not for the code")
    ident = ready(client, FAILING)
    refused = asked(client, ident, {"input_data": [{"values": [[what]]}]})
    error = refusal(refused, 400)
    assert error["code"] == "stored_code_failed"
    assert named in error["message"]
    answer = asked(client, ident, {"input_data": [{"values": [["right"]]}]})
    assert answer.json()["predictions"] == [0.5, [0, 1], None]


def test_code_that_takes_too_long_is_ended(client: Rest, monkeypatch) -> None:
    source = (
        "import time\ndef score(payload):\n    time.sleep(payload['seconds'])\n"
        "    return {'predictions': []}\n"
    )
    ident = ready(client, source)
    monkeypatch.setattr(process, "SECONDS", 0.5)
    refused = asked(client, ident, DATA | {"seconds": 60})
    assert "longer than 0.5 seconds" in refusal(refused, 400)["message"]
    monkeypatch.setattr(process, "SECONDS", 60)
    assert asked(client, ident, DATA | {"seconds": 0}).status_code == 200


PID = "import os\ndef score(payload):\n    return {'predictions': [os.getpid()]}\n"


def _gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_process_ends_with_its_deployment_and_with_the_emulator(
    client: Rest, start, rest_for, tmp_path: Path
) -> None:
    ident = ready(client, PID)
    (pid,) = asked(client, ident).json()["predictions"]
    assert asked(client, ident).json()["predictions"] == [pid] != [os.getpid()]
    client.ask("DELETE", f"/ml/v4/deployments/{ident}")
    assert _gone(pid)
    first = start("sklearn", run_code=True, data_dir=tmp_path)
    ident = ready(rest_for(first), PID)
    (pid,) = asked(rest_for(first), ident).json()["predictions"]
    first.stop()
    assert _gone(pid)
    second = start("sklearn", run_code=True, data_dir=tmp_path)
    assert asked(rest_for(second), ident).json()["predictions"] != [pid]


def test_code_that_is_being_loaded_at_the_end_is_loaded_at_the_next_start(
    start, rest_for, tmp_path: Path
) -> None:
    marker = tmp_path / "go"
    source = (
        "import pathlib, time\n"
        f"while not pathlib.Path({str(marker)!r}).exists():\n    time.sleep(0.02)\n"
    )
    first = start("sklearn", run_code=True, data_dir=tmp_path)
    ident = deployed(rest_for(first), source + SUM)
    time.sleep(0.5)
    begun = time.monotonic()
    first.stop()
    assert time.monotonic() - begun < 20
    marker.touch()
    rest = rest_for(start("sklearn", run_code=True, data_dir=tmp_path))
    rest.ready(ident)
    assert asked(rest, ident).status_code == 200


def test_nothing_runs_unless_it_is_allowed(rest: Rest, start, rest_for, tmp_path) -> None:
    body = {"name": "d", "asset": {"id": stored(rest, SUM)}, "online": {}}
    refused = rest.ask("POST", "/ml/v4/deployments", body)
    error = refusal(refused, 400)
    assert error["code"] == "stored_code_not_run"
    assert "--run-code" in error["message"]
    first = start("sklearn", run_code=True, data_dir=tmp_path)
    ident = ready(rest_for(first), SUM)
    first.stop()
    again = rest_for(start("sklearn", data_dir=tmp_path))
    assert refusal(asked(again, ident), 400)["code"] == "stored_code_not_run"


def test_an_open_network_needs_a_key() -> None:
    with pytest.raises(ExperimentError, match="set an API key"):
        Emulator("sklearn", run_code=True, host="0.0.0.0")
    assert Emulator("sklearn", run_code=True, host="0.0.0.0", api_keys=("k",))


def test_refusals(client: Rest) -> None:
    ident, model = ready(client, SUM), client.tuned()
    tuned = client.deploy(model)
    client.ready(tuned)
    text = client.ask("POST", f"/ml/v1/deployments/{ident}/text/generation", {"input": "x"})
    assert refusal(text, 400)["code"] == "unsupported_deployment"
    assert refusal(asked(client, tuned), 400)["code"] == "unsupported_deployment"
    refusal(asked(client, "none"), 404)
    assert refusal(asked(client, ident, {}), 400)["target"]["name"] == "input_data"
    assert "'generate'" in refusal(asked(client, ident, {}, "ai_service"), 400)["message"]
    patch = [{"op": "replace", "path": "/asset", "value": {"id": model}}]
    refused = client.ask("PATCH", f"/ml/v4/deployments/{ident}", patch)
    assert "stored code" in refusal(refused, 400)["message"]
    function = client.get(f"/ml/v4/deployments/{ident}")["entity"]["asset"]["id"]
    refusal(client.ask("DELETE", f"/ml/v4/functions/{function}"), 409)
    batch = {"name": "d", "asset": {"id": model}, "batch": {}}
    refused = client.ask("POST", "/ml/v4/deployments", batch)
    assert "stored functions alone" in refusal(refused, 400)["message"]
    for wrong in ({"online": 1}, {"online": None}, {"custom": []}, {"batch": 1, "online": None}):
        body = {"name": "d", "asset": {"id": function}, "online": {}} | wrong
        refusal(client.ask("POST", "/ml/v4/deployments", body), 400)


def ended(rest: Rest, job: str) -> Any:
    until = time.monotonic() + 60
    while True:
        scoring = rest.get(f"/ml/v4/deployment_jobs/{job}")["entity"]["scoring"]
        if scoring["status"]["state"] not in {"queued", "running"}:
            return scoring
        assert time.monotonic() < until, scoring
        time.sleep(0.02)


def job(rest: Rest, deployment: str, scoring: Any = DATA) -> str:
    body = {"name": "j", "deployment": {"id": deployment}, "scoring": scoring}
    answer = rest.ask("POST", "/ml/v4/deployment_jobs", body)
    assert answer.status_code == 202, answer.text
    ident: str = answer.json()["metadata"]["id"]
    return ident


def test_a_job_scores_in_the_background(client: Rest) -> None:
    ident = ready(client, SUM, batch={})
    entity = client.get(f"/ml/v4/deployments/{ident}")["entity"]
    assert (entity["batch"], entity["status"]) == ({}, {"state": "ready"})
    first, second = job(client, ident), job(client, ident)
    scoring = ended(client, first)
    assert scoring["status"]["state"] == "completed"
    assert scoring["predictions"][0]["values"] == [[3, 1], [7, 1]]
    assert scoring["input_data"] == DATA["input_data"]
    assert ended(client, second)["predictions"][0]["values"] == [[3, 2], [7, 2]]
    listed = client.get("/ml/v4/deployment_jobs", include="status")["resources"]
    assert [one["metadata"]["id"] for one in listed] == [second, first]
    assert list(listed[0]["entity"]["scoring"]) == ["status"]
    path = f"/ml/v4/deployment_jobs/{first}"
    assert refusal(client.ask("DELETE", path), 400)["code"] == "job_already_completed"
    assert client.ask("DELETE", path, hard_delete="true").status_code == 204
    refusal(client.ask("GET", path), 404)


def test_a_job_fails_or_is_cancelled(client: Rest) -> None:
    failing = ready(client, FAILING, batch={})
    wrong = job(client, failing, {"input_data": [{"values": [["raise"]]}]})
    scoring = ended(client, wrong)
    assert scoring["status"]["state"] == "failed"
    assert "wrong value" in scoring["status"]["failure"]["errors"][0]["message"]
    source = "import time\ndef score(payload):\n    time.sleep(60)\n"
    slow = ready(client, source, batch={})
    running, waiting = job(client, slow), job(client, slow)
    path = f"/ml/v4/deployment_jobs/{running}"
    until = time.monotonic() + 30
    while client.get(path)["entity"]["scoring"]["status"]["state"] != "running":
        assert time.monotonic() < until
        time.sleep(0.02)
    for one in (waiting, running):
        assert client.ask("DELETE", f"/ml/v4/deployment_jobs/{one}").status_code == 204
        assert ended(client, one)["status"]["state"] == "canceled"
    # The worker is free again.
    quick = ready(client, SUM, batch={})
    assert ended(client, job(client, quick))["status"]["state"] == "completed"


def test_refused_jobs(client: Rest) -> None:
    online, batch = ready(client, SUM), ready(client, SUM, batch={})
    right = {"deployment": {"id": batch}, "scoring": DATA}
    for wrong, field in (
        ({"deployment": {"id": online}}, "deployment.id"),
        ({"deployment": {}}, "deployment.id"),
        ({"scoring": {}}, "scoring.input_data"),
        ({"scoring": {"input_data": []}}, "scoring.input_data"),
        ({"scoring": {"input_data_references": [{}]}}, "scoring.input_data"),
        ({"name": 1}, "name"),
    ):
        refused = client.ask("POST", "/ml/v4/deployment_jobs", right | wrong)
        assert refusal(refused, 400)["target"]["name"] == field
    elsewhere = client.ask("POST", "/ml/v4/deployment_jobs", right)
    ident = elsewhere.json()["metadata"]["id"]
    ended(client, ident)
    refusal(client.ask("GET", f"/ml/v4/deployment_jobs/{ident}", project_id="another"), 404)
    client.scope = {"project_id": "another"}
    refusal(client.ask("POST", "/ml/v4/deployment_jobs", right), 404)


def test_a_job_begins_again_after_a_restart(start, rest_for, tmp_path) -> None:
    first = start("sklearn", run_code=True, data_dir=tmp_path)
    rest = rest_for(first)
    marker = tmp_path / "go"
    source = (
        "import pathlib, time\ndef score(payload):\n"
        f"    while not pathlib.Path({str(marker)!r}).exists():\n        time.sleep(0.02)\n"
        "    return {'predictions': ['done']}\n"
    )
    ident = ready(rest, source, batch={})
    running, waiting = job(rest, ident), job(rest, ident)
    begun = time.monotonic()
    first.stop()
    assert time.monotonic() - begun < 20
    marker.touch()
    rest = rest_for(start("sklearn", run_code=True, data_dir=tmp_path))
    for one in (running, waiting):
        assert ended(rest, one)["predictions"] == ["done"]
