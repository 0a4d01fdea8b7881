"""Frozen weights in 8 or 4 bits: smaller, close to the plain ones, and a prompt fits both."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tunesmith import connect
from tunesmith.backend import Backend
from tunesmith.dataset import load_dataset
from tunesmith.errors import PluginError, UnsupportedError
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith.records import Deployment
from tunesmith.spec import TuningSpec
from tunesmith_local.catalog import Catalog
from tunesmith_local.model import quantization
from tunesmith_local.model.loading import model_summary
from tunesmith_local.options import LocalOptions, Quantization

if find_spec("bitsandbytes") is None:
    pytest.skip("needs bitsandbytes: make test-quantization", allow_module_level=True)
DATA = Path(__file__).parents[3] / "data" / "grooming_reviews"
KINDS: tuple[Quantization, ...] = ("int8", "nf4")
LABELS = ["0", "1"]
TEXTS = load_dataset(str(DATA / "test.json")).inputs[:40]


def base_of(kind: Quantization) -> Catalog:
    return Catalog(LocalOptions(quantization=kind))


def spec(method: str) -> TuningSpec:
    settings = {"num_epochs": 4, "batch_size": 10, "accumulate_steps": 1}
    return TuningSpec.from_values(
        {
            "name": "small",
            "base_model": DEFAULT_BASE_MODEL,
            "labels": LABELS,
            "method": {"name": method, **settings},
        }
    )


def tuned(backend: Backend, method: str = "prompt_tuning") -> Deployment:
    rows = load_dataset(str(DATA / "train.json")).rows[:60]
    return backend.deployer.deploy(backend.tuner.tune(spec(method), rows), "small")


def shares(backend: Backend, deployment: Deployment) -> torch.Tensor:
    found = backend.predictor.classify(deployment, TEXTS, LABELS)
    return torch.tensor([[one.probabilities[label] for label in LABELS] for one in found])


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_smaller_and_the_model_is_the_same(kind: Quantization) -> None:
    plain, small = (model_summary(base_of(k).read(DEFAULT_BASE_MODEL)) for k in ("none", kind))
    assert small["weights_bytes"] < plain["weights_bytes"]
    assert small["quantization"] == kind
    for same in ("parameters", "base_fingerprint", "dtype"):
        assert small[same] == plain[same]


@pytest.mark.parametrize("kind", KINDS)
def test_short_cuts_are_taken_only_if_the_self_check_found_them_exact(kind: Quantization) -> None:
    base = base_of(kind).load(DEFAULT_BASE_MODEL)
    texts = [f"{text} Satisfaction:" for text in TEXTS[:8]]
    with connect("local", quantization=kind) as backend:
        together = backend.predictor.classify(base.name, texts, LABELS)
        alone = [backend.predictor.classify(base.name, [text], LABELS)[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_was_tuned_on_quantized_weights_answers_on_the_plain_ones(
    tmp_path: Path, kind: Quantization
) -> None:
    with connect("local", store=tmp_path, quantization=kind) as backend:
        deployment = tuned(backend)
        small = shares(backend, deployment)
    with connect("local", store=tmp_path) as backend:
        plain = shares(backend, deployment)
    assert (small - plain).abs().mean() < 0.1
    assert not torch.equal(small, plain)


def test_small_numbers_are_not_flushed_to_zero(tmp_path: Path) -> None:
    smallest = torch.tensor([1e-45])
    base_of("nf4").read(DEFAULT_BASE_MODEL)
    assert (smallest * 1).item() > 0


def test_lora_is_trained_beside_quantized_weights(tmp_path: Path) -> None:
    with connect("local", store=tmp_path, quantization="nf4") as backend:
        deployment = tuned(backend, "lora")
        losses = [epoch.loss for epoch in deployment.model.curve.epochs]
        assert losses[-1] < losses[0]
        assert shares(backend, deployment).isfinite().all()


def test_fine_tuning_is_refused(tmp_path: Path) -> None:
    with (
        connect("local", store=tmp_path, quantization="int8") as backend,
        pytest.raises(UnsupportedError, match="use lora or prompt_tuning"),
    ):
        tuned(backend, "fine_tuning")


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quantization, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"pip install 'tunesmith-local\[quantization\]'"):
        base_of("int8").read(DEFAULT_BASE_MODEL)
