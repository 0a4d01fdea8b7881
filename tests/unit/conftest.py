"""Small data and experiments that the unit tests share."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.plugins import registry
from tunesmith.testing.fake import FAKE_MODEL

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share report_records.py

# A shell ignores Ctrl-C in what it starts in the background, and children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

GOOD = ["lovely staff", "great haircut", "clean and friendly", "kind people", "we love it"]
BAD = ["rude staff", "a dirty room", "late again", "never again", "slow and poor"]


def rows(copies: int) -> list[dict[str, str]]:
    pairs = [(text, "1") for text in GOOD] + [(text, "0") for text in BAD]
    return [{"input": f"{t} {i}", "output": o} for i in range(copies) for t, o in pairs]


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    """An experiment as plain values, its files in ``tmp_path``."""
    (tmp_path / "train.json").write_text(json.dumps(rows(4)))
    (tmp_path / "test.json").write_text(json.dumps(rows(2)))
    return {
        "name": "demo",
        "base_model": FAKE_MODEL,
        "method": {"name": "prompt_tuning", "num_epochs": 2, "batch_size": 4},
        "data": {"train": str(tmp_path / "train.json"), "test": str(tmp_path / "test.json")},
        "labels": ["0", "1"],
    }


@pytest.fixture
def experiment(values: dict[str, Any]) -> Experiment:
    return Experiment.from_values(values)


FAKE_PLUGIN = """
from tunesmith.hookspecs import BackendEntry, hookimpl

@hookimpl
def register_backends():
    return [BackendEntry("fake", "for tests", "tunesmith.testing.fake:FakeBackend"),
            BackendEntry("dying", "for tests", "odd_backends:Dying"),
            BackendEntry("no-validation", "for tests", "odd_backends:NoValidation")]
"""
ODD_BACKENDS = """
import os
from tunesmith.testing.fake import FakeBackend, FakePredictor

class Dying(FakeBackend):
    name = "dying"

    @property
    def predictor(self):
        return Deadly(self)

class Deadly(FakePredictor):
    def generate(self, target, inputs, params=None):
        os._exit(9)

class NoValidation(FakeBackend):
    name = "no-validation"
    declares = {"validation": False}
"""


@pytest.fixture
def fake_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The fake backend by its name, in this process and in those that it starts."""
    folder = tmp_path / "site"
    info = folder / "fake-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tunesmith]\nfake = only_fake_plugin\n")
    (folder / "only_fake_plugin.py").write_text(FAKE_PLUGIN)
    (folder / "odd_backends.py").write_text(ODD_BACKENDS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    )
    monkeypatch.setenv("TUNESMITH_OPTIONS", str(tmp_path / "no-options.toml"))
    registry.cache_clear()
    yield
    registry.cache_clear()
    for module in ("only_fake_plugin", "odd_backends"):
        sys.modules.pop(module, None)
