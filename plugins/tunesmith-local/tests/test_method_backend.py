"""Every method through the backend: jobs, records, deployments beside each other, whole runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from method_models import small

from tunesmith.backend import Target
from tunesmith.errors import DeploymentError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.records import Deployment, Generation, Row
from tunesmith.spec import GenerationParams
from tunesmith_local.backend import LocalBackend
from tunesmith_local.options import LocalOptions

LABELS = ["yes", "no"]
ROWS = [Row(input=f"{'good ' * (i % 4)}{i}", output=LABELS[i % 2]) for i in range(10)]
TEXTS = ["good dog", "a much longer text about a dog", "x"]
PARAMS = GenerationParams(max_new_tokens=6)
SETTINGS: dict[str, dict[str, object]] = {
    "prompt_tuning": {"num_virtual_tokens": 5, "learning_rate": 0.5},
    "p_tuning": {"num_virtual_tokens": 5, "learning_rate": 0.05},
    "prefix_tuning": {"num_virtual_tokens": 5, "learning_rate": 0.5},
    "lora": {"rank": 2, "learning_rate": 0.05, "lora_dropout": 0.1},
    "fine_tuning": {"learning_rate": 0.005},
}
KINDS = ("granite", "hybrid-mamba", "t5")


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny base models on disk."""
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        base = small(kind)
        base.model.save_pretrained(folder / "tiny" / kind)
        base.tokenizer.save_pretrained(folder / "tiny" / kind)
    return folder


@pytest.fixture
def connect(models_folder: Path, tmp_path: Path) -> Iterator[Callable[[], LocalBackend]]:
    """Return a function that opens the backend on one store, as another process would."""
    opened: list[LocalBackend] = []

    def open_backend() -> LocalBackend:
        options = LocalOptions(
            store=tmp_path / "store", models=models_folder, device="cpu", offline=True
        )
        opened.append(LocalBackend(options))
        return opened[-1]

    yield open_backend
    for backend in opened:
        backend.close()


def experiment(name: str, kind: str = "granite", **more: object) -> Experiment:
    """A small experiment with one method."""
    common = {"name": name, "num_epochs": 2, "batch_size": 4, "accumulate_steps": 1}
    return Experiment.from_values(
        {
            "base_model": f"tiny/{kind}",
            "labels": LABELS,
            "data": {"train": "train.jsonl"},
            "method": {**common, "verbalizer": "say {{input}} =", **SETTINGS[name], **more},
        }
    )


def deployed(backend: LocalBackend, name: str, kind: str) -> Deployment:
    """Tune and deploy."""
    model = backend.tuner.tune(experiment(name, kind), ROWS)
    return backend.deployer.deploy(model, name)


def alone(backend: LocalBackend, target: Target, text: str) -> Generation:
    """The result of one input alone."""
    return backend.predictor.generate(target, [text], PARAMS)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_deployments_of_every_method_share_a_base_model_that_answers_as_before(
    connect: Callable[[], LocalBackend], kind: str
) -> None:
    backend, bare = connect(), f"tiny/{kind}"
    before = [alone(backend, bare, text) for text in TEXTS]
    names = [n for n in SETTINGS if n != "prefix_tuning" or kind == "granite"]
    targets: list[Target] = [bare, *(deployed(backend, name, kind) for name in names)]
    pairs = [(target, text) for text in TEXTS for target in targets]
    expected = [alone(backend, target, text) for target, text in pairs]
    mixed = backend.predictor.generate_each(*zip(*pairs, strict=True), PARAMS)
    assert mixed == expected
    assert [alone(backend, bare, text) for text in TEXTS] == before
    for target in targets[1:]:
        together = backend.predictor.classify(target, TEXTS, LABELS)
        for text, scores in zip(TEXTS, together, strict=True):
            (single,) = backend.predictor.classify(target, [text], LABELS)
            assert scores.probabilities == pytest.approx(single.probabilities, abs=1e-5)
            (untuned,) = backend.predictor.classify(bare, [f"say {text} ="], LABELS)
            assert scores.probabilities != pytest.approx(untuned.probabilities, rel=1e-3, abs=0)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_deployment_answers_the_same_in_another_process(
    connect: Callable[[], LocalBackend], name: str
) -> None:
    first = connect()
    deployment = deployed(first, name, "granite")
    expected = [alone(first, deployment, text) for text in TEXTS]
    first.close()
    second = connect()
    assert [alone(second, deployment, text) for text in TEXTS] == expected
    details = deployment.model.details
    base = small("granite").model
    assert details["dtype"] == "float32"
    assert details["parameters"] == sum(p.numel() for p in base.parameters())
    assert details["architecture"] == type(base).__name__
    assert details["trained_parameters"] > 0
    kept = {"prefix_tuning": "kept", "prompt_tuning": "kept", "p_tuning": "kept"}
    assert deployment.details.get("prompt_cache") == kept.get(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_closed_backend_leaves_its_job_to_be_resumed(
    connect: Callable[[], LocalBackend], name: str
) -> None:
    asked = experiment(name, num_epochs=8)
    expected = connect().tuner.tune(asked, ROWS)
    first = connect()
    job = first.tuner.submit(asked, ROWS)
    while not any((event.step or 0) >= 3 for event in job.events()):
        assert job.status() in ("queued", "running", "completed")
        time.sleep(0.005)
    first.close()
    model = connect().tuner.resume(job.id).wait()
    assert model.curve == expected.curve


def test_a_damaged_low_rank_adapter_fails_the_deployment(
    connect: Callable[[], LocalBackend], tmp_path: Path
) -> None:
    model = connect().tuner.tune(experiment("lora"), ROWS)
    weights = tmp_path / f"store/models/{model.id}/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(DeploymentError, match="damaged"):
        connect().deployer.deploy(model, "x")


def test_a_method_that_does_not_fit_is_refused_before_it_starts(
    connect: Callable[[], LocalBackend], tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match="prefix_tuning needs"):
        connect().tuner.submit(experiment("prefix_tuning", "hybrid-mamba"), ROWS)
    assert not (tmp_path / "store" / "jobs").exists()


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "prompt_tuning"])
def test_a_whole_run_on_the_embedded_model(tmp_path: Path, name: str) -> None:
    rows = [{"input": f"{word} dog {i}", "output": str(i % 2)}
            for i, word in enumerate(["bad", "good"] * 6)]  # fmt: skip
    for part in ("train", "test"):
        (tmp_path / f"{part}.json").write_text(json.dumps(rows))
    asked = Experiment.from_values(
        {
            "base_model": "tunesmith/micro-granite",
            "labels": ["0", "1"],
            "data": {"train": str(tmp_path / "train.json"), "test": str(tmp_path / "test.json")},
            "method": {"name": name, "num_epochs": 2, "batch_size": 4, "max_output_tokens": 2},
        }
    )
    with LocalBackend(LocalOptions(store=tmp_path / "store", device="cpu")) as backend:
        run = asked.run(backend, runs_dir=tmp_path / "runs")
    assert len(run.answers()) == len(rows)
    exported = {path.name for path in (run.directory / "adapter").iterdir()}
    weights = "model" if name == "fine_tuning" else "adapter_model"
    assert {f"{weights}.safetensors", "tunesmith.json"} <= exported
