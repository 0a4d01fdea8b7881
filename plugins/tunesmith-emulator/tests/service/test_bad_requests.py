"""Wrong requests: each gets the service's status and envelope, and the service continues."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from service_rest import MODEL_ID, VERSION, refusal

from tunesmith_emulator.routes.table import ROUTES

JSON_ROUTES = [
    route
    for route in ROUTES
    if route.method in {"POST", "PATCH", "PUT"}
    and route.service != "control"
    and not route.path.endswith(("/token", "/content"))
    and route.media != "multipart/form-data"
]
DEEP = "nested too deep for json.dumps"
# Values of every kind, none of which is the right one for every field.
ODD = [None, [], {}, "", True, -1, 10**30, 1e308, "long " * 9000, ["x"], {"x": 1}, 0.5, DEEP]
TRIED = 4
"""Of these for each field: drawn, with a seed of the address's own."""
# JSON texts that json.dumps cannot write.
RAW = [b"NaN", b"-Infinity", b'"\\ud800"', b"1e999", b"[" * 100_000, b'{"a":', b"\xff", b"", b"12"]


@pytest.fixture
def alive(rest):
    """After each test, the service still answers."""
    yield
    assert rest.healthy()


@pytest.fixture
def bodies(rest) -> dict[str, dict[str, Any]]:
    """A right body for each address, by path; what is not here takes the empty one."""
    asset = rest.upload()
    return {
        "/v2/assets": {
            "metadata": {
                "name": "a",
                "description": "d",
                "tags": ["t"],
                "asset_type": "data_asset",
                "origin_country": "us",
            },
            "entity": {"data_asset": {"mime_type": "text/csv"}},
        },
        "/v2/assets/{asset_id}/attachments": {
            "name": "a",
            "mime": "text/csv",
            "asset_type": "data_asset",
        },
        "/v2/asset_types/{asset_type}/search": {"query": "*:*", "limit": 2, "bookmark": "0"},
        "/ml/v4/trainings": {
            **rest.training_body(
                asset, init_method="text", init_text="x", verbalizer="{{input}}", tuning_type=None
            ),
            "description": "d",
            "tags": ["t"],
        },
        "/ml/v1/fine_tunings": {
            **rest.training_body(asset),
            "parameters": {"base_model": {"model_id": MODEL_ID}, "peft_parameters": {"rank": 1}},
        },
        "/ml/v4/models": {"training_id": "x", "name": "n"},
        "/ml/v4/deployments": {
            "name": "d",
            "description": "d",
            "tags": ["t"],
            "asset": {"id": "x"},
            "online": {"parameters": {"serving_name": "s"}},
        },
        "/icp4d-api/v1/authorize": {"username": "me", "api_key": "k", "password": "p"},
        "/ml/v1/text/generation": {
            "model_id": MODEL_ID,
            "input": "x",
            "parameters": {"max_new_tokens": 1, "stop_sequences": ["x"]},
        },
        "/ml/v1/text/chat": {
            "model_id": MODEL_ID,
            "messages": [{"role": "user", "content": "x"}],
            "max_tokens": 1,
        },
    }


def path_of(route) -> str:
    return route.path.replace("{", "").replace("}", "")


def spoiled(body: Any, value: Any) -> Iterator[Any]:
    """Yield copies of a body, one for each field at any depth, with ``value`` in its place."""
    keys = body if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
    for key in keys:
        copy = body.copy()
        copy[key] = value
        yield copy
        for inner in spoiled(body[key], value):
            copy = body.copy()
            copy[key] = inner
            yield copy


def check(response: httpx.Response, sent: object) -> None:
    """A success or a refusal of the client's own doing; never a failure of the service."""
    shown = f"{response.request.url.path} {str(sent)[:300]} -> {response.text[:300]}"
    assert response.status_code < 500, shown
    if response.status_code >= 400:
        refusal(response, response.status_code)


@pytest.mark.parametrize("route", JSON_ROUTES, ids=lambda route: route.name)
def test_any_field_may_hold_anything(rest, emulator, bodies, alive, route):
    body = rest.scope | bodies.get(route.path, {})
    drawn = random.Random(route.name)
    for wrongs in zip(*(spoiled(body, value) for value in ODD), strict=True):
        for wrong in drawn.sample(wrongs, TRIED):
            content = json.dumps(wrong)
            for depth in (50, 400, 5000) if DEEP in content else (0,):
                deep = content.replace(json.dumps(DEEP), "[" * depth + "]" * depth)
                check(send(rest, route, deep.encode()), deep)
    # What was accepted after all must be readable.
    for path in ("/ml/v4/trainings", "/ml/v4/deployments", "/_emulator/state"):
        check(rest.ask("GET", path), path)


OF_THE_SERVICE = [r for r in ROUTES if r.path.startswith("/ml/v") and r.method != "WEBSOCKET"]


@pytest.mark.parametrize("route", OF_THE_SERVICE, ids=lambda route: route.name)
@pytest.mark.parametrize("version", [None, "", "2", "today", "2026-13-01"])
def test_a_request_needs_a_version_which_is_a_date(rest, route, version):
    given = {} if version is None else {"version": version}
    response = rest.http.request(route.method, path_of(route), params=rest.scope | given)
    assert refusal(response, 400)["target"] == {"type": "parameter", "name": "version"}
    dated = rest.http.request(route.method, path_of(route), params=rest.scope | VERSION)
    assert "'version'" not in dated.text
    assert '"version"' not in dated.text


@pytest.mark.parametrize("route", JSON_ROUTES, ids=lambda route: route.name)
def test_a_body_that_is_no_json_object_is_refused(rest, alive, route):
    for raw in RAW:
        response = send(rest, route, raw)
        check(response, raw)
        assert response.status_code >= 400, raw
    seed = random.randrange(2**32)
    letters = random.Random(seed)
    for _ in range(20):
        raw = bytes(letters.randrange(256) for _ in range(30))
        assert send(rest, route, raw).status_code in {400, 404, 413}, (seed, raw)


def send(rest, route, content: bytes) -> httpx.Response:
    return rest.http.request(
        route.method,
        path_of(route),
        params=VERSION | rest.scope,
        content=content,
        headers={"Content-Type": "application/json"},
    )


@pytest.mark.parametrize("raw", RAW[:6], ids=repr)
def test_malformed_json_is_named(rest, alive, raw):
    content = b'{"project_id": "p", "x": ' + raw + b"}"
    answer = rest.http.post("/ml/v4/trainings", content=content, params=VERSION)
    assert refusal(answer, 400)


def test_a_body_that_is_too_long_is_refused(rest, emulator, alive):
    limit = emulator.settings.max_body_bytes
    answer = rest.http.post("/ml/v4/trainings", content=b" " * (limit + 1), params=VERSION)
    assert refusal(answer, 413)["code"] == "request_entity_too_large"
    streamed = rest.http.post(
        "/ml/v4/trainings", params=VERSION, content=(b" " * 100_000 for _ in range(100))
    )
    assert refusal(streamed, 413)


def test_a_prompt_of_ten_megabytes_is_refused(rest, alive):
    body = {"model_id": MODEL_ID, "input": "x" * 10_000_000}
    assert refusal(rest.ask("POST", "/ml/v1/text/generation", body), 413)


def test_a_file_that_is_too_large_is_refused_and_not_kept(start, rest_for):
    small = start("sklearn")
    small.services.settings = small.settings.model_copy(update={"max_upload_bytes": 1000})
    client = rest_for(small)
    announced = client.attach(client.asset())
    assert refusal(client.http.put(announced["url1"], content=b"x" * 2000), 413)
    assert list(small.services.files.uploads.iterdir()) == []
    assert list(small.services.files.arriving.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "a\\b", "\x00", "..", " ", "x" * 256])
def test_a_name_is_never_a_path(rest, emulator, alive, name):
    body = {"metadata": {"name": name}}
    assert refusal(rest.ask("POST", "/v2/assets", body), 400)["target"]["name"] == "metadata.name"
    attachment = rest.ask("POST", f"/v2/assets/{rest.asset()}/attachments", {"name": name})
    assert refusal(attachment, 400)["target"]["name"] == "name"


@pytest.mark.parametrize("mime", ["text/plain\r\nX-Evil: 1", "h\u00e9/x", "no type", "a/b; \x00"])
def test_a_media_type_is_never_a_header_of_its_own(rest, alive, mime):
    entity = {"entity": {"data_asset": {"mime_type": mime}}, "metadata": {"name": "a"}}
    assert refusal(rest.ask("POST", "/v2/assets", entity), 400)
    attachment = rest.ask("POST", f"/v2/assets/{rest.asset()}/attachments", {"mime": mime})
    assert refusal(attachment, 400)["target"]["name"] == "mime"


@pytest.mark.parametrize(
    "odd",
    ["%00", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%ff", "a%2fb", "'", "%F0%9F%90%95", "x" * 5000],
)
def test_odd_ids_are_not_found(rest, alive, odd):
    query = VERSION | rest.scope
    for place in ("/v2/assets", "/ml/v4/trainings", "/ml/v4/deployments", "/ml/v4/models"):
        assert refusal(rest.http.get(f"{place}/{odd}", params=query), 404)
    generation = f"/ml/v1/deployments/{odd}/text/generation"
    assert refusal(rest.ask("POST", generation, {"input": "x"}), 404)
    content = f"/v2/assets/{odd}/attachments/{odd}/content?signature=x"
    assert rest.http.get(content).status_code in {403, 404}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("POST", "/v2/projects", 405),
        ("DELETE", "/ml/v4/trainings", 405),
        ("PATCH", "/identity/token", 405),
        ("GET", "/identity/token", 405),
        ("BREW", "/ml/v4/trainings", 405),
    ],
)
def test_an_error_names_what_is_not_emulated(rest, alive, method, path, status):
    error = refusal(rest.ask(method, path), status)
    assert "not emulated" in error["message"]
    assert error["code"] == {404: "not_found", 405: "method_not_allowed"}[status]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "9" * 5000, "\u0663"])
def test_a_limit_out_of_range_is_refused(rest, alive, limit):
    for path in ("/ml/v4/trainings", "/ml/v4/deployments", "/ml/v4/models"):
        error = refusal(rest.ask("GET", path, limit=limit), 400)
        assert error["target"] == {"type": "parameter", "name": "limit"}


def test_a_request_without_project_or_space_is_refused(rest, alive):
    for path in ("/v2/assets/x", "/ml/v4/trainings", "/ml/v4/deployments"):
        assert (
            "project_id and space_id"
            in refusal(rest.http.get(path, params=VERSION), 400)["message"]
        )


def test_a_wrong_key_gets_no_token(start, rest_for):
    strict = start("sklearn", api_keys=("right",))
    client = rest_for(strict, api_key="right")
    answer = client.http.post("/identity/token", data={"apikey": "wrong"})
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "BXNIM0415E"
    assert client.http.post("/identity/token", data={}).json()["errorCode"] == "BXNIM0109E"
    assert client.http.post("/identity/token", content=b"\xff\x00=").status_code == 400
    assert client.http.post("/identity/token", content=b"a" * 70_000).status_code == 413


def test_a_key_with_a_plus_is_taken_as_the_python_sdk_sends_it(start, rest_for):
    strict = start("sklearn", api_keys=("a+b/c=",))
    client = rest_for(strict, api_key="a+b/c=")  # URL-encoded
    plain = client.http.post("/identity/token", content=b"apikey=a+b/c=&grant_type=x")
    assert plain.is_success


def claims(**more: Any) -> str:
    return jwt.encode({"iat": 1, **more}, "somebody else's secret, long enough to sign with")


TOKENS = {
    "missing": ("", "missing"),
    "empty": ("Bearer", "missing"),
    "opaque": ("Bearer abc", "not_valid"),
    "foreign": (f"Bearer {claims(exp=time.time() + 99)}", "not_valid"),
    "expired": (f"Bearer {claims(exp=1)}", None),
    "odd": (f"Bearer {'.' * 3000}", "not_valid"),
}


@pytest.mark.parametrize(("header", "why"), TOKENS.values(), ids=TOKENS)
def test_a_wrong_token_is_refused_if_keys_are_configured(start, rest_for, header, why):
    strict = start("sklearn", api_keys=("right",))
    client = rest_for(strict, api_key="right")
    headers = {"Authorization": header}
    for path in ("/v2/projects", "/ml/v4/trainings", "/ml/v1/fine_tunings"):
        error = refusal(client.http.get(path, params=client.scope, headers=headers), 401)
        assert why is None or error["code"] == f"authentication_token_{why}"
        assert error["target"] == {"type": "header", "name": "Authorization"}


@pytest.mark.parametrize(
    "odd",
    [{"exp": "x"}, {"exp": None}, {"exp": []}, {"iat": "x", "exp": 9e99}, {"nbf": {}}],
    ids=str,
)
def test_a_strangers_token_may_claim_anything(rest, alive, odd):
    unsigned = jwt.api_jws.encode(json.dumps(odd).encode(), "k" * 32)
    answer = rest.http.get("/v2/projects", headers={"Authorization": f"Bearer {unsigned}"})
    assert answer.status_code in {200, 401}


def test_an_expired_token_of_ours_is_refused(start, rest_for):
    brief = start("sklearn", token_seconds=3)  # two at least: the clock counts whole seconds
    client = rest_for(brief)
    assert client.ask("GET", "/v2/projects").is_success
    time.sleep(3.1)
    expired = refusal(client.ask("GET", "/v2/projects"), 401)
    assert expired["code"] == "authentication_token_expired"


@pytest.mark.parametrize("seconds", [5, 600])
def test_a_token_is_accepted_after_the_clock_was_set_back(start, rest_for, monkeypatch, seconds):
    strict = start("sklearn", api_keys=("right",))
    wall = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr("time.time", lambda: wall() + seconds)
        client = rest_for(strict, api_key="right")
    assert jwt.decode(client.token, options={"verify_signature": False})["iat"] > wall()
    assert client.ask("GET", "/v2/projects").is_success


def test_an_unknown_project_is_not_found_if_projects_are_configured(start, rest_for):
    strict = start("sklearn", projects=("mine",))
    stranger = rest_for(strict, "yours")
    for method, path in (
        ("GET", "/v2/projects/yours"),
        ("GET", "/v2/spaces/any"),
        ("POST", "/v2/assets"),
        ("POST", "/ml/v4/trainings"),
        ("POST", "/ml/v4/deployments"),
        ("GET", "/ml/v4/deployments"),
    ):
        code = refusal(stranger.ask(method, path, {} if method == "POST" else None), 404)["code"]
        assert code.endswith("_not_found")
    assert rest_for(strict).upload()


PATCHES = [
    {},
    [],
    [1],
    [{"op": "remove", "path": "/name"}],
    [{"op": ["replace"], "path": "/name", "value": "x"}],
    [{"op": "replace", "path": ["/name"], "value": "x"}],
    [{"op": "replace", "path": "/name", "value": 1}],
    [{"op": "replace", "path": "/name", "value": "x" * 300}],
    [{"op": "replace", "path": "/status", "value": "ready"}],
    [{"op": "replace", "path": "/asset", "value": {"id": ["x"]}}],
    [{"op": "replace", "path": "/online/parameters", "value": {"serving_name": "a b"}}],
    [{"op": "replace", "path": "/tags", "value": [1]}],
]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: json.dumps(patch)[:60])
def test_a_wrong_patch_changes_nothing(rest, alive, patch):
    ident = rest.deploy(rest.tuned(), "before")
    rest.ready(ident)
    before = rest.get(f"/ml/v4/deployments/{ident}")
    good = [{"op": "replace", "path": "/name", "value": "half of it"}]
    whole = good + patch if isinstance(patch, list) and patch else patch
    assert refusal(rest.ask("PATCH", f"/ml/v4/deployments/{ident}", whole), 400)
    assert rest.get(f"/ml/v4/deployments/{ident}") == before
