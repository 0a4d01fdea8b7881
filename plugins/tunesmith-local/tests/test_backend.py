"""The backend: jobs, models and deployments that survive the process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from local_models import build

from tunesmith.errors import (
    BackendError,
    DatasetError,
    DeploymentError,
    ExperimentError,
    NotFoundError,
    TuningError,
    UnsupportedError,
)
from tunesmith.experiment import Experiment
from tunesmith.records import Row, TunedModel, TuningEvent
from tunesmith.spec import GenerationParams
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.scoring import RowLosses
from tunesmith_local.methods.prompt_tuning import SoftPromptTunable
from tunesmith_local.options import LocalOptions

MODEL = "tiny/granite"
LABELS = ["yes", "no"]
ROWS = [Row(input=f"{'good ' * (i % 4)}{i}", output=LABELS[i % 2]) for i in range(10)]
Connect = Callable[..., LocalBackend]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of base models, as the option ``models`` takes it."""
    folder = tmp_path_factory.mktemp("models")
    for kind in ("granite", "hybrid-mamba-bias"):
        base = build(kind)
        base.model.save_pretrained(folder / "tiny" / kind)
        base.tokenizer.save_pretrained(folder / "tiny" / kind)
    return folder


@pytest.fixture
def connect(models: Path, tmp_path: Path) -> Iterator[Connect]:
    """Return a function that opens the backend on one store, as another process would."""
    opened: list[LocalBackend] = []

    def open_backend(**options: object) -> LocalBackend:
        given = {"store": tmp_path / "store", "models": models, "device": "cpu", "offline": True}
        opened.append(LocalBackend(LocalOptions.model_validate(given | options)))
        return opened[-1]

    yield open_backend
    for backend in opened:
        backend.close()


def experiment(base_model: str = MODEL, **method: object) -> Experiment:
    """A small experiment; ``method`` overrides hyper-parameters."""
    settings = {
        "name": "prompt_tuning",
        "num_virtual_tokens": 5,
        "num_epochs": 2,
        "learning_rate": 0.05,
        "batch_size": 2,
        "accumulate_steps": 2,
        "max_input_tokens": 40,
        "max_output_tokens": 4,
        "init_method": "text",
        "init_text": "good?",
        "verbalizer": "say {yes, no} {{input}} =",
    }
    return Experiment.from_values(
        {
            "base_model": base_model,
            "labels": LABELS,
            "data": {"train": "train.jsonl", "test": "test.jsonl"},
            "method": settings | method,
            "seed": 3,
        }
    )


def tuned(backend: LocalBackend, **method: object) -> TunedModel:
    """Tune with ``method``."""
    return backend.tuner.tune(experiment(**method), ROWS)


def test_base_models_are_those_of_this_machine(connect: Connect) -> None:
    names = [info.name for info in connect().base_models()]
    assert {"tiny/granite", "tiny/hybrid-mamba-bias"} <= set(names)
    assert not [name for name in names if name.startswith("ibm-granite/")]
    assert connect().base_model(MODEL).name == MODEL


def test_an_unknown_base_model_names_the_choices(connect: Connect) -> None:
    with pytest.raises(NotFoundError, match=r"tiny/granite.*micro-granite"):
        connect().capabilities("nobody/nothing")
    with pytest.raises(NotFoundError):
        connect().predictor.generate("nobody/nothing", ["x"])


def test_tune_deploy_and_generate(connect: Connect) -> None:
    backend = connect()
    events: list[TuningEvent] = []
    job = backend.tuner.submit(experiment(), ROWS)
    model = job.wait(events.append)
    assert job.status() == "completed"
    assert [event.status for event in events if event.status] == ["running", "completed"]
    assert [event.step for event in events if event.kind == "step"] == [1, 2, 3, 4, 5, 6]
    assert job.learning_curve() == model.curve
    assert len(model.curve.epochs) == 2
    assert model.method["name"] == "prompt_tuning"
    assert model.method["optimizer"] == "adamw"
    assert model.details["optimizer_steps"] == 6
    assert model.details["init_text_fit"] == "exact"
    assert model.location == f"models/{model.id}"

    deployment = backend.deployer.deploy(model, "mine")
    (result,) = backend.predictor.generate(deployment, ["good dog"])
    assert result.prompt == "say {yes, no} good dog ="
    assert result.input_token_count == len("say {yes, no} good dog =")
    (bare,) = backend.predictor.generate(MODEL, ["good dog"])
    assert bare.prompt == "good dog"
    tokens = backend.predictor.tokenize(deployment, ["good dog", "x"])
    assert [len(spelled) for spelled in tokens] == [8, 1]
    assert tokens[1] == ("x",)


def test_the_record_survives_json_and_holds_no_path_of_the_machine(
    connect: Connect, tmp_path: Path
) -> None:
    model = tuned(connect())
    assert TunedModel.from_json(model.to_json()) == model
    for path in (tmp_path / "store").rglob("*.json"):
        assert str(tmp_path) not in path.read_text(), path
    config = json.loads((tmp_path / f"store/models/{model.id}/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == MODEL


def test_everything_survives_the_process(connect: Connect) -> None:
    first = connect()
    model = tuned(first)
    deployment = first.deployer.deploy(model, "mine")
    expected = first.predictor.generate(deployment, ["a", "bb"])
    first.close()
    second = connect()
    assert second.deployer.get(deployment.id) == deployment
    assert second.deployer.list() == [deployment]
    assert second.predictor.generate(deployment, ["a", "bb"]) == expected
    job = second.tuner.resume(model.job_id)
    assert job.wait() == model
    assert job.status() == "completed"
    assert [event.kind for event in job.events()].count("step") == 6


def test_the_seed_decides_the_tuning(connect: Connect) -> None:
    backend = connect()
    one, two = tuned(backend), tuned(backend)
    assert one.id != two.id
    assert one.curve == two.curve
    other = experiment().model_copy(update={"seed": 4})
    assert backend.tuner.tune(other, ROWS).curve != one.curve


def test_deploying_twice_is_deploying_once(connect: Connect) -> None:
    backend = connect()
    model = tuned(backend)
    one = backend.deployer.deploy(model, "a")
    assert backend.deployer.deploy(model, "a") == one
    two = backend.deployer.deploy(model, "b")
    assert backend.deployer.list() == [one, two]
    backend.deployer.undeploy(one)
    backend.deployer.undeploy(one)
    assert backend.deployer.list() == [two]
    with pytest.raises(NotFoundError):
        backend.predictor.generate(one, ["x"])


def test_a_damaged_adapter_fails_the_deployment(connect: Connect, tmp_path: Path) -> None:
    model = tuned(connect())
    weights = tmp_path / f"store/models/{model.id}/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(DeploymentError, match="damaged"):
        connect().deployer.deploy(model, "x")


@pytest.mark.parametrize("name", ["nope", "../../etc/passwd", "a/b", ""])
def test_unknown_ids_are_not_found(connect: Connect, name: str) -> None:
    backend = connect()
    with pytest.raises(NotFoundError):
        backend.deployer.get(name)
    with pytest.raises(NotFoundError):
        backend.tuner.resume(name)


@pytest.mark.parametrize(
    ("method", "rows", "error", "match"),
    [
        ({}, [], DatasetError, "no training rows"),
        ({}, [Row(input="x", output="maybe")], DatasetError, "row 0.*'maybe'"),
        ({}, [Row(input="x")], DatasetError, "row 0"),
        ({"max_output_tokens": 3}, ROWS, ExperimentError, "max_output_tokens is 3.*'yes'"),
        ({"max_input_tokens": 10}, ROWS, ExperimentError, "max_input_tokens is 10"),
        ({"max_input_tokens": 600}, ROWS, ExperimentError, "512 positions"),
        ({"early_stopping_patience": 1}, ROWS, ExperimentError, "validation rows"),
    ],
)
def test_impossible_settings_are_refused_before_the_start(
    connect: Connect,
    tmp_path: Path,
    method: dict[str, object],
    rows: list[Row],
    error: type[Exception],
    match: str,
) -> None:
    with pytest.raises(error, match=match):
        connect().tuner.submit(experiment(**method), rows)
    assert not (tmp_path / "store" / "jobs").exists()


def test_other_methods_are_refused(connect: Connect) -> None:
    zero_shot = experiment().with_method(Experiment._parse_method("zero_shot"))
    with pytest.raises(UnsupportedError, match="zero_shot"):
        connect().tuner.submit(zero_shot, ROWS)


def test_a_cancelled_job_stays_cancelled(connect: Connect) -> None:
    backend = connect()
    job = backend.tuner.submit(experiment(num_epochs=1000), ROWS)
    _wait_for_step(job, 2)
    job.cancel()
    assert job.status() == "cancelled"
    with pytest.raises(TuningError, match="cancelled"):
        job.wait()
    again = connect().tuner.resume(job.id)
    assert again.status() == "cancelled"
    assert again.learning_curve() == job.learning_curve()
    with pytest.raises(TuningError, match="cancelled"):
        again.result()
    again.cancel()


def test_a_closed_backend_leaves_its_job_to_be_resumed(connect: Connect) -> None:
    settings = {"num_epochs": 12, "learning_rate": 0.2}
    expected = tuned(connect(), **settings)
    first = connect(checkpoint_seconds=0)
    job = first.tuner.submit(experiment(**settings), ROWS)
    _wait_for_step(job, 3)
    first.close()
    assert job.status() == "interrupted"
    second = connect()
    resumed = second.tuner.resume(job.id)
    model = resumed.wait()
    assert model.curve == expected.curve
    steps = [event.step for event in resumed.events() if event.kind == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert any("resumed after step" in event.message for event in resumed.events())


def _wait_for_step(job: object, step: int) -> None:
    deadline = time.monotonic() + 300
    while not any((event.step or 0) >= step for event in job.events()):  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_jobs_wait_for_their_turn_and_can_be_cancelled_meanwhile(connect: Connect) -> None:
    backend = connect()
    long = backend.tuner.submit(experiment(num_epochs=1000), ROWS)
    waiting = backend.tuner.submit(experiment(num_epochs=1), ROWS)
    _wait_for_step(long, 1)
    waiting.cancel()
    assert waiting.status() == "cancelled"
    assert not [event for event in waiting.events() if event.kind == "step"]
    long.cancel()


def test_a_job_of_another_process_is_left_alone(connect: Connect) -> None:
    first = connect()
    job = first.tuner.submit(experiment(num_epochs=1000), ROWS)
    _wait_for_step(job, 1)
    with pytest.raises(BackendError, match="another process"):
        connect().tuner.resume(job.id)
    assert first.tuner.resume(job.id) is job
    assert job.status() == "running"
    job.cancel()


def test_validation_and_early_stopping_reach_the_record(connect: Connect) -> None:
    settings = experiment(num_epochs=30, early_stopping_patience=1, learning_rate=0.5)
    held_out = [Row(input=row.input, output=LABELS[i % 2 == 0]) for i, row in enumerate(ROWS)]
    model = connect().tuner.tune(settings, ROWS, held_out)
    assert all(epoch.validation_loss is not None for epoch in model.curve.epochs)
    assert model.curve.best_epoch is not None


def test_a_cut_is_counted_and_reported(connect: Connect) -> None:
    backend = connect()
    rows = [*ROWS, Row(input="word " * 30, output="yes")]
    model = backend.tuner.tune(experiment(), rows)
    assert model.details["truncated_rows"] == 1
    assert any("1 rows were cut" in note for note in model.details["notes"])
    deployment = backend.deployer.deploy(model, "x")
    cut, whole = backend.predictor.generate(deployment, ["word " * 30, "word"])
    assert (cut.truncated, whole.truncated) == (True, False)
    assert cut.input_token_count is not None
    assert cut.input_token_count <= 40
    params = GenerationParams(truncate_input_tokens=20, max_new_tokens=1)
    (shorter,) = backend.predictor.generate(deployment, ["word word"], params)
    assert shorter.prompt == "say {yes, no} word ="


def test_label_scores_sum_to_one_and_follow_the_prompt(connect: Connect) -> None:
    backend = connect()
    before = backend.predictor.classify(MODEL, ["good"], LABELS)[0].probabilities
    taught = min(LABELS, key=lambda label: before[label])
    rows = [Row(input=row.input, output=taught) for row in ROWS]
    assert sum(before.values()) == pytest.approx(1)
    settings = experiment(num_epochs=40, accumulate_steps=1, learning_rate=0.3)
    deployment = backend.deployer.deploy(backend.tuner.tune(settings, rows), "x")
    after = backend.predictor.classify(deployment, ["good", "a longer text"], LABELS)
    assert after[0].probabilities[taught] > 2 * before[taught]
    (alone,) = backend.predictor.classify(deployment, ["good"], LABELS)
    assert alone.probabilities == pytest.approx(after[0].probabilities, abs=1e-5)


def test_a_limit_without_room_for_a_space_is_kept(connect: Connect) -> None:
    backend = connect()  # "yes" and its end are 4 tokens, " yes" and its end 5
    short, long = (tuned(backend, max_output_tokens=limit) for limit in (4, 5))
    assert short.details["answer_tokens"] == "apart"
    assert any("no room for the space" in note for note in short.details["notes"])
    assert long.details["answer_tokens"] == "continued"


def test_an_adapter_of_before_answers_as_it_was_tuned(connect: Connect) -> None:
    backend = connect()
    model = tuned(backend, max_output_tokens=4)
    deployment = backend.deployer.deploy(model, "x")
    expected = backend.predictor.classify(deployment, ["good dog"], LABELS)
    card = Path(backend.options.store) / "models" / model.id / "tunesmith.json"
    values = json.loads(card.read_text())
    assert values.pop("answers") == "apart"
    card.write_text(json.dumps(values))
    backend.deployer.undeploy(deployment)  # forgets the loaded model
    again = backend.deployer.deploy(model, "x")
    assert backend.predictor.classify(again, ["good dog"], LABELS) == expected


@pytest.mark.parametrize(
    "params",
    [
        None,
        GenerationParams(max_new_tokens=0),
        GenerationParams(decoding_method="sample", random_seed=4, temperature=2.0),
        GenerationParams(stop_sequences=("a", "e", "\x00"), include_stop_sequence=False),
        GenerationParams(return_options={"input_text": True}),
    ],
)
def test_streamed_pieces_join_to_the_text(connect: Connect, params: GenerationParams) -> None:
    backend = connect()
    deployment = backend.deployer.deploy(tuned(backend), "x")
    for text in ("good", "größe 犬", "x y z"):
        (whole,) = backend.predictor.generate(deployment, [text], params)
        pieces = list(backend.predictor.stream(deployment, text, params))
        assert "".join(piece.text for piece in pieces) == whole.text
        assert pieces[-1].stop_reason == whole.stop_reason
        assert pieces[-1].generated_token_count == whole.generated_token_count
        assert {piece.stop_reason for piece in pieces[:-1]} <= {"not_finished"}


def test_return_options_that_are_not_honored_are_refused(connect: Connect) -> None:
    params = GenerationParams(return_options={"hidden_states": True})
    with pytest.raises(UnsupportedError, match="hidden_states"):
        connect().predictor.generate(MODEL, ["x"], params)


def test_the_exported_adapter_is_the_model(connect: Connect, tmp_path: Path) -> None:
    backend = connect()
    model = tuned(backend)
    backend.tuner.export(model, tmp_path / "out" / "adapter")
    names = {path.name for path in (tmp_path / "out" / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= names


def test_a_model_without_exact_padding_is_served(connect: Connect) -> None:
    backend = connect()
    name = "tiny/hybrid-mamba-bias"
    model = backend.tuner.tune(experiment(name), ROWS)
    assert model.details["padding_exact"] is False
    assert any("padding is not exact" in note for note in model.details["notes"])
    deployment = backend.deployer.deploy(model, "x")
    inputs = ["a", "bb", "ccc", "dd"]
    alone = [backend.predictor.generate(deployment, [text])[0] for text in inputs]
    assert backend.predictor.generate(deployment, inputs) == alone


def test_a_directory_serves_as_a_base_model(connect: Connect, models: Path) -> None:
    backend = connect()
    place = str(models / "tiny" / "granite")
    assert backend.base_model(place).name == place
    assert backend.predictor.generate(place, ["x"]) == backend.predictor.generate(MODEL, ["x"])


def test_a_diverging_tuning_has_a_note(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = connect()

    @contextmanager
    def broken(self: SoftPromptTunable, seed: int) -> Iterator[RowLosses]:
        yield lambda rows: torch.full((len(rows),), torch.nan, requires_grad=True)

    monkeypatch.setattr(SoftPromptTunable, "reading", broken)
    job = backend.tuner.submit(experiment(), ROWS)
    with pytest.raises(TuningError, match="not a finite number at optimizer step 1"):
        job.wait()
    assert job.status() == "failed"
    monkeypatch.undo()
    assert connect().tuner.resume(job.id).wait().details["optimizer_steps"] == 6


def test_naming_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, tunesmith_local.plugin as p; p.register_backends(); p.register_base_models();"
        "print([m for m in ('torch', 'transformers', 'peft', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
