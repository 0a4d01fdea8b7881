"""Models, functions, AI services, experiments and pipelines over plain REST."""

from __future__ import annotations

from typing import Any

import pytest
from service_rest import Rest, refusal

KINDS = ("models", "functions", "ai_services", "experiments", "pipelines")
KEPT = {"models": {"type": "xgboost_1.5"}, "ai_services": {"code_type": "python"}}
"""What the entity of each kind has beside what these tests change."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_artifact_is_stored_changed_and_deleted(rest: Rest, kind: str) -> None:
    added = KEPT.get(kind, {})
    body = {"name": "first", "tags": ["t"], "custom": {"a": 1}, **added}
    made = rest.post(f"/ml/v4/{kind}", body)
    path = f"/ml/v4/{kind}/{made['metadata']['id']}"
    assert made["entity"] == {**added, "custom": {"a": 1}}
    patch = [
        {"op": "replace", "path": "/name", "value": "second"},
        {"op": "add", "path": "/software_spec", "value": {"id": "s"}},
        {"op": "remove", "path": "/custom"},
    ]
    assert rest.ask("PATCH", path, patch).status_code == 200
    found = rest.get(path)
    assert (found["metadata"]["name"], found["metadata"]["tags"]) == ("second", ["t"])
    assert found["entity"] == {**added, "software_spec": {"id": "s"}}
    assert [one["metadata"]["name"] for one in rest.get(f"/ml/v4/{kind}")["resources"]] == [
        "second"
    ]
    assert rest.ask("DELETE", path).status_code == 204
    refusal(rest.ask("GET", path), 404)
    another = rest.post(f"/ml/v4/{kind}", body)["metadata"]["id"]
    assert rest.ask("DELETE", f"/v2/assets/{another}").status_code == 204
    refusal(rest.ask("GET", f"/ml/v4/{kind}/{another}"), 404)


def test_a_revision_stays_as_it_was(rest: Rest) -> None:
    made = rest.post("/ml/v4/functions", {"name": "first"})
    path = f"/ml/v4/functions/{made['metadata']['id']}"
    code = {"params": {"version": "2026-10-14", **rest.scope}}
    assert rest.http.put(f"{path}/code", content=b"one", **code).status_code == 201
    assert rest.post(f"{path}/revisions", {})["metadata"]["rev"] == "1"
    rest.http.put(f"{path}/code", content=b"two", **code)
    rest.ask("PATCH", path, [{"op": "replace", "path": "/name", "value": "second"}])
    assert rest.get(path, rev="1")["metadata"]["name"] == "first"
    assert rest.get(path)["metadata"]["name"] == "second"
    assert rest.ask("GET", f"{path}/code", rev="1").content == b"one"
    assert rest.ask("GET", f"{path}/code").content == b"two"
    (revision,) = rest.get(f"{path}/revisions")["resources"]
    assert revision["metadata"]["rev"] == "1"
    refusal(rest.ask("GET", path, rev="2"), 404)
    assert refusal(rest.ask("GET", path, rev="x"), 400)["target"]["name"] == "rev"


def test_refusals(rest: Rest) -> None:
    assert refusal(rest.ask("POST", "/ml/v4/pipelines", {}), 400)["target"]["name"] == "name"
    made = rest.post("/ml/v4/pipelines", {"name": "p"})
    path = f"/ml/v4/pipelines/{made['metadata']['id']}"
    wrong = [{"op": "replace", "path": "name", "value": "x"}]
    assert refusal(rest.ask("PATCH", path, wrong), 400)["target"]["name"] == "[0].path"
    refusal(rest.ask("PATCH", path, {}), 400)
    nameless = [{"op": "remove", "path": "/name"}]
    assert refusal(rest.ask("PATCH", path, nameless), 400)["target"]["name"] == "name"
    refusal(rest.ask("GET", path.replace("pipelines", "experiments")), 404)
    refusal(rest.ask("GET", path, project_id="another"), 404)
    function = rest.post("/ml/v4/functions", {"name": "f"})["metadata"]["id"]
    assert refusal(rest.ask("GET", f"/ml/v4/functions/{function}/code"), 404)


def content(rest: Rest, **query: str) -> dict[str, Any]:
    return {"params": {"version": "2026-10-14", **rest.scope, **query}}


def test_a_model_has_content_and_revisions(rest: Rest) -> None:
    body = {"name": "m", "type": "scikit-learn_1.3", "software_spec": {"id": "s"}}
    answer = rest.ask("POST", "/ml/v4/models", body)
    assert answer.status_code == 201
    path = f"/ml/v4/models/{answer.json()['metadata']['id']}"
    refusal(rest.ask("GET", f"{path}/download"), 404)
    put = rest.http.put(f"{path}/content", content=b"one", **content(rest))
    assert put.status_code == 201
    rest.post(f"{path}/revisions", {})
    rest.http.put(f"{path}/content", content=b"two", **content(rest)).raise_for_status()
    assert rest.ask("GET", f"{path}/download").content == b"two"
    assert rest.ask("GET", f"{path}/download", revision_id="1").content == b"one"
    assert rest.get(path)["entity"]["software_spec"] == {"id": "s"}
    deployed = rest.ask(
        "POST", "/ml/v4/deployments", {"name": "d", "online": {}, "asset": {"id": path[-36:]}}
    )
    assert refusal(deployed, 404)["code"] == "asset_not_found"
    untyped = {"name": "m"}
    assert refusal(rest.ask("POST", "/ml/v4/models", untyped), 400)["target"]["name"] == "type"


def test_a_tuned_model_is_revised_and_keeps_its_content(rest: Rest) -> None:
    model = rest.tuned()
    path = f"/ml/v4/models/{model}"
    assert rest.post(f"{path}/revisions", {})["entity"]["type"] == "prompt_tune_1.0"
    patch = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert rest.ask("PATCH", path, patch).json()["metadata"]["name"] == "renamed"
    refused = rest.http.put(f"{path}/content", content=b"x", **content(rest))
    assert refusal(refused, 400)["target"]["name"] == "content"
    refusal(rest.ask("GET", f"{path}/download"), 404)
    rest.deploy(model)
    assert refusal(rest.ask("DELETE", path), 409)["code"] == "asset_in_use"


PROMOTE = "/projects/api/rest/catalogs/assets/{}/promote"
SPACE = "22222222-2222-4333-8444-555555555555"


def promoted(rest: Rest, asset: str) -> str:
    body = {"projectId": rest.scope["project_id"], "spaceId": SPACE}
    found: str = rest.post(PROMOTE.format(asset), body)["promotedAsset"]["asset_id"]
    return found


def test_a_promoted_asset_has_its_own_bytes(rest: Rest) -> None:
    asset = rest.upload(b"abc")
    rest.attach(asset)  # one that never got its bytes stays behind
    copy = promoted(rest, asset)
    rest.ask("DELETE", f"/v2/assets/{asset}")
    rest.scope = {"space_id": SPACE}
    found = rest.get(f"/v2/assets/{copy}")
    assert found["metadata"]["space_id"] == SPACE
    (attached,) = found["attachments"]
    url = rest.get(f"/v2/assets/{copy}/attachments/{attached['id']}")["url"]
    assert rest.http.get(url).content == b"abc"


def test_a_promoted_model_answers_and_a_promoted_function_has_its_code(rest: Rest) -> None:
    function = rest.post("/ml/v4/functions", {"name": "f"})["metadata"]["id"]
    code = f"/ml/v4/functions/{function}/code"
    rest.http.put(code, content=b"def f", **content(rest)).raise_for_status()
    model, function = promoted(rest, rest.tuned()), promoted(rest, function)
    rest.scope = {"space_id": SPACE}
    assert rest.ask("GET", f"/ml/v4/functions/{function}/code").content == b"def f"
    deployment = rest.deploy(model)
    rest.ready(deployment)
    assert rest.generate(deployment) in {"0", "1"}


def test_refused_promotions(rest: Rest) -> None:
    asset = rest.upload(b"abc")
    right = {"projectId": rest.scope["project_id"], "spaceId": SPACE}
    for wrong, status in (
        ({"projectId": "another"}, 404),
        ({"spaceId": ""}, 400),
        ({"revisionId": "1"}, 400),
    ):
        refusal(rest.ask("POST", PROMOTE.format(asset), right | wrong), status)
    refusal(rest.ask("POST", PROMOTE.format("none"), right), 404)
