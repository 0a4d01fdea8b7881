"""A linear probe: the frozen base model reads, logistic regression decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from local_models import BUILDERS, build
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tunesmith.errors import (
    DatasetError,
    DeploymentError,
    ExperimentError,
    TuningError,
    UnsupportedError,
)
from tunesmith.experiment import Experiment
from tunesmith.labels import LabelSet
from tunesmith.records import Deployment, Row, TunedModel
from tunesmith.spec import GenerationParams
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.batching import lay_out
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.features import read_features
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.adapter import load_tuned, save_tuned
from tunesmith_local.methods.linear_probe import METHOD, FittedProbe, LinearProbe, fit_probe
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.options import LocalOptions

MODEL = "tiny/granite"
LABELS = {"no": ["nope"], "yes": ["yes sir"]}
GetBase = Callable[[str], BaseLM]
ROWS = [
    Row(input=f"{'aaaa bbb' if i % 2 else 'zz'} {'x' * (i % 5)}{i}", output=("no", "yes")[i % 2])
    for i in range(24)
]
TEXTS = ["aaaa bbb", "zz 7", "aaaa bbb xxx and a much longer text than the others", "z"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for kind in ("granite", "t5"):
        base = build(kind)
        base.model.save_pretrained(folder / "tiny" / kind)
        base.tokenizer.save_pretrained(folder / "tiny" / kind)
    return folder


@pytest.fixture
def backend(models: Path, tmp_path: Path) -> Iterator[LocalBackend]:
    with opened(models, tmp_path) as backend:
        yield backend


def opened(models: Path, tmp_path: Path) -> LocalBackend:
    options = {"store": tmp_path / "store", "models": models, "device": "cpu", "offline": True}
    return LocalBackend(LocalOptions.model_validate(options))


def experiment(base_model: str = MODEL, **changes: Any) -> Experiment:
    method = {"name": "linear_probe", "max_input_tokens": 60, **changes.pop("method", {})}
    values = {
        "base_model": base_model, "labels": LABELS, "method": method,
        "data": {"train": "train.jsonl", "test": "test.jsonl"}, "seed": 3,
    }  # fmt: skip
    return Experiment.from_values(values | changes)


def deployed(backend: LocalBackend, base_model: str = MODEL, **changes: Any) -> Deployment:
    model = backend.tuner.tune(experiment(base_model, **changes), ROWS)
    return backend.deployer.deploy(model, model.id)


def fitted(base: BaseLM, settings: LinearProbe, labels: LabelSet, rows: list[Row]) -> FittedProbe:
    """A probe of ``rows``."""
    return fit_probe(base, METHOD.prepare(base, settings, labels, 0, rows, None))


def hidden_states(base: BaseLM, row: tuple[int, ...]) -> torch.Tensor:
    """The last layer's states of one row, read through the whole model."""
    batch = lay_out(base, [row], None)
    with torch.no_grad():
        if base.is_seq2seq:
            return base.model.get_encoder()(input_ids=torch.tensor([row])).last_hidden_state[0]
        out = base.model(inputs_embeds=batch.inputs_embeds, output_hidden_states=True)
    return out.hidden_states[-1][0]


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_features_are_pooled_states_alone_and_in_batches(
    base_lm: GetBase, kind: str, pooling: Any
) -> None:
    base = base_lm(kind)
    rows = [encode_prompt(base.tokenizer, text).token_ids for text in TEXTS]
    together = read_features(base, rows, pooling, 32)
    for row, mixed in zip(rows, together, strict=True):
        (alone,) = read_features(base, [row], pooling, 1)
        states = hidden_states(base, row)
        torch.testing.assert_close(mixed, alone, atol=1e-5, rtol=1e-5)
        pooled = states.mean(0) if pooling == "mean" else states[-1]
        torch.testing.assert_close(alone, pooled, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("labels", [["no", "yes"], ["yes", "no"], ["yes", "maybe", "no"]])
def test_probabilities_are_those_of_scikit_learn(base_lm: GetBase, labels: list[str]) -> None:
    base, rows = base_lm("granite"), ROWS
    if "maybe" in labels:
        rows = [*ROWS, *(Row(input=f"qq {i}", output="maybe") for i in range(6))]
    label_set = LabelSet.model_validate(labels)
    method = LinearProbe(c=0.1)
    probe = fitted(base, method, label_set, rows).probe
    ids = [encode_prompt(base.tokenizer, row.input).token_ids for row in rows]
    features = read_features(base, ids, "mean", 32)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))
    oracle.fit(features.double().numpy(), [row.output for row in rows])
    expected = oracle.predict_proba(features.double().numpy())
    columns = [list(oracle.classes_).index(label) for label in labels]
    assert list(probe.labels) == labels
    torch.testing.assert_close(
        probe.probabilities(features), torch.tensor(expected[:, columns]), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("base_model", [MODEL, "tiny/t5"])
def test_it_generates_the_text_of_the_most_probable_label(
    backend: LocalBackend, base_model: str
) -> None:
    deployment = deployed(backend, base_model, method={"verbalizer": "say {{input}} ="})
    inputs = [row.input for row in ROWS]
    answers = backend.predictor.generate(deployment, inputs)
    scores = backend.predictor.classify(deployment, inputs, ["yes", "no"])
    for row, answer, scored in zip(ROWS, answers, scores, strict=True):
        assert list(scored.probabilities) == ["yes", "no"]
        assert sum(scored.probabilities.values()) == pytest.approx(1)
        best = max(scored.probabilities, key=scored.probabilities.__getitem__)
        assert answer.text == LABELS[best][0]
        assert best == row.output  # the two kinds of text are distinguished
        assert answer.prompt == f"say {row.input} ="
        assert answer.input_token_count == len(f"say {row.input} =")
        assert answer.generated_token_count == len(answer.text) + 1
        assert (answer.stop_reason, answer.truncated) == ("eos_token", False)
    assert backend.predictor.generate(deployment, []) == []
    assert backend.predictor.classify(deployment, [], ["yes", "no"]) == []


def test_rows_of_a_probe_a_prompt_and_the_base_model_share_a_call(backend: LocalBackend) -> None:
    probe = deployed(backend)
    prompt = {"name": "prompt_tuning", "num_virtual_tokens": 3, "num_epochs": 1}
    soft = backend.deployer.deploy(backend.tuner.tune(experiment(method=prompt), ROWS), "soft")
    targets = [target for _ in TEXTS for target in (probe, MODEL, soft)]
    inputs = [text for text in TEXTS for _ in range(3)]
    mixed = backend.predictor.generate_each(targets, inputs)
    for target, text, answer in zip(targets, inputs, mixed, strict=True):
        assert answer == backend.predictor.generate(target, [text])[0]
    with pytest.raises(ValueError, match="zip"):
        backend.predictor.generate_each(targets, inputs[:1])


@pytest.mark.parametrize(
    "params",
    [
        None,
        GenerationParams(max_new_tokens=3),
        GenerationParams(max_new_tokens=0, decoding_method="greedy", temperature=0.5),
        GenerationParams(return_options={"input_text": True, "token_logprobs": False}),
        GenerationParams(truncate_input_tokens=3),
    ],
)
def test_a_stream_has_the_generated_text(
    backend: LocalBackend, params: GenerationParams | None
) -> None:
    deployment = deployed(backend)
    (whole,) = backend.predictor.generate(deployment, ["aaaa bbb"], params)
    assert list(backend.predictor.stream(deployment, "aaaa bbb", params)) == [whole]
    full = "yes sir"
    room = 20 if params is None or params.max_new_tokens is None else params.max_new_tokens
    shown = "aaaa bbb" if params and params.return_options else ""
    assert whole.text == shown + full[:room]
    assert whole.stop_reason == ("eos_token" if room > len(full) else "max_tokens")
    assert whole.truncated == bool(params and params.truncate_input_tokens)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"decoding_method": "sample"}, "decoding_method"),
        ({"stop_sequences": ["e"]}, "stop_sequences"),
        ({"min_new_tokens": 9}, "min_new_tokens"),
        ({"repetition_penalty": 1.5}, "repetition_penalty"),
        ({"time_limit": 5}, "time_limit"),
        ({"return_options": {"generated_tokens": True}}, "generated_tokens"),
    ],
)
def test_unsupported_parameters_are_refused_before_and_after_tuning(
    backend: LocalBackend, params: dict[str, Any], name: str
) -> None:
    with pytest.raises(UnsupportedError, match=name):
        backend.tuner.check(experiment(generation=params), ROWS)
    with pytest.raises(UnsupportedError, match=name):
        backend.predictor.generate(deployed(backend), ["x"], GenerationParams(**params))


def test_a_label_without_training_rows_has_probability_zero(backend: LocalBackend) -> None:
    labels = {"never": ["never"], **LABELS}
    deployment = deployed(backend, labels=labels)
    (scored,) = backend.predictor.classify(deployment, ["zz"], list(labels))
    assert scored.probabilities["never"] == 0
    (only,) = backend.predictor.classify(deployment, ["zz"], ["never"])
    assert only.probabilities == {"never": 1}
    with pytest.raises(ExperimentError, match="'what' is none of never, no, yes"):
        backend.predictor.classify(deployment, ["zz"], ["what"])


def test_it_outlives_the_process(models: Path, tmp_path: Path) -> None:
    with opened(models, tmp_path) as first:
        job = first.tuner.submit(experiment(), ROWS)
        model = job.wait()
        assert [e.status for e in job.events() if e.status] == ["running", "completed"]
        deployment = first.deployer.deploy(model, "mine")
        expected = first.predictor.classify(deployment, TEXTS, ["no", "yes"])
    with opened(models, tmp_path) as second:
        assert second.predictor.classify(deployment, TEXTS, ["no", "yes"]) == expected
        assert second.tuner.resume(model.job_id).wait() == model
        folder = tmp_path / "exported"
        second.tuner.export(model, folder)
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
    assert TunedModel.from_json(model.to_json()) == model
    assert model.details["c"] in (0.0001, 0.001, 0.01, 0.1, 1.0)
    assert model.curve.epochs == ()
    assert any("cross-validation" in note for note in model.details["notes"])


def test_a_job_that_died_starts_again(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise MemoryError("no room")

    with opened(models, tmp_path) as backend:
        with monkeypatch.context() as patched:
            patched.setattr("tunesmith_local.methods.linear_probe.fit_probe", dies)
            job = backend.tuner.submit(experiment(), ROWS)
            with pytest.raises(TuningError, match="no room"):
                job.wait()
        assert backend.tuner.resume(job.id).wait().id == job.id


def test_a_cancelled_job_stops_between_batches(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = read_features

    def asked_to_stop(*args: Any, before_batch: Callable[[], None], **more: Any) -> torch.Tensor:
        def cancelled() -> None:
            job.stop_requested.set()
            before_batch()

        return original(*args, before_batch=cancelled, **more)

    monkeypatch.setattr("tunesmith_local.engine.features.read_features", asked_to_stop)
    with backend.tuner._turn:
        job: Any = backend.tuner.submit(experiment(), ROWS)
    with pytest.raises(TuningError, match="cancelled"):
        job.wait()


def test_settings_of_other_methods_are_refused(backend: LocalBackend) -> None:
    with pytest.raises(ExperimentError, match="learning_rate"):
        experiment(method={"learning_rate": 0.1})
    with pytest.raises(ExperimentError, match="verbalizer"):
        experiment(method={"verbalizer": "no place"})
    with pytest.raises(ExperimentError, match="512 positions"):
        backend.tuner.submit(experiment(method={"max_input_tokens": 513}), ROWS)
    with pytest.raises(DatasetError, match="same label"):
        backend.tuner.submit(experiment(), [row for row in ROWS if row.output == "no"])
    with pytest.raises(DatasetError, match="train row 24: the input is empty"):
        backend.tuner.submit(experiment(), [*ROWS, Row(input="", output="no")])


def test_cut_and_unused_rows_have_notes(backend: LocalBackend) -> None:
    rows = [*ROWS[:5], Row(input="word " * 30, output="no")]
    notes = backend.tuner.tune(experiment(), rows, ROWS).details["notes"]
    assert any("1 rows were cut" in note for note in notes)
    assert any("does not use the validation rows" in note for note in notes)
    lonely = [*ROWS[::2], ROWS[1]]
    model = backend.tuner.tune(experiment(), lonely)
    assert model.details["c"] == 0.01
    assert any("one training row" in note for note in model.details["notes"])
    assert backend.tuner.tune(experiment(method={"c": 2.5}), ROWS).details["c"] == 2.5


def saved(base: BaseLM, folder: Path) -> Path:
    probe = fitted(base, LinearProbe(c=0.1), LabelSet.model_validate(LABELS), ROWS)
    save_tuned(probe, "{{input}}", 60, folder)
    return folder


def test_files_are_checked_when_they_are_read(base_lm: GetBase, tmp_path: Path) -> None:
    base = base_lm("granite")
    folder = saved(base, tmp_path / "probe")
    assert load_tuned(base, folder).probe is not None
    weights = folder / "linear_probe.safetensors"
    with pytest.raises(AdapterError, match="fingerprint"):
        load_tuned(base_lm("llama"), folder)
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(AdapterError, match="sha256"):
        load_tuned(base, folder)
    card = json.loads((folder / "tunesmith.json").read_text())
    (folder / "tunesmith.json").write_text(json.dumps(card | {"weights_sha256": ""}))
    weights.write_bytes(whole)
    tensors = load_file(weights)
    for wrong in (tensors["mean"][:-1].clone(), tensors["mean"] * torch.nan):
        save_file(tensors | {"mean": wrong}, weights)
        with pytest.raises(AdapterError, match="mean"):
            load_tuned(base, folder)
    save_file(tensors, weights)
    config = json.loads((folder / "linear_probe.json").read_text())
    (folder / "linear_probe.json").write_text(json.dumps(config | {"pooling": "max"}))
    with pytest.raises(AdapterError, match="pooling 'max'"):
        load_tuned(base, folder)
    (folder / "linear_probe.json").write_text("{}")
    with pytest.raises(AdapterError, match="cannot be read"):
        load_tuned(base, folder)
    weights.unlink()
    with pytest.raises(AdapterError, match="No such file"):
        load_tuned(base, folder)


def test_a_damaged_probe_fails_the_deployment(backend: LocalBackend, tmp_path: Path) -> None:
    model = backend.tuner.tune(experiment(), ROWS)
    weights = tmp_path / f"store/models/{model.id}/linear_probe.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(DeploymentError, match="damaged"):
        backend.deployer.deploy(model, "x")
