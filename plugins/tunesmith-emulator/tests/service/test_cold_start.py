"""The backend is loaded by the work, and no request that changes a state waits for it."""

from __future__ import annotations

import threading

import pytest
from service_rest import refusal

import tunesmith
from tunesmith.errors import PluginError


@pytest.fixture
def gate(monkeypatch):
    """No backend is loaded before this event is set."""
    opened, connect = threading.Event(), tunesmith.connect

    def wait(*names, **options):
        assert opened.wait(60)
        return connect(*names, **options)

    monkeypatch.setattr("tunesmith.connect", wait)
    yield opened
    opened.set()


@pytest.fixture
def cold(start, rest_for):
    return rest_for(start("sklearn"))


def test_a_training_is_accepted_at_once_and_waits_for_the_backend(cold, gate):
    accepted = cold.post("/ml/v4/trainings", cold.training_body(cold.upload()))
    assert accepted["entity"]["status"]["state"] in {"queued", "pending"}
    assert accepted["entity"]["prompt_tuning"]["num_virtual_tokens"] == 100
    gate.set()
    done = cold.ended(accepted["metadata"]["id"])
    assert [warning["id"] for warning in done["system"]["warnings"]] == ["stand_in_method"]
    assert cold.get(f"/ml/v4/models/{done['entity']['model_id']}")


def test_what_needs_no_backend_is_refused_at_once(cold, gate):
    asset = cold.upload()
    body = cold.training_body(asset, learning_rate=-1)
    assert refusal(cold.ask("POST", "/ml/v4/trainings", body), 400)["target"]["name"] == (
        "prompt_tuning.learning_rate"
    )
    assert refusal(cold.ask("POST", "/ml/v4/trainings", cold.training_body("none")), 404)
    fine = {**cold.training_body(asset), "parameters": lora(peft_parameters={"type": "other"})}
    assert refusal(cold.ask("POST", "/ml/v1/fine_tunings", fine), 400)
    assert not gate.is_set()


def test_what_only_the_backend_can_refuse_ends_the_training(cold, gate):
    body = {**cold.training_body(cold.upload()), "parameters": lora()}
    training = cold.post("/ml/v1/fine_tunings", body)["metadata"]["id"]
    gate.set()
    failed = cold.reaches(f"/ml/v1/fine_tunings/{training}", "failed")
    (error,) = failed["entity"]["status"]["failure"]["errors"]
    assert "does not offer LoRA" in error["message"]


def lora(**more):
    return {"base_model": {"model_id": "ibm/granite-3-8b-instruct"}, **more}


def test_a_training_that_waits_for_the_backend_is_cancelled(cold, gate):
    training = cold.train(cold.upload())
    cold.reaches(f"/ml/v4/trainings/{training}", "pending")
    assert cold.ask("DELETE", f"/ml/v4/trainings/{training}").status_code == 204
    assert cold.get(f"/ml/v4/trainings/{training}")["entity"]["status"]["state"] == "canceled"
    assert not gate.is_set()


def test_a_deployment_is_made_and_deleted_while_the_backend_is_loaded(
    start, rest_for, tmp_path, gate
):
    gate.set()
    warm = start("sklearn", data_dir=tmp_path)
    client = rest_for(warm)
    model = client.tuned()
    old = client.deploy(model)
    client.ready(old)
    warm.stop()
    gate.clear()

    running = start("sklearn", data_dir=tmp_path)
    client = rest_for(running)
    new = client.deploy(model)
    assert client.ask("DELETE", f"/ml/v4/deployments/{old}").status_code == 204
    assert refusal(client.ask("GET", f"/ml/v4/deployments/{old}"), 404)
    assert not gate.is_set()
    gate.set()
    client.ready(new)
    running.stop()
    kept = tunesmith.connect("sklearn", store=tmp_path / "store" / "sklearn").deployer.list()
    assert [deployment.name for deployment in kept] == [new]


def test_after_load_the_catalogue_waits_for_nothing(start, rest_for, monkeypatch):
    running = start("sklearn")
    running.load()
    monkeypatch.setattr("tunesmith.connect", lambda *names, **options: pytest.fail("it waits"))
    with rest_for(running) as client:
        assert client.get("/ml/v1/foundation_model_specs")["resources"]


def test_an_error_of_load_is_left_to_the_requests(start, rest_for, monkeypatch):
    def broken(*names, **options):
        raise PluginError("no such backend")

    monkeypatch.setattr("tunesmith.connect", broken)
    running = start("sklearn")
    running.load()
    with rest_for(running) as client:
        assert refusal(client.ask("GET", "/ml/v1/foundation_model_specs"), 500)
