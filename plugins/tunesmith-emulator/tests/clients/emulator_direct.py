"""The emulator's REST API without any client's help: what the clients are compared with."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from tunesmith_emulator import Emulator

MODEL_ID = "ibm/granite-13b-instruct-v2"
SERVING_NAME = "reviews_by_clients"
VERBALIZER = "classify {0, 1} {{input}}"
ROWS = [
    {"input": "The bath was gentle and the cut is lovely.", "output": "1"},
    {"input": "They were late and nobody said sorry.", "output": "0"},
    {"input": "Kind people, fair price, happy dog.", "output": "1"},
    {"input": "The nails are uneven and one paw bled.", "output": "0"},
]
VERSION = {"version": "2026-10-14"}
_UNDER_WAY = {"queued", "pending", "running", "storing", "initializing", "updating"}


class Direct:
    """A project of a running emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.scope = {"project_id": emulator.project_id}
        self._http = httpx.Client(
            base_url=emulator.url,
            verify=ssl.create_default_context(cafile=str(emulator.ca_file)),
            timeout=60,
        )
        grant = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "any"}
        token = self._http.post("/identity/token", data=grant).json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Direct:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """POST, and return the answer."""
        return _read(self._http.post(path, json=body, params=VERSION | query))

    def get(self, path: str) -> dict[str, Any]:
        """GET something of the project."""
        return _read(self._http.get(path, params=VERSION | self.scope))

    def upload(self, rows: Sequence[Mapping[str, str]]) -> str:
        """Upload training data; returns the asset's id."""
        metadata = {"name": "rows.json", "asset_type": "data_asset"}
        body = {"metadata": metadata, "entity": {"data_asset": {"mime_type": "application/json"}}}
        asset: str = self.post("/v2/assets", body, **self.scope)["metadata"]["asset_id"]
        place = f"/v2/assets/{asset}/attachments"
        announced = self.post(place, {"asset_type": "data_asset", "name": "rows"}, **self.scope)
        self._http.put(announced["url1"], json=list(rows)).raise_for_status()
        self.post(f"{place}/{announced['attachment_id']}/complete", {}, **self.scope)
        return asset

    def train(self, name: str, asset: str, **parameters: Any) -> str:
        """Start a prompt tuning; returns its id."""
        body = {
            **self.scope,
            "name": name,
            "auto_update_model": True,
            "training_data_references": [
                {"type": "data_asset", "location": {"href": f"/v2/assets/{asset}", "id": asset}}
            ],
            "results_reference": {"type": "container", "location": {"path": "results"}},
            "prompt_tuning": tuning(**parameters),
        }
        ident: str = self.post("/ml/v4/trainings", body)["metadata"]["id"]
        return ident

    def deploy(self, model: str, name: str, serving_name: str) -> str:
        """Deploy a tuned model and wait until it is ready; returns the deployment's id."""
        online = {"parameters": {"serving_name": serving_name}}
        body = {**self.scope, "name": name, "asset": {"id": model}, "online": online}
        ident: str = self.post("/ml/v4/deployments", body)["metadata"]["id"]
        self.wait(f"/ml/v4/deployments/{ident}", "ready")
        return ident

    def wait(self, path: str, state: str) -> dict[str, Any]:
        """Poll until the resource has left what is under way; it must then be in ``state``."""
        while True:
            found = self.get(path)
            if found["entity"]["status"]["state"] not in _UNDER_WAY:
                break
            time.sleep(0.1)
        assert found["entity"]["status"]["state"] == state, found["entity"]["status"]
        return found

    def tuned_model(self, training: str) -> str:
        """Wait for a training; returns the id of its model."""
        model: str = self.wait(f"/ml/v4/trainings/{training}", "completed")["entity"]["model_id"]
        return model


@dataclass(frozen=True)
class Served:
    """An emulator with one tuned model in service."""

    direct: Direct
    settings: dict[str, Any]
    """The settings that a client's program gets."""
    asset: str
    """Training data, uploaded."""
    model: str
    deployment: str

    def generated(self, **body: Any) -> dict[str, Any]:
        """Return what the REST API itself generates for a model or a deployment."""
        return self._ask("generation", body)["results"][0]

    def chatted(self, **body: Any) -> str:
        """Return the answer of the REST API in a chat."""
        text: str = self._ask("chat", body)["choices"][0]["message"]["content"]
        return text

    def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        deployment = body.pop("deployment", None)
        if deployment:
            return self.direct.post(f"/ml/v1/deployments/{deployment}/text/{what}", body)
        whole = {"model_id": MODEL_ID, **self.direct.scope, **body}
        return self.direct.post(f"/ml/v1/text/{what}", whole)


def tuning(**parameters: Any) -> dict[str, Any]:
    """Return the hyper-parameters of a small tuning."""
    return {
        "base_model": {"model_id": MODEL_ID},
        "task_id": "classification",
        "tuning_type": "prompt_tuning",
        "init_method": "random",
        "num_epochs": 2,
        "learning_rate": 0.01,
        "batch_size": 2,
        "accumulate_steps": 1,
        "max_input_tokens": 64,
        "max_output_tokens": 4,
        "verbalizer": VERBALIZER,
    } | parameters


def _read(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer
