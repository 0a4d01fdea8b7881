"""Cloud Pak for Data: the SDK signs in there, uploads a form, and may fine-tune with LoRA."""

from __future__ import annotations

import httpx
import pytest
from service_rest import MODEL_ID, ROWS, refusal

# The SDK's own words about prompt tuning on Cloud Pak for Data.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")


def sdk_on_cpd(running):
    from ibm_watsonx_ai import APIClient, Credentials

    return APIClient(
        Credentials(
            url=running.url,
            username="me",
            api_key="k",
            instance_id="openshift",
            version="5.2",
            verify=str(running.ca_file),
        ),
        project_id=running.project_id,
    )


@pytest.fixture
def rows(tmp_path):
    import json

    file = tmp_path / "rows.json"
    file.write_text(json.dumps(ROWS))
    return file


def test_the_whole_flow(emulator, rest, rows, tmp_path, impatient):
    from ibm_watsonx_ai.experiment import TuneExperiment
    from ibm_watsonx_ai.helpers import DataConnection

    client = sdk_on_cpd(emulator)
    asset = client.data_assets.get_id(
        client.data_assets.create(name="rows.json", file_path=str(rows))
    )
    client.data_assets.download(asset, str(tmp_path / "back.json"))
    assert (tmp_path / "back.json").read_bytes() == rows.read_bytes()

    experiment = TuneExperiment(client.credentials, project_id=emulator.project_id)
    tuner = experiment.prompt_tuner(
        name="on CPD",
        task_id=experiment.Tasks.CLASSIFICATION,
        base_model=MODEL_ID,
        num_epochs=1,
        auto_update_model=True,
    )
    details = tuner.run([DataConnection(data_asset_id=asset)], background_mode=False)
    assert details["entity"]["status"]["state"] == "completed"
    names = client.deployments.ConfigurationMetaNames
    made = client.deployments.create(
        tuner.get_model_id(), {names.NAME: "d", names.ONLINE: {}, names.SERVING_NAME: "on_cpd"}
    )
    assert rest.generate(client.deployments.get_id(made)) in {"0", "1"}


def test_a_wrong_password_is_refused(start):
    from ibm_watsonx_ai import APIClient, Credentials

    strict = start("sklearn", api_keys=("right",))
    given = {"url": strict.url, "username": "me", "instance_id": "openshift", "version": "5.2"}
    verify = str(strict.ca_file)
    assert APIClient(Credentials(**given, api_key="right", verify=verify))
    with pytest.raises(Exception, match="not accepted"):
        APIClient(Credentials(**given, password="wrong", verify=verify))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"nonsense", b'{"api_key": 7}', b'{"api_key": "\\ud800"}', b"[" * 100_000],
    ids=lambda body: body[:12].decode(),
)
def test_a_malformed_sign_in_is_refused(rest, body):
    assert refusal(rest.http.post("/icp4d-api/v1/authorize", content=body), 400)


def test_the_sdk_of_2024_signs_in_at_its_own_address(rest):
    grant = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "a"}
    answer = rest.http.post("/oidc/token", data=grant).json()
    assert answer["expires_in"] == 3600
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert rest.http.get("/v2/spaces?limit=1", headers=bearer).is_success


LORA = {
    "base_model": MODEL_ID,
    "num_epochs": 2,
    "batch_size": 4,
    "accumulate_steps": 1,
    "learning_rate": 0.005,
    "auto_update_model": True,
    "verbalizer": "Review: {{input}} Label: {{output}}",
    "response_template": "Label:",
}


def test_lora_uses_fine_tunings_if_the_backend_declares_it(local, rest_for, impatient):
    from ibm_watsonx_ai.experiment import TuneExperiment
    from ibm_watsonx_ai.foundation_models.schema import PeftParameters
    from ibm_watsonx_ai.helpers import DataConnection

    plain = rest_for(local)
    experiment = TuneExperiment(sdk_on_cpd(local).credentials, project_id=local.project_id)
    tuner = experiment.fine_tuner(
        name="low rank",
        task_id=experiment.Tasks.CLASSIFICATION,
        peft_parameters=PeftParameters(
            type="lora", rank=4, lora_alpha=8, lora_dropout=0.1, target_modules=["all-linear"]
        ),
        **LORA,
    )
    asset = plain.upload()
    details = tuner.run([DataConnection(data_asset_id=asset)], background_mode=False)
    assert details["entity"]["status"]["state"] == "completed"
    tuned = details["entity"]["tuned_model"]["id"]
    assert tuner.get_model_id() == tuned
    path = f"/ml/v1/fine_tunings/{tuner.id}"
    shown = plain.get(path)["entity"]
    assert shown["parameters"]["peft_parameters"]["rank"] == 4
    ident = plain.deploy(tuned)
    plain.ready(ident)
    assert plain.generate(ident, "gentle and lovely") in {"0", "1"}
    # It is a fine tuning, so it is not among the prompt tunings.
    assert refusal(plain.ask("GET", f"/ml/v4/trainings/{tuner.id}"), 404)
    assert plain.get("/ml/v4/trainings")["resources"] == []
    assert len(plain.get("/ml/v1/fine_tunings")["resources"]) == 1
    assert plain.ask("DELETE", path, hard_delete="true").status_code == 204


def lora_body(rest, asset, **parameters):
    body = rest.training_body(asset)
    del body["prompt_tuning"]
    peft = {"type": "lora", "rank": 4}
    given = {"base_model": {"model_id": MODEL_ID}, "num_epochs": 2, "peft_parameters": peft}
    return {**body, "parameters": given | parameters}


def test_a_lora_that_destroys_its_model_says_so_in_the_details(local, rest_for):
    client = rest_for(local)
    rates = {"learning_rate": 0.5, "num_epochs": 3, "batch_size": 4, "accumulate_steps": 1}
    body = lora_body(client, client.upload(), **rates)
    ident = client.post("/ml/v1/fine_tunings", body)["metadata"]["id"]
    details = client.reaches(f"/ml/v1/fine_tunings/{ident}", "completed")
    (warning,) = details["system"]["warnings"]
    assert warning["id"] == "diagnosis"
    assert "jumped" in warning["message"]
    assert "learning_rate=0.05" in warning["message"]


def test_lora_is_refused_if_the_backend_does_not_declare_it(rest):
    answer = rest.ask("POST", "/ml/v1/fine_tunings", lora_body(rest, rest.upload()))
    assert "does not offer LoRA" in refusal(answer, 400)["message"]
    assert rest.get("/ml/v1/fine_tunings")["resources"] == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"peft_parameters": {"type": "qlora"}}, "parameters.peft_parameters.type"),
        ({"peft_parameters": {"rank": 0}}, "parameters"),
        ({"peft_parameters": {"rang": 4}}, "parameters"),
        ({"peft_parameters": [1]}, "parameters.peft_parameters"),
        ({"verbalizer": "{{input}} Label: {{output}}"}, "parameters.response_template"),
        ({"verbalizer": "{{input}}", "response_template": "x"}, "parameters.response_template"),
        ({"num_epochs": "many"}, "parameters"),
    ],
    ids=str,
)
def test_a_wrong_lora_is_refused_and_named(local, rest_for, wrong, named):
    client = rest_for(local)
    body = lora_body(client, client.upload(), **wrong)
    answer = client.ask("POST", "/ml/v1/fine_tunings", body)
    assert refusal(answer, 400)["target"]["name"].startswith(named)


def test_an_upload_by_form_needs_the_field_file(rest):
    announced = rest.attach(rest.asset())
    refused = rest.http.put(announced["url1"], files={"other": b"x"})
    assert "'file'" in refusal(refused, 400)["message"]
    broken = rest.http.put(
        announced["url1"],
        content=b"no boundary here",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert refusal(broken, 400)["code"] in {"invalid_request", "invalid_request_entity"}
    assert isinstance(broken, httpx.Response)
