"""What the calls of the coverage need: a client, and resources that are made at their first use."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sdk_stored import echo, products

from tunesmith_emulator import Emulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.experiment import TuneExperiment
    from ibm_watsonx_ai.foundation_models import (
        Embeddings,
        FineTuner,
        ModelInference,
        PromptTuner,
    )
    from ibm_watsonx_ai.foundation_models.prompts import PromptTemplate, PromptTemplateManager
    from ibm_watsonx_ai.helpers import DataConnection

MODEL_ID = "ibm/granite-13b-instruct-v2"
SPACE_ID = "33333333-2222-4333-8444-555555555555"
SPECIFICATION = "12b83a17-24d8-5082-900f-0ab31fbfd3cb"
EMBEDDING_ID = "ibm/slate-125m-english-rtrvr-v2"
ROWS = [
    {"input": f"visit {n}: {'kind' if n % 2 else 'late'}", "output": str(n % 2)} for n in range(8)
]


def printed(call: Callable[[], object]) -> str:
    """Return what a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        call()
    return told.getvalue()


class World:
    """One emulator, seen by the SDK."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self._number = 0
        # An older part of the SDK, which stores and loads models, trusts what certifi does alone.
        self._trusting = patch("certifi.where", lambda: str(emulator.ca_file))
        self._trusting.start()

    @cached_property
    def client(self) -> APIClient:
        return self.own_client()

    def named(self, suffix: str) -> Path:
        """Return the path of a new file."""
        self._number += 1
        return self.folder / f"{self._number}{suffix}"

    def own_client(self) -> APIClient:
        """Return a new client, whose connections a call may close."""
        return APIClient(
            Credentials(**self.emulator.credentials), project_id=self.emulator.project_id
        )

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return the result of an asynchronous method."""
        return self._loop.run_until_complete(work)

    def collect(self, stream: Any) -> list[Any]:
        """Return the parts of an asynchronous stream, or of the coroutine that gives one."""

        async def collected() -> list[Any]:
            parts: AsyncIterator[Any] = await stream if asyncio.iscoroutine(stream) else stream
            return [part async for part in parts]

        found: list[Any] = self._loop.run_until_complete(collected())
        return found

    @cached_property
    def on_cpd(self) -> APIClient:
        """A client of Cloud Pak for Data, on which alone the SDK offers fine tuning."""
        signed_in = Credentials(
            url=self.emulator.url,
            username="me",
            api_key="k",
            instance_id="openshift",
            version="5.2",
            verify=str(self.emulator.ca_file),
        )
        return APIClient(signed_in, project_id=self.emulator.project_id)

    @cached_property
    def there(self) -> APIClient:
        """A client of a space, where code is deployed: the SDK scores nowhere else."""
        client = self.own_client()
        client.set.default_space(SPACE_ID)
        return client

    def _deployed_code(self, details: dict[str, Any], **way: Any) -> str:
        made = self.there.deployments.create(
            details["metadata"]["id"],
            {self.there.deployments.ConfigurationMetaNames.NAME: "code", **way},
        )
        ident: str = made["metadata"]["id"]
        return ident

    @cached_property
    def _function(self) -> dict[str, Any]:
        names = self.there.repository.FunctionMetaNames
        found: dict[str, Any] = self.there.repository.store_function(
            products, {names.NAME: "products", names.SOFTWARE_SPEC_ID: SPECIFICATION}
        )
        return found

    @cached_property
    def function_deployment(self) -> str:
        return self._deployed_code(self._function, online={}, serving_name="serves_products")

    @cached_property
    def batch_deployment(self) -> str:
        return self._deployed_code(self._function, batch={})

    @cached_property
    def ai_service(self) -> str:
        names = self.there.repository.AIServiceMetaNames
        kept = {names.NAME: "echo", names.SOFTWARE_SPEC_ID: SPECIFICATION}
        return self._deployed_code(self.there.repository.store_ai_service(echo, kept), online={})

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def close(self) -> None:
        """Close the connections of the client."""
        for client in (self.client, self.on_cpd, self.there):
            self.wait(client.async_httpx_client.aclose())
            client.httpx_client.close()
        self._loop.close()
        self._trusting.stop()

    @cached_property
    def rows(self) -> Path:
        path = self.named(".json")
        path.write_text(json.dumps(ROWS), encoding="utf-8")
        return path

    @cached_property
    def asset(self) -> str:
        return self.new_asset()

    def new_asset(self) -> str:
        details = self.client.data_assets.create("rows.json", str(self.rows))
        ident: str = self.client.data_assets.get_id(details)
        return ident

    @cached_property
    def tuner(self) -> PromptTuner:
        """A tuner that has run."""
        tuner = self.new_tuner()
        tuner.run([DataConnection(data_asset_id=self.asset)], background_mode=False)
        return tuner

    def new_tuner(self) -> PromptTuner:
        experiment = TuneExperiment(self.client.credentials, project_id=self.emulator.project_id)
        experiment.client = self.client
        return experiment.prompt_tuner(
            name="tuned", task_id="classification", base_model=MODEL_ID, num_epochs=2,
            batch_size=4, accumulate_steps=1, learning_rate=0.1, max_input_tokens=32,
            max_output_tokens=4, auto_update_model=True,
        )  # fmt: skip

    @cached_property
    def fine_tuner(self) -> FineTuner:
        """A tuner of LoRA that has run."""
        tuner = self.new_fine_tuner()
        tuner.run([DataConnection(data_asset_id=self.asset)], background_mode=False)
        return tuner

    def new_fine_tuner(self) -> FineTuner:
        experiment = TuneExperiment(self.on_cpd.credentials, project_id=self.emulator.project_id)
        experiment.client = self.on_cpd
        return experiment.fine_tuner(
            name="low rank", task_id="classification", base_model=MODEL_ID, num_epochs=2,
            batch_size=4, accumulate_steps=1, learning_rate=0.005, auto_update_model=True,
            peft_parameters={"type": "lora", "rank": 4},
        )  # fmt: skip

    @contextlib.contextmanager
    def slow_trainings(self) -> Iterator[None]:
        """Let a training that begins inside still run when the next call comes."""
        self.emulator.set_pace(pending=1.0)
        try:
            yield
        finally:
            self.emulator.set_pace()

    @property
    def training(self) -> str:
        ident: str = self.tuner.id
        return ident

    def new_training(self) -> str:
        """Return the id of a training that has just begun."""
        details = self.client.training.run(self.training_body, asynchronous=True)
        ident: str = self.client.training.get_id(details)
        return ident

    @property
    def training_body(self) -> dict[str, Any]:
        entity = self.tuner.get_run_details()["entity"]
        return {
            "name": "another",
            "description": "of the coverage",
            "prompt_tuning": entity["prompt_tuning"],
            "training_data_references": entity["training_data_references"],
            "results_reference": {"type": "container", "location": {"path": "results"}},
            "auto_update_model": True,
        }

    @property
    def model_asset(self) -> str:
        ident: str = self.tuner.get_model_id()
        return ident

    @cached_property
    def deployment(self) -> str:
        return self.new_deployment("served")

    def new_deployment(self, serving_name: str) -> str:
        details = self.client.deployments.create(self.model_asset, self.deployed_as(serving_name))
        ident: str = details["metadata"]["id"]
        return ident

    def deployed_as(self, serving_name: str) -> dict[str, Any]:
        names = self.client.deployments.ConfigurationMetaNames
        return {
            names.NAME: serving_name,
            names.ONLINE: {},
            names.SERVING_NAME: serving_name,
            names.BASE_MODEL_ID: MODEL_ID,
        }

    @cached_property
    def details(self) -> dict[str, Any]:
        """The details of the deployment."""
        found: dict[str, Any] = self.client.deployments.get_details(self.deployment)
        return found

    @cached_property
    def model(self) -> ModelInference:
        return ModelInference(
            model_id=MODEL_ID, api_client=self.client, params={"max_new_tokens": 4}
        )

    @cached_property
    def embedding(self) -> Embeddings:
        return Embeddings(model_id=EMBEDDING_ID, api_client=self.client)

    @cached_property
    def prompts(self) -> PromptTemplateManager:
        return PromptTemplateManager(api_client=self.client)

    def new_prompt(self) -> str:
        template = PromptTemplate(
            name="t", model_id=MODEL_ID, input_text="Say {a}", input_variables=["a"]
        )
        ident: str = self.prompts.store_prompt(template).prompt_id
        return ident
