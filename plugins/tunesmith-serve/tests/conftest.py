"""Two prompts that are tuned for seconds, and a service over them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share the other modules

from served_prompts import MICRO, Tuned, client_of
from starlette.testclient import TestClient

import tunesmith
from tunesmith.experiment import Experiment
from tunesmith_serve.prompts import read_source
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

DATA = Path(__file__).parents[3] / "data" / "grooming_reviews"
METHOD = {
    "name": "prompt_tuning",
    "num_virtual_tokens": 8,
    "verbalizer": "Comment: {{input}}\nSatisfaction:\n",
    "num_epochs": 1,
    "max_input_tokens": 128,
}


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuned]:
    folder = tmp_path_factory.mktemp("runs")
    rows = json.loads((DATA / "train.json").read_text("utf-8"))
    train, test = folder / "train.json", folder / "test.json"
    train.write_text(json.dumps(rows[:64]), "utf-8")
    test.write_text(json.dumps(rows[64:72]), "utf-8")
    data = {"train": str(train), "test": str(test)}
    values = {"base_model": MICRO, "method": METHOD, "labels": ["0", "1"], "answer": "decision"}
    with tunesmith.connect("local", store=folder / "store" / "local") as backend:
        calibrated = Experiment(data={**data, "validation": 0.25}, **values)
        other = Experiment(data=data, **values, seed=1)
        yield Tuned(
            backend,
            folder,
            calibrated.run(backend, runs_dir=folder).directory,
            other.run_alone(backend, folder / "other").directory,
            [row["input"] for row in rows[64:96]],
        )


@pytest.fixture
def serving(tuned: Tuned) -> Iterator[Callable[..., Service]]:
    """Make services over both prompts; the arguments are settings."""
    made: list[Service] = []

    def make(**settings: Any) -> Service:
        service = Service(tuned.backend, MICRO, Settings(**settings))
        made.append(service)
        for name, path in tuned.served:
            service.prompts.add(read_source(path), name)
        return service.load()

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(serving: Callable[..., Service]) -> Service:
    return serving()


@pytest.fixture
def client(service: Service) -> TestClient:
    """A client of the application in this process."""
    return client_of(service)
