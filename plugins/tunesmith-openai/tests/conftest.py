"""Shared fixtures: two servers, and no settings of the developer's own.

One is the emulator's, over the embedded model. The other answers with classifiers, and fails on
demand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share openai_server.py

from openai_server import Provider, served

from tunesmith.backend import BackendOptions
from tunesmith.records import Row
from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TRAIN
from tunesmith_emulator import OpenAIEmulator
from tunesmith_openai.backend import OpenAIBackend
from tunesmith_openai.options import OpenAIOptions
from tunesmith_sklearn.backend import SklearnBackend
from tunesmith_sklearn.methods import TfidfLogreg

MODEL = "classifier-1"


@pytest.fixture(autouse=True)
def _no_provider_of_ones_own(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def emulator():
    """OpenAI's API over the embedded model, whose jobs tune soft prompts."""
    with OpenAIEmulator(method={"name": "prompt_tuning", "num_virtual_tokens": 4}) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def classifiers(tmp_path_factory):
    """A backend of classifiers, and the deployment of one that was fitted on a few rows."""
    backend = SklearnBackend(BackendOptions(store=tmp_path_factory.mktemp("classifiers")))
    rows = [*TRAIN[:4], Row(input="unsure", output="0")]
    spec = TuningSpec(base_model="any", method=TfidfLogreg(), labels=["0", "1"])
    base = backend.deployer.deploy(backend.tuner.submit(spec, rows).wait(), MODEL)
    with backend:
        yield backend, base


@pytest.fixture
def provider(classifiers):
    """A provider whose base model is a classifier. Nothing is tuned yet."""
    backend, base = classifiers
    return Provider(backend, {MODEL: base}, TfidfLogreg(), pace=0.0)


@pytest.fixture
def connect(provider, tmp_path):
    """Return a function that connects to the provider, as another process would."""
    opened = []
    with served(provider) as url:

        def make(**changes):
            given = {"base_url": url, "store": tmp_path / "store", **changes}
            opened.append(OpenAIBackend(OpenAIOptions.model_validate(given)))
            return opened[-1]

        yield make
        for backend in opened:
            backend.close()
