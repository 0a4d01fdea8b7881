"""Functions and AI services that are deployed with IBM's SDK, and run."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from ibm_watsonx_ai import APIClient, Credentials
from ibm_watsonx_ai.wml_client_error import WMLClientError
from service_rest import VERSION, Rest

from tunesmith_emulator import Emulator

RUNTIME = "runtime-24.1-py3.11"


def doubling(params={"factor": 2}):  # noqa: B006  # the SDK writes the default into the code
    import os

    print("loaded")  # no answer of ours

    def score(payload):
        rows = payload["input_data"][0]["values"]
        doubled = [[cell * params["factor"] for cell in row] for row in rows]
        return {"predictions": [{"fields": ["x"], "values": doubled, "process": os.getpid()}]}

    return score


def lacking():
    import no_such_package  # noqa: F401

    return print


def deployable_ai_service(context, url="https://us-south.ml.cloud.ibm.com", greeting="Hello"):
    from ibm_watsonx_ai import APIClient, Credentials

    # IBM's host, as in the cloud: it is led to the emulator that runs the code.
    client = APIClient(Credentials(url=url, token=context.generate_token()))
    client.set.default_space(context.get_space_id())

    def generate(context):
        client.set_token(context.get_token())
        name = context.get_json()["name"]
        found = client.software_specifications.get_id_by_name("runtime-24.1-py3.11")
        body = {"text": f"{greeting} {name}", "spec": found, "method": context.get_method()}
        return {"body": body, "headers": {"X-Kind": "greeting"}}

    def generate_stream(context):
        for word in (greeting, context.get_json()["name"]):
            yield {"word": word}

    return generate, generate_stream


@pytest.fixture
def emulator(code_emulator: Emulator) -> Emulator:
    return code_emulator


@pytest.fixture
def client(emulator: Emulator, impatient: None) -> APIClient:
    """IBM's client of a space."""
    return APIClient(Credentials(**emulator.credentials), space_id="a-space")


def deployed(client: APIClient, function: Any) -> str:
    names = client.repository.FunctionMetaNames
    spec = client.software_specifications.get_id_by_name(RUNTIME)
    meta = {names.NAME: "f", names.SOFTWARE_SPEC_ID: spec}
    stored = client.repository.store_function(function, meta)
    return put(client, client.repository.get_function_id(stored))


def put(client: APIClient, artifact: str, **more: Any) -> str:
    names = client.deployments.ConfigurationMetaNames
    meta = {names.NAME: "d", names.ONLINE: {}, **more}
    return client.deployments.get_id(client.deployments.create(artifact, meta))


def rows(*values: float) -> dict[str, Any]:
    return {"input_data": [{"fields": ["x"], "values": [[value] for value in values]}]}


def test_a_function_scores_in_a_process_of_its_own(client: APIClient) -> None:
    ident = deployed(client, doubling)
    details = client.deployments.get_details(ident)
    assert details["entity"]["deployed_asset_type"] == "function"
    assert client.deployments.get_scoring_href(details).endswith(f"/{ident}/predictions")
    assert list(client.deployments.list()["ARTIFACT_TYPE"]) == ["function"]
    (first,) = client.deployments.score(ident, rows(1, 2.5))["predictions"]
    (second,) = client.deployments.score(ident, rows(4))["predictions"]
    assert (first["values"], second["values"]) == ([[2], [5]], [[8]])
    assert first["process"] == second["process"] != os.getpid()
    client.deployments.delete(ident)
    with pytest.raises(ProcessLookupError):
        os.kill(first["process"], 0)


def test_an_ai_service_answers_whole_and_in_pieces(client: APIClient, rest: Rest) -> None:
    names = client.repository.AIServiceMetaNames
    spec = client.software_specifications.get_id_by_name(RUNTIME)
    meta = {names.NAME: "s", names.SOFTWARE_SPEC_ID: spec}
    stored = client.repository.store_ai_service(deployable_ai_service, meta)
    ident = put(client, client.repository.get_ai_service_id(stored))
    answer = client.deployments.run_ai_service(ident, {"name": "Ada"})
    assert answer == {"text": "Hello Ada", "spec": spec, "method": "POST"}
    pieces = list(client.deployments.run_ai_service_stream(ident, {"name": "Ada"}))
    assert [piece.strip() for piece in pieces] == ['{"word": "Hello"}', '{"word": "Ada"}']
    path = f"/ml/v4/deployments/{ident}"
    raw = rest.http.post(f"{path}/ai_service", json={"name": "Ada"}, params=VERSION)
    assert raw.headers["X-Kind"] == "greeting"


def test_a_package_that_is_missing_is_named_with_the_python(client: APIClient) -> None:
    with pytest.raises(WMLClientError, match="No module named 'no_such_package'; install it for"):
        deployed(client, lacking)
    (row,) = client.deployments.get_details()["resources"]
    assert row["entity"]["status"]["state"] == "failed"
    assert sys.executable in str(row["entity"]["status"]["failure"])
