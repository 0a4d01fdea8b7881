"""The real, unmodified SDK reads the catalogue."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from catalogue_questions import Make
from catalogue_server import served

from tunesmith_emulator.catalogue.service import Catalogue

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.experiment import TuneExperiment
    from ibm_watsonx_ai.foundation_models import ModelInference
    from ibm_watsonx_ai.foundation_models.utils.utils import LifecycleWarning
    from ibm_watsonx_ai.wml_client_error import WMLClientError

ARTICLE, NOTEBOOK = "ibm/granite-3-8b-instruct", "ibm/granite-13b-instruct-v2"
GRANITE_4 = "ibm/granite-4-h-small"
Connect = Callable[[Catalogue], APIClient]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Gives a client of a server of the catalogue's routes."""
    # The SDK writes its `verify` into the environment; this puts it back.
    monkeypatch.setenv("WX_CLIENT_VERIFY_REQUESTS", "true")
    with ExitStack() as servers:

        def connected(catalogue: Catalogue) -> APIClient:
            url, ca = servers.enter_context(served(catalogue, tmp_path))
            monkeypatch.setenv("SSL_CERT_FILE", str(ca))
            credentials = Credentials(url=url, platform_url=url, token="a.b.c", verify=True)
            client = APIClient(credentials, project_id="p")
            # A server waits half a minute for a client that keeps its connection.
            servers.callback(client.httpx_client.close)
            return client

        yield connected


def test_models_can_be_listed_and_named(
    connect: Connect, today: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    models = connect(today).foundation_models
    listed = {spec["model_id"] for spec in models.get_model_specs()["resources"]}
    assert listed == {spec["model_id"] for spec in today.specs()}
    assert models.TextModels.GRANITE_13B_INSTRUCT_V2 == NOTEBOOK
    assert models.ChatModels.GRANITE_4_H_SMALL == GRANITE_4
    assert models.PromptTunableModels.MICRO_GRANITE == "tunesmith/micro-granite"
    models.PromptTunableModels.show()
    assert "'GRANITE_3_8B_INSTRUCT': 'ibm/granite-3-8b-instruct'" in capsys.readouterr().out
    assert not list(models.EmbeddingModels)


def test_a_backend_that_only_tunes_leaves_the_other_lists_empty(
    connect: Connect, make: Make
) -> None:
    models = connect(make(backend="sklearn")).foundation_models
    assert not list(models.TextModels)
    assert not list(models.ChatModels)
    assert models.PromptTunableModels.GRANITE_13B_INSTRUCT_V2 == NOTEBOOK


def test_a_model_can_be_opened_without_a_warning(connect: Connect, today: Catalogue) -> None:
    client = connect(today)
    model = ModelInference(model_id=NOTEBOOK, api_client=client)
    assert model.get_details()["model_id"] == NOTEBOOK
    assert client.foundation_models.get_model_lifecycle(NOTEBOOK) == [
        {"id": "available", "start_date": "2023-12-01"}
    ]


def test_a_deprecated_model_warns_and_a_withdrawn_one_is_refused(
    connect: Connect, make: Make
) -> None:
    client = connect(make("2025-07-01"))
    with pytest.warns(LifecycleWarning, match="from 2025-06-18 until 2025-10-15"):
        ModelInference(model_id=NOTEBOOK, api_client=client)
    client = connect(make("2025-10-15"))
    with pytest.raises(WMLClientError, match="is not supported"):
        ModelInference(model_id=NOTEBOOK, api_client=client)
    assert client.foundation_models.get_model_lifecycle(NOTEBOOK) is None


def test_the_pages_can_be_followed(connect: Connect, today: Catalogue) -> None:
    models = connect(today).foundation_models
    pages = list(models.get_model_specs(limit=2, asynchronous=True, get_all=True))
    assert len(pages) > 2
    assert [s["model_id"] for p in pages for s in p["resources"]] == [
        s["model_id"] for s in today.specs()
    ]
    assert len(models.get_model_specs(limit=2, get_all=True)["resources"]) == len(today.specs())


def test_a_malformed_filter_comes_back_as_the_services_error(
    connect: Connect, today: Catalogue
) -> None:
    with pytest.raises(WMLClientError, match="malformed"):
        connect(today).foundation_models.get_model_specs(filters="nonsense")


def test_tasks_need_no_token(connect: Connect, today: Catalogue) -> None:
    client = connect(today)
    url = f"{client.credentials.url}/ml/v1/foundation_model_tasks?version=2023-09-30"
    answer = httpx.get(url).json()
    assert answer["total_count"] == len(answer["resources"]) == len(today.tasks())
    assert {"task_id", "label"} <= answer["resources"][0].keys()


def test_the_tutorials_base_model_is_accepted_until_the_cloud_ended_prompt_tuning(
    connect: Connect, make: Make
) -> None:
    # The article's model is an addition of ours, the notebook's was the service's own.
    for model_id, catalogue in ((ARTICLE, make()), (NOTEBOOK, make("2025-06-01"))):
        tuner = _experiment(connect(catalogue)).prompt_tuner(
            name="n", task_id="classification", base_model=model_id
        )
        assert tuner.prompt_tuning_params.base_model == {"model_id": model_id}
    with pytest.raises(WMLClientError, match=r"is not supported. Supported models: \[\]"):
        _experiment(connect(make("2025-10-15"))).prompt_tuner(
            name="n", task_id="classification", base_model=NOTEBOOK
        )


def _experiment(client: APIClient) -> TuneExperiment:
    experiment = TuneExperiment(client.credentials, project_id="p")
    experiment.client.httpx_client.close()
    experiment.client = client
    return experiment
