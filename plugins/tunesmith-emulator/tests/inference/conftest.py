"""The inference routes over real engines: the local backend and scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from tunesmith.dataset import DataSpec, load_dataset
from tunesmith.experiment import Experiment
from tunesmith.labels import LabelSet
from tunesmith.records import Deployment
from tunesmith_emulator.control.script import Script
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, not_found
from tunesmith_emulator.inference.scripted import Scripted
from tunesmith_emulator.inference.service import Inference
from tunesmith_emulator.routes.inference import ROUTES
from tunesmith_emulator.settings import Settings

ROOT = Path(__file__).parents[4]
MICRO = "tunesmith/micro-granite"
BASE_ID = "ibm/granite-13b-instruct-v2"
PROMPT = "Review: the groomer was gentle and quick. Is it good? Answer:"


@dataclass
class Entry:
    served_by: str = MICRO
    max_sequence_length: int | None = 512
    max_new_tokens: int | None = 256
    whole_calls: bool = False
    warnings: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Served:
    target: Deployment
    model_id: str = BASE_ID
    template: None = None


@dataclass
class Catalogue:
    entries: dict[str, Entry]

    def find(self, model_id: str) -> Entry:
        if model_id not in self.entries:
            raise ServiceError(404, "model_not_supported", f"Model {model_id!r} is not supported")
        return self.entries[model_id]


@dataclass
class Deployments:
    ready: dict[str, Served]

    def serving(self, id_or_name: str) -> Served:
        if id_or_name not in self.ready:
            raise not_found("deployment", id_or_name)
        return self.ready[id_or_name]


@dataclass
class Services:
    """As much of the services as these routes use, and a client of it."""

    settings: Settings
    engine: Engine
    entries: dict[str, Entry]
    ready: dict[str, Served]
    deployment: Deployment

    def __post_init__(self) -> None:
        catalogue, deployments = Catalogue(self.entries), Deployments(self.ready)
        self.inference = Inference(self.engine, catalogue, deployments)
        self.scripted = Scripted(Script(), catalogue, deployments)
        app = FastAPI()
        app.state.services = self
        for route in ROUTES:
            app.add_api_route(
                route.path, route.handler, methods=[route.method], response_model=None
            )
        app.add_exception_handler(ServiceError, _refused)
        self.app = app
        self.client = TestClient(app)

    def post(self, path: str, body: object) -> Any:
        return self.client.post(f"/ml/v1/{path}", json=body)

    def ask(self, text: str = PROMPT, **parameters: Any) -> dict[str, Any]:
        """Return the whole answer of text/generation by the base model."""
        return self._ok("text/generation", base_body(text, parameters))

    def result(self, text: str = PROMPT, **parameters: Any) -> dict[str, Any]:
        return self.ask(text, **parameters)["results"][0]

    def tuned(self, text: str, **parameters: Any) -> dict[str, Any]:
        """Return the whole answer of text/generation by the deployment."""
        body = {"input": text, "parameters": parameters}
        return self._ok("deployments/tuned/text/generation", body)

    def chat(self, *messages: Any, **fields: Any) -> dict[str, Any]:
        return self._ok("text/chat", chat_body(*messages, **fields))

    def refusal(self, path: str, body: object, status: int = 400) -> dict[str, Any]:
        """Return the one error of the envelope of a refused request."""
        answer = self.post(path, body)
        assert answer.status_code == status, answer.text
        envelope = answer.json()
        assert envelope["status_code"] == status
        assert len(envelope["trace"]) == 32
        (error,) = envelope["errors"]
        assert error["message"]
        return error

    def refused_parameter(self, **parameters: Any) -> dict[str, Any]:
        return self.refusal("text/generation", base_body(PROMPT, parameters))

    def events(self, path: str, body: object) -> list[dict[str, Any]]:
        """Return the events of a stream, each as its lines by name, ``data`` parsed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        blocks = answer.text.removesuffix("\n\n").split("\n\n")
        found = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
        return [{**event, "data": json.loads(event["data"])} for event in found]

    def _ok(self, path: str, body: object) -> dict[str, Any]:
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def base_body(text: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"model_id": BASE_ID, "project_id": "p", "input": text}
    return {**body, "parameters": parameters} if parameters is not None else body


def chat_body(*messages: Any, **fields: Any) -> dict[str, Any]:
    found = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
    return {"model_id": BASE_ID, "project_id": "p", "messages": found, **fields}


def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, ServiceError)
    return JSONResponse(error.body(), status_code=error.status)


def services(backend: str, folder: Path, method: dict[str, Any], rows: int) -> Services:
    settings = Settings(backend=backend, data_dir=folder)
    engine = Engine(settings, folder / "store")
    data = load_dataset(str(ROOT / "data" / "grooming_reviews" / "train.json"))
    experiment = Experiment.model_validate(
        {
            "base_model": MICRO,
            "data": DataSpec(train="train.json"),
            "labels": LabelSet.model_validate(["0", "1"]),
            "method": method,
        }
    )
    model = engine.backend.tuner.tune(experiment, data.rows[:rows])
    deployment = engine.backend.deployer.deploy(model, "tuned")
    entries = {BASE_ID: Entry()}
    return Services(settings, engine, entries, {"tuned": Served(deployment)}, deployment)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The local backend: the embedded base model, and one prompt-tuned deployment of it."""
    method = {
        "name": "prompt_tuning",
        "num_virtual_tokens": 10,
        "num_epochs": 4,
        "learning_rate": 0.05,
        "batch_size": 8,
        "accumulate_steps": 1,
        "max_input_tokens": 100,
        "max_output_tokens": 8,
        "verbalizer": "Is the review good? {{input}} Answer:",
    }
    made = services("local", tmp_path_factory.mktemp("local"), method, rows=64)
    yield made
    made.engine.close()


@pytest.fixture(scope="session")
def sklearn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """scikit-learn: no base model, no generation parameters, no token counts, no stream."""
    method = {"name": "tfidf_logreg"}
    made = services("sklearn", tmp_path_factory.mktemp("sklearn"), method, rows=200)
    yield made
    made.engine.close()


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that makes settings."""

    def make(**given: Any) -> Settings:
        return Settings(data_dir=tmp_path, **given)

    return make
