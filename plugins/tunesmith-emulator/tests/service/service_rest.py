"""The REST API of an emulator without any client's help."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

MODEL_ID = "ibm/granite-13b-instruct-v2"
VERSION = {"version": "2026-10-14"}
ROWS = [
    {"input": f"visit {number}: {text}", "output": label}
    for number in range(4)
    for text, label in (
        ("the bath was gentle and the cut is lovely", "1"),
        ("they were late and nobody said sorry", "0"),
        ("kind people, fair price, happy dog", "1"),
        ("the nails are uneven and one paw bled", "0"),
    )
]
_UNDER_WAY = {"queued", "pending", "running", "storing", "initializing", "updating"}
_PATIENCE = 120  # the backend is loaded by the first work


class Rest:
    """A client of one project; ``http`` is what it sends with."""

    def __init__(self, url: str, ca_file: Path | str, project: str, api_key: str = "any") -> None:
        self.scope = {"project_id": project}
        self.http = httpx.Client(
            base_url=url,
            verify=ssl.create_default_context(cafile=str(ca_file)),
            timeout=60,
        )
        grant = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": api_key}
        self.token = self.http.post("/identity/token", data=grant).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Rest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        """Send a request of this project, in query and body."""
        # A deployment has its project, and its inference refuses another one.
        if isinstance(body, dict) and not re.search("/deployments/.*/text/", path):
            body = self.scope | body
        given = {} if body is None else {"json": body}
        return self.http.request(method, path, params=VERSION | self.scope | query, **given)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _read(self.ask("POST", path, dict(body)))

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return _read(self.ask("GET", path, **query))

    def asset(self, name: str = "rows.json") -> str:
        """Make an asset without bytes."""
        body = {"metadata": {"name": name, "asset_type": "data_asset"}, "entity": {}}
        ident: str = self.post("/v2/assets", body)["metadata"]["asset_id"]
        return ident

    def attach(self, asset: str) -> dict[str, Any]:
        return self.post(f"/v2/assets/{asset}/attachments", {"name": "rows.json"})

    def upload(self, content: bytes | Sequence[Any] = ROWS, name: str = "rows.json") -> str:
        """Upload a file; returns the asset's id."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        asset = self.asset(name)
        announced = self.attach(asset)
        self.http.put(announced["url1"], content=data).raise_for_status()
        self.post(f"/v2/assets/{asset}/attachments/{announced['attachment_id']}/complete", {})
        return asset

    def training_body(self, asset: str, **parameters: Any) -> dict[str, Any]:
        reference = {"type": "data_asset", "location": {"id": asset}}
        return {
            **self.scope,
            "name": "a tuning",
            "auto_update_model": True,
            "training_data_references": [reference],
            "results_reference": {"type": "container", "location": {"path": "results"}},
            "prompt_tuning": {
                "base_model": {"model_id": MODEL_ID},
                "task_id": "classification",
                "num_epochs": 2,
                "learning_rate": 0.1,
                "batch_size": 4,
                "accumulate_steps": 1,
                "max_input_tokens": 64,
                "max_output_tokens": 4,
                **parameters,
            },
        }

    def train(self, asset: str, **parameters: Any) -> str:
        """Start a tuning; returns its id."""
        body = self.training_body(asset, **parameters)
        ident: str = self.post("/ml/v4/trainings", body)["metadata"]["id"]
        return ident

    def tuned(self, **parameters: Any) -> str:
        """Tune to the end; returns the model's id."""
        training = self.train(self.upload(), **parameters)
        model: str = self.ended(training)["entity"]["model_id"]
        return model

    def deploy(self, model: str, serving_name: str | None = None, name: str = "served") -> str:
        """Ask for a deployment; returns its id."""
        online = {"parameters": {"serving_name": serving_name}} if serving_name else {}
        body = {"name": name, "asset": {"id": model}, "online": online}
        ident: str = self.post("/ml/v4/deployments", body)["metadata"]["id"]
        return ident

    def ready(self, deployment: str) -> dict[str, Any]:
        return self.reaches(f"/ml/v4/deployments/{deployment}", "ready")

    def ended(self, training: str, state: str = "completed") -> dict[str, Any]:
        return self.reaches(f"/ml/v4/trainings/{training}", state)

    def reaches(self, path: str, state: str) -> dict[str, Any]:
        """Poll until a resource is in ``state``, or in one that is the end."""
        until, pause = time.monotonic() + _PATIENCE, 0.02
        while True:
            found = self.get(path)
            now = found["entity"]["status"]["state"]
            if now == state or now not in _UNDER_WAY or time.monotonic() > until:
                break
            time.sleep(pause)
            pause = min(1.2 * pause, 0.2)  # the work needs the processor, too
        assert now == state, found["entity"]["status"]
        return found

    def learned(self, training: str, epochs: int = 1) -> None:
        """Wait until a running tuning has told the losses of so many epochs."""
        status = self.get(f"/ml/v4/trainings/{training}")["entity"]["status"]
        while len(status.get("metrics", ())) < 2 * epochs:
            assert status["state"] == "running", status
            time.sleep(0.02)
            status = self.get(f"/ml/v4/trainings/{training}")["entity"]["status"]

    def generate(self, deployment: str, text: str = "gentle") -> str:
        path = f"/ml/v1/deployments/{deployment}/text/generation"
        answer: str = self.post(path, {"input": text})["results"][0]["generated_text"]
        return answer

    def healthy(self) -> bool:
        return self.http.get("/_emulator/health").json()["status"] == "ok"


def refusal(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the one error of a refusal, which must be the service's envelope."""
    assert response.status_code == status, response.text[:600]
    envelope = response.json()
    assert envelope["status_code"] == status
    assert len(envelope["trace"]) == 32
    assert int(envelope["trace"], 16) >= 0
    assert "Traceback" not in response.text
    (error,) = envelope["errors"]
    assert {"code", "message", "more_info"} <= set(error)
    assert error["message"]
    return error


def _read(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer
