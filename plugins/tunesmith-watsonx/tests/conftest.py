"""Shared fixtures: an emulator, an experiment, and no settings of the developer's service."""

from __future__ import annotations

import os

import pytest

from tunesmith.experiment import Experiment
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.options import WatsonxOptions

MODEL = "ibm/granite-13b-instruct-v2"


@pytest.fixture(autouse=True)
def _no_service_of_ones_own(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("WATSONX_", "WX_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _emulator():
    with Emulator(backend="sklearn") as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator):
    """An emulator over the backend that tunes in a blink, empty at the start of every test."""
    yield _emulator
    _emulator.reset()
    _emulator.set_pace()


@pytest.fixture
def options_for(tmp_path):
    """Return a function that gives the options for an emulator, with changes."""

    def make(emulator, **changes):
        given = {**emulator.credentials, "project_id": emulator.project_id}
        return WatsonxOptions.model_validate({**given, "store": tmp_path / "store", **changes})

    return make


@pytest.fixture
def connect(emulator, options_for):
    """Return a function that connects to the emulator, as another process would."""
    opened = []

    def make(**changes):
        opened.append(WatsonxBackend(options_for(emulator, **changes)))
        return opened[-1]

    yield make
    for backend in opened:
        backend.close()


@pytest.fixture
def backend(connect):
    """A backend at the emulator."""
    return connect()


@pytest.fixture
def experiment(tmp_path):
    """Return a function that gives a small experiment, with changes."""
    for name, rows in (("train", TRAIN), ("test", TEST)):
        lines = "".join(row.model_dump_json() + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines)

    def make(**changes):
        values = {
            "name": "scenario",
            "base_model": MODEL,
            "method": {"name": "prompt_tuning", "num_epochs": 2, "max_output_tokens": 8},
            "data": {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "test")},
            "labels": ["0", "1"],
        }
        return Experiment.model_validate({**values, **changes})

    return make


@pytest.fixture
def tuned(backend, experiment):
    """A tuned model."""
    return backend.tuner.submit(experiment(), TRAIN).wait(timeout=60)
