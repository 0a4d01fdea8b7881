"""A method is one file and one entry in a list: a sample is added, trained, saved and served."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_models import build

from tunesmith import plugins
from tunesmith.backend import Range
from tunesmith.errors import DeploymentError, ExperimentError
from tunesmith.experiment import Experiment
from tunesmith.hookspecs import Artifact, MethodEntry
from tunesmith.records import Row
from tunesmith_local import plugin
from tunesmith_local.backend import LocalBackend
from tunesmith_local.methods import registry
from tunesmith_local.options import LocalOptions

LABELS = ["yes", "no"]
ROWS = [Row(input=f"{'good ' * (i % 4)}{i}", output=LABELS[i % 2]) for i in range(10)]
FILE = '''
"""One token is trained: a soft prompt of length one, in a format of its own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tunesmith.methods import GradientTuning
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.tunable import Tunable


class OneToken(GradientTuning):
    """One trained token before the text."""

    name: ClassVar[str] = "one_token"
    learning_rate: Annotated[float, Field(gt=0, le=5)] = 0.1
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    started_from: Literal["zero", "end"] = "zero"


class OneTokenTunable(Tunable):
    def __init__(self, base, settings):
        import torch

        self.base = base
        start = torch.zeros(1, base.hidden_size)
        if settings.started_from == "end":
            start = base.embeddings.weight[[base.tokenizer.eos_token_id]].detach().float()
        self.token = torch.nn.Parameter(start)
        self.parameters = {"token": self.token}
        self.facts = {"started_from": settings.started_from}

    @contextmanager
    def reading(self, seed):
        from tunesmith_local.engine.scoring import row_losses

        yield lambda rows: row_losses(self.base, self.token, rows)

    def save(self, directory):
        from safetensors.torch import save_file

        save_file(self.weights(), directory / "one_token.safetensors")


class OneTokenMethod(GradientMethod[OneToken]):
    settings = OneToken
    weights_file = "one_token.safetensors"

    def start(self, base, settings, seed, texts=None):
        return OneTokenTunable(base, settings)

    def reads(self, files):
        return files.has("one_token.safetensors")

    def load(self, base, files):
        from safetensors.torch import load_file

        from tunesmith_local.methods.tuned import TunedLM

        tensors = load_file(files.directory / "one_token.safetensors")
        return TunedLM(base, files.card, prompt=tensors["token"])


METHOD = OneTokenMethod()
'''
ENTRY = MethodEntry(
    name="one_token",
    summary="One trained token",
    target="sample_one_token:OneToken",
    kind="soft prompt",
    place=39,
    artifact=Artifact(library="tunesmith", holds="One token."),
)


@pytest.fixture
def _added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sample is installed: its file, and its entry in the list."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sample_one_token.py").write_text(FILE)
    monkeypatch.syspath_prepend(folder)
    entries = (*registry.BROUGHT, ENTRY)
    monkeypatch.setattr(registry, "BROUGHT", entries)
    monkeypatch.setattr(plugin, "BROUGHT", entries)
    plugins.registry.cache_clear()
    yield
    plugins.registry.cache_clear()
    sys.modules.pop("sample_one_token", None)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    base = build("granite")
    base.model.save_pretrained(folder / "tiny" / "granite")
    base.tokenizer.save_pretrained(folder / "tiny" / "granite")
    return folder


def opened(models: Path, tmp_path: Path) -> LocalBackend:
    options = LocalOptions(store=tmp_path / "store", models=models, device="cpu", offline=True)
    return LocalBackend(options)


def experiment(**method: object) -> Experiment:
    return Experiment.from_values(
        {
            "base_model": "tiny/granite",
            "labels": LABELS,
            "data": {"train": "train.jsonl"},
            "method": {"name": "one_token", "num_epochs": 3, "batch_size": 4, **method},
        }
    )


@pytest.mark.usefixtures("_added")
def test_a_sample_method_is_declared_trained_saved_loaded_and_served(
    models: Path, tmp_path: Path
) -> None:
    with opened(models, tmp_path) as backend:
        declared = backend.capabilities("tiny/granite")
        assert "one_token" in declared.methods
        assert declared.hyperparameters["started_from"] == Range(choices=("zero", "end"))
        model = backend.tuner.tune(experiment(started_from="end"), ROWS, ROWS[:4])
        deployment = backend.deployer.deploy(model, "mine")
        before = backend.predictor.classify(deployment, ["good dog"], LABELS)
        (untuned,) = backend.predictor.classify("tiny/granite", ["good dog"], LABELS)
    assert model.curve.epochs[-1].loss < model.curve.epochs[0].loss
    assert model.details["started_from"] == "end"
    assert model.details["artifact"] == {"library": "tunesmith", "holds": "One token."}
    assert before[0].probabilities != pytest.approx(untuned.probabilities, abs=1e-4)
    with opened(models, tmp_path) as other:
        assert other.predictor.classify(deployment, ["good dog"], LABELS) == before
        other.tuner.export(model, tmp_path / "exported")
    assert {p.name for p in (tmp_path / "exported").iterdir()} == {
        "one_token.safetensors", "tunesmith.json", "tuned_model.json",
    }  # fmt: skip
    weights = tmp_path / f"store/models/{model.id}/one_token.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with opened(models, tmp_path) as third, pytest.raises(DeploymentError, match="sha256"):
        third.deployer.deploy(model, "damaged")


@pytest.mark.usefixtures("_added")
def test_the_ranges_of_a_sample_method_are_those_of_its_fields() -> None:
    with pytest.raises(ExperimentError, match="learning_rate"):
        experiment(learning_rate=6)


def test_without_its_entry_there_is_no_such_method() -> None:
    with pytest.raises(ExperimentError, match="no method 'one_token'"):
        experiment()


def test_parsing_the_settings_of_every_method_loads_no_torch() -> None:
    names = json.dumps([entry.name for entry in registry.entries()])
    code = (
        "import sys; from tunesmith.spec import parse_method;"
        f"[parse_method(name) for name in {names}];"
        "import tunesmith_local.methods.prompt_tuning;"
        "print([m for m in ('torch', 'transformers', 'peft', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
