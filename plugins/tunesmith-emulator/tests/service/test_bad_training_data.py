"""Wrong training data end a training with the reason; wrong settings are refused at once."""

from __future__ import annotations

import json

import pytest
from service_rest import MODEL_ID, ROWS, refusal

GOOD = json.dumps(ROWS[0])
BAD_DATA = {
    "not JSON": (b"input,output\nx,1\n", "write a JSON array or JSON lines"),
    "half an array": (b'[{"input": "x"', "rows.json"),
    "no output": (b'[{"input": "x", "output": "1"}, {"input": "y"}]', "row 1"),
    "output of a line": (f'{GOOD}\n{{"input": "y"}}\n'.encode(), "line 2"),
    "no rows": (b"[]", "no rows"),
    "no bytes but white space": (b" \n ", "no rows"),
    "one label only": (
        json.dumps([{"input": "x", "output": "1"}] * 4).encode(),
        "every output is '1'",
    ),
    "too many rows": (json.dumps(ROWS * 626).encode(), "10016 rows"),
    "binary": (b"\x89PNG\r\n\xff\xfe\x00", "not UTF-8"),
    "a number as input": (b'[{"input": 7, "output": "1"}]', "row 0"),
    "an object as row": (b'["x"]', "row 0"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_DATA.values(), ids=BAD_DATA)
def test_wrong_rows_fail_the_training_and_are_named(rest, content, reason):
    training = rest.train(rest.upload(content))
    status = rest.ended(training, "failed")["entity"]["status"]
    (error,) = status["failure"]["errors"]
    assert "rows.json" in error["message"]
    assert reason in error["message"]
    assert "Traceback" not in error["message"]
    rest.ended(rest.train(rest.upload()))  # the next one is none the worse for it


def test_a_label_longer_than_the_answer_may_be_fails_the_training(local, rest_for):
    client = rest_for(local)
    rows = [{"input": r["input"], "output": f"a rather long label {r['output']}"} for r in ROWS]
    training = client.train(client.upload(rows), max_output_tokens=2)
    status = client.ended(training, "failed")["entity"]["status"]
    assert "max_output_tokens" in status["failure"]["errors"][0]["message"]


NUMBERS = (
    "accumulate_steps",
    "batch_size",
    "learning_rate",
    "max_input_tokens",
    "max_output_tokens",
    "num_epochs",
)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_hyper_parameter_out_of_range_is_refused_and_named(rest, name):
    specs = rest.get("/ml/v1/foundation_model_specs")["resources"]
    spec = next(spec for spec in specs if spec["model_id"] == MODEL_ID)
    limits = spec["training_parameters"][name]
    asset = rest.upload()
    for value in (limits["min"] / 2, limits["max"] * 1.01, 0, -1, 1e300, "1", True, [1]):
        answer = rest.ask("POST", "/ml/v4/trainings", rest.training_body(asset, **{name: value}))
        assert refusal(answer, 400)["target"]["name"] == f"prompt_tuning.{name}"
    assert rest.get("/ml/v4/trainings")["resources"] == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"epochs": 3}, "prompt_tuning.epochs"),
        ({"tuning_type": "fine"}, "prompt_tuning.tuning_type"),
        ({"task_id": "cooking"}, "prompt_tuning.task_id"),
        ({"init_method": "magic"}, "prompt_tuning.init_method"),
        ({"init_method": "random", "init_text": "x"}, "prompt_tuning.init_text"),
        ({"init_method": "text", "init_text": ""}, "prompt_tuning.init_text"),
        ({"verbalizer": "no placeholder"}, "prompt_tuning.verbalizer"),
        ({"verbalizer": "{{input}} {{input}}"}, "prompt_tuning.verbalizer"),
        ({"num_virtual_tokens": 21}, "prompt_tuning.num_virtual_tokens"),
        ({"base_model": {}}, "prompt_tuning.base_model.model_id"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_and_named(rest, wrong, named):
    answer = rest.ask("POST", "/ml/v4/trainings", rest.training_body(rest.upload(), **wrong))
    assert refusal(answer, 400)["target"]["name"] == named


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"description": 1}, "description"),
        ({"tags": "x"}, "tags"),
        ({"auto_update_model": "yes"}, "auto_update_model"),
        ({"results_reference": []}, "results_reference"),
        ({"results_reference": {"location": "x"}}, "results_reference.location"),
        ({"prompt_tuning": None}, "prompt_tuning"),
        ({"training_data_references": []}, "training_data_references"),
        ({"test_data_references": [1]}, "test_data_references"),
        (
            {"training_data_references": [{"type": "connection_asset"}]},
            "training_data_references[0].type",
        ),
        (
            {"training_data_references": [{"type": "data_asset", "location": {"id": 1}}]},
            "training_data_references[0].location.id",
        ),
    ],
    ids=str,
)
def test_a_wrong_field_is_refused_and_named(rest, wrong, named):
    body = rest.training_body(rest.upload()) | wrong
    answer = rest.ask("POST", "/ml/v4/trainings", body)
    assert refusal(answer, 400)["target"]["name"] == named
    assert rest.get("/ml/v4/trainings")["resources"] == []


def test_an_unknown_model_and_one_that_is_not_tunable_are_refused(rest):
    asset = rest.upload()
    unknown = rest.training_body(asset, base_model={"model_id": "nobody/nothing"})
    assert (
        "nobody/nothing" in refusal(rest.ask("POST", "/ml/v4/trainings", unknown), 404)["message"]
    )
    specs = rest.get("/ml/v1/foundation_model_specs")["resources"]
    fixed = [s["model_id"] for s in specs if "training_parameters" not in s]
    for model_id in fixed[:1]:
        body = rest.training_body(asset, base_model={"model_id": model_id})
        assert refusal(rest.ask("POST", "/ml/v4/trainings", body), 400)["code"] == (
            "model_not_supported"
        )


def test_the_run_of_the_sdk_returns_the_reason_of_a_failure(sdk, rest, emulator, capsys):
    from ibm_watsonx_ai.experiment import TuneExperiment
    from ibm_watsonx_ai.helpers import DataConnection

    experiment = TuneExperiment(sdk.credentials, project_id=emulator.project_id)
    tuner = experiment.prompt_tuner(
        name="x", task_id=experiment.Tasks.CLASSIFICATION, base_model=MODEL_ID
    )
    details = tuner.run([DataConnection(data_asset_id=rest.upload(b"[]"))], background_mode=False)
    assert details["entity"]["status"]["state"] == "failed"
    assert "no rows" in capsys.readouterr().out
