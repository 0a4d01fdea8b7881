"""Functions, AI services, experiments and pipelines over plain REST."""

from __future__ import annotations

import pytest
from service_rest import Rest, refusal

KINDS = ("functions", "ai_services", "experiments", "pipelines")


@pytest.mark.parametrize("kind", KINDS)
def test_an_artifact_is_stored_changed_and_deleted(rest: Rest, kind: str) -> None:
    body = {"name": "first", "tags": ["t"], "custom": {"a": 1}}
    made = rest.post(f"/ml/v4/{kind}", body)
    path = f"/ml/v4/{kind}/{made['metadata']['id']}"
    added = {"code_type": "python"} if kind == "ai_services" else {}
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
