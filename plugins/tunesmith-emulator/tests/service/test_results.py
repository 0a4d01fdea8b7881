"""The files of a training's results, which clients of Cloud Pak for Data read."""

from __future__ import annotations

from service_rest import Rest, refusal

from tunesmith_emulator import Emulator


def _location(rest: Rest, training: str) -> dict[str, str]:
    found: dict[str, str] = rest.get(f"/ml/v4/trainings/{training}")["entity"]["results_reference"][
        "location"
    ]
    return found


def test_the_log_and_the_request_of_the_model_are_files(local: Emulator, rest_for) -> None:
    rest = rest_for(local)
    body = rest.training_body(rest.upload())
    path = f"/projects/{local.project_id}/assets/wx_prompt_tune"
    body |= {
        "results_reference": {"type": "fs", "location": {"path": path}},
        "auto_update_model": False,
    }
    training = rest.post("/ml/v4/trainings", body)["metadata"]["id"]
    rest.ended(training)
    where = _location(rest, training)
    log = rest.ask("GET", "/v2/asset_files/" + where["training_log"].split("/assets/", 1)[1])
    assert log.headers["content-type"] == "application/octet-stream"
    lines = log.text.splitlines()
    assert lines[0].endswith("queued: a tuning")
    assert [line.split(": loss")[0].split(" ", 1)[1] for line in lines[4:-1]] == [
        "epoch 1",
        "epoch 2",
    ]
    assert lines[-1].endswith("Z completed")
    request = where["model_request_path"].split("/assets/", 1)[1]
    stored = rest.ask("GET", f"/v2/asset_files/{request}").json()
    model = rest.ask("POST", "/ml/v4/models", stored)
    assert model.status_code == 202
    assert (
        rest.get(f"/ml/v4/trainings/{training}")["entity"]["model_id"]
        == (model.json()["metadata"]["id"])
    )


def test_there_is_no_file_before_the_end_elsewhere_or_of_nothing(
    emulator: Emulator, rest: Rest
) -> None:
    emulator.set_pace(pending=30)
    training = rest.train(rest.upload())
    log = f"/v2/asset_files/{_location(rest, training)['training_log']}"
    refusal(rest.ask("GET", log), 404)
    rest.ask("DELETE", f"/ml/v4/trainings/{training}")
    assert rest.ask("GET", log).text.splitlines()[-1].endswith("canceled")
    refusal(rest.ask("GET", log, project_id="another"), 404)
    refusal(rest.ask("GET", f"/v2/asset_files/{training}"), 404)
    refusal(rest.ask("GET", "/v2/asset_files/wx_fine_tune/none/training-log.txt"), 404)
    request = f"/v2/asset_files/{_location(rest, training)['model_request_path']}"
    refusal(rest.ask("GET", request), 404)
