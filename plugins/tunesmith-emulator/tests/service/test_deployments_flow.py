"""Deployments by the real SDK: accepted, ready, listed, changed, gone."""

from __future__ import annotations

import threading

import pytest
from service_rest import refusal

NAME = "reviews_1"


@pytest.fixture
def model(rest):
    return rest.tuned()


def test_a_tuned_model_is_deployed_shown_listed_and_deleted(sdk, rest, model):
    names = sdk.deployments.ConfigurationMetaNames
    assert sdk.deployments.is_serving_name_available(NAME)
    made = sdk.deployments.create(
        model, {names.NAME: "reviews", names.ONLINE: {}, names.SERVING_NAME: NAME}
    )
    assert made["entity"]["status"]["state"] == "ready"
    ident = sdk.deployments.get_id(made)
    assert not sdk.deployments.is_serving_name_available(NAME)
    assert sdk.deployments.get_details(ident)["entity"]["asset"]["id"] == model
    assert ident in set(sdk.deployments.list()["ID"])
    assert ident in sdk.deployments.get_href(made)
    assert sdk.deployments.generate_text(ident, "gentle and kind") in {"0", "1"}
    assert rest.generate(NAME, "gentle and kind") == rest.generate(ident, "gentle and kind")

    assert sdk.deployments.delete(ident) == "SUCCESS"
    assert refusal(rest.ask("GET", f"/ml/v4/deployments/{ident}"), 404)
    for gone in (ident, NAME):
        path = f"/ml/v1/deployments/{gone}/text/generation"
        assert refusal(rest.ask("POST", path, {"input": "x"}), 404)
    assert sdk.deployments.is_serving_name_available(NAME)


def test_a_deployment_is_accepted_with_202_and_becomes_ready(rest, model, emulator):
    emulator.set_pace(initializing=1.0)
    body = {"name": "d", "asset": {"id": model}, "online": {}}
    answer = rest.ask("POST", "/ml/v4/deployments", body)
    assert answer.status_code == 202
    accepted = answer.json()
    assert accepted["entity"]["status"] == {"state": "initializing"}
    ident = accepted["metadata"]["id"]
    path = f"/ml/v1/deployments/{ident}/text/generation"
    assert refusal(rest.ask("POST", path, {"input": "x"}), 404)["code"] == "deployment_not_ready"
    ready = rest.ready(ident)["entity"]["status"]
    assert [e["url"].rpartition("/")[2] for e in ready["inference"]] == [
        "generation",
        "generation_stream",
    ]
    assert rest.generate(ident)


def test_the_sdk_changes_name_and_serving_name(sdk, rest, model):
    ident = rest.deploy(model, "first")
    rest.ready(ident)
    assert rest.generate("first")
    names = sdk.deployments.ConfigurationMetaNames
    assert sdk.deployments.update(ident, {names.NAME: "new"})["metadata"]["name"] == "new"
    changed = sdk.deployments.update(ident, {names.SERVING_NAME: "second"})
    assert changed["entity"]["online"]["parameters"]["serving_name"] == "second"
    assert rest.generate("second")
    assert refusal(
        rest.ask("POST", "/ml/v1/deployments/first/text/generation", {"input": "x"}), 404
    )
    assert rest.deploy(model, "first")  # the name is free again


def test_a_deployment_can_be_given_another_model(sdk, rest, model, emulator):
    other = rest.tuned()
    ident = rest.deploy(model)
    rest.ready(ident)
    names = sdk.deployments.ConfigurationMetaNames
    changed = sdk.deployments.update(ident, {names.ASSET: {"id": other}})
    assert changed["entity"]["asset"]["id"] == other
    rest.ready(ident)
    assert rest.generate(ident)
    kept = emulator.services.engine.backend.deployer.list()
    assert [d.name for d in kept].count(ident) == 1  # the backend's first one went


def test_a_serving_name_is_taken_once_even_by_many_at_once(rest, model):
    body = {
        "name": "d",
        "asset": {"id": model},
        "online": {"parameters": {"serving_name": "wanted"}},
    }
    statuses = []

    def ask():
        statuses.append(rest.ask("POST", "/ml/v4/deployments", body).status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202, *[409] * 7]
    other = rest.deploy(model, "other")
    patch = [{"op": "replace", "path": "/online/parameters", "value": {"serving_name": "wanted"}}]
    taken = rest.ask("PATCH", f"/ml/v4/deployments/{other}", patch)
    assert refusal(taken, 409)["code"] == "serving_name_conflict"


def test_a_deployment_deleted_before_it_was_ready_leaves_nothing_behind(rest, model, emulator):
    emulator.set_pace(initializing=0.3)
    ident = rest.deploy(model)
    rest.ask("DELETE", f"/ml/v4/deployments/{ident}").raise_for_status()
    rest.ready(rest.deploy(model))
    names = [d.name for d in emulator.services.engine.backend.deployer.list()]
    assert ident not in names


def test_a_long_pace_of_one_test_does_not_reach_the_next(rest, model, emulator):
    emulator.set_pace(initializing=3600)
    rest.deploy(model)
    emulator.reset()
    rest.ready(rest.deploy(rest.tuned()))


def test_deployments_are_filtered_and_belong_to_their_project(rest, rest_for, emulator, model):
    one, two = rest.deploy(model, "one"), rest.deploy(model, "two")
    found = rest.get("/ml/v4/deployments", serving_name="one")["resources"]
    assert [d["metadata"]["id"] for d in found] == [one]
    assert len(rest.get("/ml/v4/deployments", asset_id=model)["resources"]) == 2
    page = rest.get("/ml/v4/deployments", limit="1")
    assert [d["metadata"]["id"] for d in page["resources"]] == [two]  # the newest first
    assert "start=1" in page["next"]["href"]
    other = rest_for(emulator, "another")
    assert other.get("/ml/v4/deployments")["resources"] == []
    patch = [{"op": "replace", "path": "/name", "value": "x"}]
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", patch)):
        assert refusal(other.ask(method, f"/ml/v4/deployments/{one}", body), 404)


def test_a_model_in_service_is_not_deleted(sdk, rest, model):
    ident = rest.deploy(model)
    rest.ready(ident)
    in_use = refusal(rest.ask("DELETE", f"/v2/assets/{model}"), 409)
    assert ident in in_use["message"]
    rest.ask("DELETE", f"/ml/v4/deployments/{ident}").raise_for_status()
    assert sdk.repository.delete(model) == "SUCCESS"
    assert refusal(rest.ask("GET", f"/ml/v4/models/{model}"), 404)


def test_a_failed_deployment_has_the_reason(start, rest_for, impatient):
    clumsy = start("clumsy")
    client = rest_for(clumsy)
    model = client.tuned()
    failed = client.reaches(f"/ml/v4/deployments/{client.deploy(model)}", "failed")
    (error,) = failed["entity"]["status"]["failure"]["errors"]
    assert "set to fail at 'deploy'" in error["message"]
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.wml_client_error import WMLClientError

    sdk = APIClient(Credentials(**clumsy.credentials), project_id=clumsy.project_id)
    names = sdk.deployments.ConfigurationMetaNames
    with pytest.raises(WMLClientError, match=r"(?i)failed"):
        sdk.deployments.create(model, {names.NAME: "d", names.ONLINE: {}})
