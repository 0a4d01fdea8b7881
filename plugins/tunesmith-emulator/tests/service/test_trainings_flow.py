"""Trainings from the request to the tuned model, by the real SDK and by plain requests."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest
from service_rest import MODEL_ID, ROWS, refusal

from tunesmith import clock

EPOCHS = 3


@pytest.fixture
def slow(start):
    """A tuning takes seconds here: an epoch is four steps of STEP_SECONDS."""
    return start("slow")


@pytest.fixture
def slow_rest(slow, rest_for):
    return rest_for(slow)


@pytest.fixture
def local_rest(local, rest_for):
    return rest_for(local)


@pytest.fixture
def drawn_epochs(monkeypatch):
    """Draw the SDK's learning curve, as in Jupyter; returns how many epochs it holds."""
    drawn = []
    monkeypatch.setattr("ibm_watsonx_ai.foundation_models.prompt_tuner.is_ipython", lambda: True)
    monkeypatch.setattr(
        "ibm_watsonx_ai.utils.autoai.incremental.plot_learning_curve",
        lambda **given: drawn.append(given),
    )

    def draw(tuner):
        tuner.plot_learning_curve()
        given = drawn.pop()
        assert len(given["fit_times"]) == len(given["scores"])
        assert all(seconds >= 0 for seconds in given["fit_times"])
        assert all(score > 0 for score in given["scores"])
        return len(given["scores"])

    return draw


def sdk_of(running, **settings):
    from ibm_watsonx_ai import APIClient, Credentials

    given = running.credentials | settings
    return APIClient(Credentials(**given), project_id=running.project_id)


def tuner_of(client, running, **settings):
    from ibm_watsonx_ai.experiment import TuneExperiment

    experiment = TuneExperiment(client.credentials, project_id=running.project_id)
    values = {
        "name": "by the SDK",
        "task_id": experiment.Tasks.CLASSIFICATION,
        "base_model": MODEL_ID,
        "num_epochs": EPOCHS,
        "batch_size": 4,
        "accumulate_steps": 1,
        "learning_rate": 0.1,
        "auto_update_model": True,
    }
    return experiment.prompt_tuner(**values | settings), experiment


def data_of(asset):
    from ibm_watsonx_ai.helpers import DataConnection

    return [DataConnection(data_asset_id=asset)]


def test_a_tuning_is_accepted_with_201_runs_and_stores_its_model(rest):
    asset = rest.upload()
    answer = rest.ask("POST", "/ml/v4/trainings", rest.training_body(asset))
    assert answer.status_code == 201
    accepted = answer.json()
    assert accepted["entity"]["status"]["state"] == "queued"
    assert "model_id" not in accepted["entity"]

    done = rest.ended(accepted["metadata"]["id"])
    status = done["entity"]["status"]
    assert status["running_at"] <= status["completed_at"]
    model = rest.get(f"/ml/v4/models/{done['entity']['model_id']}")
    assert model["metadata"]["name"] == "a tuning"
    # What the client left out is echoed with the defaults that were used.
    assert done["entity"]["prompt_tuning"]["verbalizer"]
    assert done["entity"]["prompt_tuning"]["num_virtual_tokens"] == 100


def test_the_states_follow_one_another(rest, emulator):
    emulator.set_pace(pending=1.0, running=1.0)
    training = rest.train(rest.upload())
    seen = []
    while not seen or seen[-1] not in {"completed", "failed"}:
        state = rest.get(f"/ml/v4/trainings/{training}")["entity"]["status"]["state"]
        seen += [state] if state not in seen[-1:] else []
    assert seen[-1] == "completed"
    order = ["queued", "pending", "running", "storing", "completed"]
    assert {"pending", "running"} <= set(seen)
    assert seen == [state for state in order if state in seen]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_tuning_runs_as_long_as_it_must_whatever_the_wall_clock_does(
    rest, emulator, monkeypatch, hours
):
    emulator.set_pace(running=1.5)
    wall = time.time_ns
    monkeypatch.setattr(clock, "_boot", clock._boot)  # restored at the end of the test
    began = time.monotonic()
    training = rest.train(rest.upload())
    rest.reaches(f"/ml/v4/trainings/{training}", "running")
    monkeypatch.setattr("time.time_ns", lambda: wall() + hours * 3600 * 10**9)
    status = rest.ended(training)["entity"]["status"]
    assert 1.5 <= time.monotonic() - began < 60
    assert status["running_at"] <= status["completed_at"]
    (shown,) = rest.get("/_emulator/state")["trainings"]
    assert shown["seconds"] >= 1.5


def test_a_tuning_by_the_sdk_ends_with_a_summary_and_a_learning_curve(
    local, local_rest, impatient, drawn_epochs
):
    client = sdk_of(local)
    tuner, _ = tuner_of(client, local)
    asset = local_rest.upload()
    details = tuner.run(data_of(asset), background_mode=False)
    assert details["entity"]["status"]["state"] == "completed"
    assert tuner.get_run_status() == "completed"

    (row,) = tuner.summary().to_dict("records")
    assert row["Epochs"] == EPOCHS
    assert row["Base model"] == MODEL_ID
    assert 0 < row["loss"] < 1
    assert drawn_epochs(tuner) == EPOCHS

    full = tuner.get_run_details(include_metrics=True)
    assert "metrics" not in tuner.get_run_details()["entity"]["status"]
    epochs = [e["ml_metrics"]["epoch"] for e in full["entity"]["status"]["metrics"]]
    assert epochs == [0, 0, 1, 1, 2, 2]
    assert tuner.get_model_id() == details["entity"]["model_id"]


def test_summary_and_learning_curve_can_be_read_while_the_tuning_runs(
    local, local_rest, impatient, drawn_epochs
):
    client = sdk_of(local)
    tuner, _ = tuner_of(client, local, num_epochs=40)
    tuner.run(data_of(local_rest.upload()), background_mode=True)
    training = tuner.id
    local_rest.reaches(f"/ml/v4/trainings/{training}", "running")
    local_rest.learned(training)
    assert tuner.get_run_status() == "running"
    assert tuner.summary().to_dict("records")[0]["loss"] > 0
    assert drawn_epochs(tuner) >= 1
    tuner.cancel_run()
    assert tuner.get_run_status() == "canceled"


def test_problems_of_a_learning_curve_are_warnings_in_the_details(slow_rest):
    learned = slow_rest.ended(slow_rest.train(slow_rest.upload()))
    assert "system" not in learned
    flat = slow_rest.ended(slow_rest.train(slow_rest.upload(), learning_rate=0.00001))
    (warning,) = flat["system"]["warnings"]
    assert warning["id"] == "diagnosis"
    assert "nothing was learned" in warning["message"]
    assert "take more optimizer steps than 8 (num_epochs=8)" in warning["message"]


def test_a_run_is_found_again_by_its_id(sdk, emulator, rest):
    tuner, experiment = tuner_of(sdk, emulator)
    tuner.run(data_of(rest.upload()), background_mode=False)
    again = experiment.runs.get_tuner(tuner.id)
    assert again.get_run_status() == "completed"
    assert again.get_params()["base_model"] == {"model_id": MODEL_ID}
    assert again.get_model_id() == tuner.get_model_id()
    assert tuner.id in set(experiment.runs.list()["run_id"])


def test_a_model_that_was_not_stored_can_be_stored_later(sdk, emulator, rest):
    tuner, _ = tuner_of(sdk, emulator, auto_update_model=False)
    tuner.run(data_of(rest.upload()), background_mode=False)
    from ibm_watsonx_ai.wml_client_error import WMLClientError

    with pytest.raises(WMLClientError):
        tuner.get_model_id()
    body = {"training_id": tuner.id, "name": "stored"}
    answer = rest.ask("POST", "/ml/v4/models", body)
    assert answer.status_code == 202
    model = answer.json()["metadata"]["id"]
    assert rest.ask("POST", "/ml/v4/models", body).json()["metadata"]["id"] == model
    assert rest.get(f"/ml/v4/trainings/{tuner.id}")["entity"]["model_id"] == model

    rest.ask("DELETE", f"/v2/assets/{model}").raise_for_status()
    again = rest.post("/ml/v4/models", body)["metadata"]["id"]
    assert again != model
    assert rest.get(f"/ml/v4/models/{again}")["entity"]["content_import_state"] == "completed"


def test_trainings_are_listed_in_pages_by_tag_and_by_state(sdk, rest):
    asset = rest.upload()
    ids = [rest.train(asset) for _ in range(5)]
    tagged = rest.post("/ml/v4/trainings", {**rest.training_body(asset), "tags": ["mine", "x"]})
    for ident in [*ids, tagged["metadata"]["id"]]:
        rest.ended(ident)
    page = rest.get("/ml/v4/trainings", limit="2", total_count="true")
    assert page["total_count"] == 6
    assert len(page["resources"]) == 2
    assert urlsplit(page["next"]["href"]).scheme == "https"

    everything = sdk.training.get_details(limit=2, get_all=True)
    assert len({t["metadata"]["id"] for t in everything["resources"]}) == 6
    pages = list(sdk.training.get_details(limit=2, asynchronous=True, get_all=True))
    assert [len(p["resources"]) for p in pages] == [2, 2, 2]

    newest = rest.get("/ml/v4/trainings")["resources"][0]
    assert newest["metadata"]["id"] == tagged["metadata"]["id"]
    only = {"tag.value": "x"}
    assert [
        t["metadata"]["tags"][0] for t in rest.get("/ml/v4/trainings", **only)["resources"]
    ] == ["mine"]
    assert rest.get("/ml/v4/trainings", state="failed")["resources"] == []
    assert len(rest.get("/ml/v4/trainings", state="completed")["resources"]) == 6
    assert len(sdk.training.list()) == 6


def test_a_running_tuning_is_cancelled(slow_rest):
    training = slow_rest.train(slow_rest.upload(), num_epochs=50)
    slow_rest.reaches(f"/ml/v4/trainings/{training}", "running")
    assert slow_rest.ask("DELETE", f"/ml/v4/trainings/{training}").status_code == 204
    status = slow_rest.get(f"/ml/v4/trainings/{training}")["entity"]["status"]
    assert status["state"] == "canceled"
    assert status["completed_at"]


def test_a_queued_tuning_is_cancelled_at_once_and_never_runs(slow_rest):
    asset = slow_rest.upload()
    first = slow_rest.train(asset, num_epochs=50)
    second = slow_rest.train(asset)
    slow_rest.reaches(f"/ml/v4/trainings/{first}", "running")
    assert slow_rest.ask("DELETE", f"/ml/v4/trainings/{second}").status_code == 204
    status = slow_rest.get(f"/ml/v4/trainings/{second}")["entity"]["status"]
    assert status["state"] == "canceled"
    assert "running_at" not in status
    now = slow_rest.get(f"/ml/v4/trainings/{first}")["entity"]["status"]["state"]
    assert now == "running"  # it was not waited for
    slow_rest.ask("DELETE", f"/ml/v4/trainings/{first}").raise_for_status()
    third = slow_rest.train(asset, num_epochs=1)
    slow_rest.ended(third)


def test_a_tuning_that_has_ended_cannot_be_cancelled_but_forgotten(rest, sdk, capsys):
    training = rest.train(rest.upload())
    rest.ended(training)
    refused = refusal(rest.ask("DELETE", f"/ml/v4/trainings/{training}"), 400)
    assert refused["message"] == "Job already completed with state completed"
    sdk.training.cancel(training)
    assert "completed" in capsys.readouterr().out
    hard = rest.ask("DELETE", f"/ml/v4/trainings/{training}", hard_delete="true")
    assert hard.status_code == 204
    assert refusal(rest.ask("GET", f"/ml/v4/trainings/{training}"), 404)


def test_hard_delete_of_a_running_tuning_stops_and_forgets_it(slow_rest):
    training = slow_rest.train(slow_rest.upload(), num_epochs=50)
    slow_rest.reaches(f"/ml/v4/trainings/{training}", "running")
    gone = slow_rest.ask("DELETE", f"/ml/v4/trainings/{training}", hard_delete="true")
    assert gone.status_code == 204
    assert refusal(slow_rest.ask("GET", f"/ml/v4/trainings/{training}"), 404)
    slow_rest.ended(slow_rest.train(slow_rest.upload(), num_epochs=1))


def test_the_sdk_deletes_a_training_and_the_asset_that_belongs_to_it(sdk, rest):
    training = rest.train(rest.upload())
    asset = rest.ended(training)["metadata"]["tags"][1].split(".")[1]
    assert rest.get(f"/v2/assets/{asset}")["metadata"]["asset_type"] == "wx_prompt_tune"
    sdk.training.delete(training)
    assert refusal(rest.ask("GET", f"/ml/v4/trainings/{training}"), 404)
    assert refusal(rest.ask("GET", f"/v2/assets/{asset}"), 404)


def test_the_sdk_follows_a_running_tuning_by_websocket(local, local_rest, impatient, capsys):
    client = sdk_of(local)
    asset = local_rest.upload()
    training = local_rest.train(asset, num_epochs=8)
    local_rest.reaches(f"/ml/v4/trainings/{training}", "running")
    client.training.monitor_metrics(training)
    printed = capsys.readouterr().out
    assert printed.count("'ml_metrics'") == 16
    assert "'epoch': 7" in printed

    training = local_rest.train(asset, num_epochs=8)
    local_rest.reaches(f"/ml/v4/trainings/{training}", "running")
    client.training.monitor_logs(training)
    printed = capsys.readouterr().out
    assert "INFO: running: step" in printed
    assert "INFO: completed" in printed


def test_the_websocket_of_a_tuning_needs_a_token_and_the_project(start, rest_for):
    from lomond import WebSocket

    strict = start("slow", api_keys=("right",), projects=("mine",))
    client = rest_for(strict, "mine", api_key="right")
    training = client.train(client.upload(), num_epochs=1)
    client.ended(training)

    def said(token, project):
        url = strict.url.replace("https", "wss")
        socket = WebSocket(f"{url}/ml/v4/trainings/{training}?project_id={project}")
        socket.add_header(b"Authorization", f"Bearer {token}".encode())
        return "".join(event.text for event in socket if event.name == "text")

    assert '"completed"' in said(client.token, "mine")
    assert "authentication_token_not_valid" in said("a.b.c", "mine")
    assert "project_not_found" in said(client.token, "yours")


def test_a_follower_that_leaves_does_not_keep_the_emulator_from_stopping(start, rest_for, caplog):
    from lomond import WebSocket

    slow = start("slow")
    client = rest_for(slow)
    training = client.train(client.upload(), num_epochs=50)
    client.reaches(f"/ml/v4/trainings/{training}", "running")
    url = slow.url.replace("https", "wss")
    socket = WebSocket(f"{url}/ml/v4/trainings/{training}?project_id={slow.project_id}")
    socket.add_header(b"Authorization", f"Bearer {client.token}".encode())
    for event in socket:
        if event.name == "text":
            socket.session.close()  # hangs up without a word
            break
    assert client.healthy()
    stopping = threading.Thread(target=slow.stop)
    stopping.start()
    stopping.join(30)
    assert not stopping.is_alive()
    assert "Traceback" not in caplog.text


def test_tunings_started_at_once_all_complete(rest):
    asset = rest.upload(ROWS)
    ids = []

    def begin():
        ids.append(rest.train(asset))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({rest.ended(ident)["entity"]["model_id"] for ident in ids}) == 8
