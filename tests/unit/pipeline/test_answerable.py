"""Settings under which a label cannot be the answer: refused, or the other reading is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment, Run
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.records import Reading
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith.testing.fake import FakeBackend, FakePredictor

WORDS = {"0": ["no good", "0"], "1": ["good", "1"]}
LONG = {"0": [" ".join(["no"] * 21), "0"], "1": ["1"]}
CASES: list[tuple[dict[str, Any], Any, str]] = [
    ({"max_new_tokens": 0}, ["0", "1"], "generation.max_new_tokens is 0"),
    ({"max_new_tokens": 1}, WORDS, "generation.max_new_tokens: .*'no good'.* 2 tokens"),
    ({}, LONG, "generation.max_new_tokens: .*21 tokens"),
    ({"stop_sequences": ["\n", " "]}, WORDS, "generation.stop_sequences: 'no good'.*'no '"),
]
METHODS = ("zero_shot", "few_shot", "prompt_tuning")


class Silent(FakeBackend):
    """Without label scores, so that the answer is text."""

    # As FakeBackend documents it.
    declares = {"label_scores": False, "base_label_scores": False}  # noqa: RUF012


class Predictor(FakePredictor):
    """Scores no labels behind a prompt that is long, and reads no bare input."""

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        super().check_answers(spec, prompts, answer)
        if answer == "decision" and any("Nice?" in prompt for prompt in prompts):
            raise UnsupportedError("labels: no scores behind such prompts; take others")
        if any(prompt.startswith("lovely") for prompt in prompts):
            raise ExperimentError("too long")

    def classify(self, *given: Any) -> Any:
        raise AssertionError("nothing is to be scored")


class Wordy(FakeBackend):
    @property
    def predictor(self) -> FakePredictor:
        return Predictor(self)


class Deciding(FakeBackend):
    """Deployments give probabilities of labels and write nothing."""

    # As FakeBackend documents it.
    declares = {"inference": False}  # noqa: RUF012

    @property
    def predictor(self) -> FakePredictor:
        return Mute(self)


class Mute(FakePredictor):
    def generate(self, target: Any, inputs: Any, params: Any = None) -> Any:
        if not isinstance(target, str):
            raise UnsupportedError("inference: this backend writes no text")
        return super().generate(target, inputs, params)


def experiment(
    values: dict[str, Any], method: str, generation: dict[str, Any], labels: Any, **more: Any
) -> Experiment:
    settings = values["method"] if method == "prompt_tuning" else {"name": method}
    given = {"method": settings, "generation": generation, "labels": labels, **more}
    return Experiment.from_values({**values, **given})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("generation", "labels", "message"), CASES)
def test_a_verdict_about_text_is_refused_before_anything_runs(
    method: str, generation: dict[str, Any], labels: Any, message: str, values: dict[str, Any],
    tmp_path: Path,
) -> None:  # fmt: skip
    asked = experiment(values, method, generation, labels, answer="text")
    with pytest.raises(ExperimentError, match=message):
        asked.run(FakeBackend(), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(ExperimentError, match=message):
        asked.plan(FakeBackend())
    unasked = experiment(values, method, generation, labels)
    with pytest.raises(ExperimentError, match=message):
        unasked.plan(Silent())


@pytest.mark.parametrize("method", METHODS)
def test_beside_a_decision_the_text_is_left_out_and_the_setting_named(
    method: str, values: dict[str, Any], tmp_path: Path
) -> None:
    values["data"]["validation"] = 0.2
    asked = experiment(values, method, {"max_new_tokens": 0}, ["0", "1"])
    run = asked.run(FakeBackend(), runs_dir=tmp_path)
    why = "generation.max_new_tokens is 0: no label can be written; raise it or leave it out"
    note = f"the text reading was left out: {why}"
    assert run.record.left_out == {"text": why}
    assert note in run.record.notes
    assert note in asked.plan(FakeBackend()).notes
    assert run.record.answer == "decision"
    assert run.record.other_reading is None
    assert {p.text for p in run.predictions()} == {None}
    assert all(p.label in ("0", "1") and p.prompt for p in run.predictions())
    assert not any(p.read_as("text") for p in run.predictions())
    assert Run.open(run.directory).record == run.record
    assert note in (run.directory / "report.md").read_text("utf-8")


@pytest.mark.parametrize("method", METHODS)
def test_settings_that_let_every_label_be_written_change_nothing(
    method: str, values: dict[str, Any], tmp_path: Path
) -> None:
    generation = {"max_new_tokens": 2, "stop_sequences": ["\n", "!"]}
    run = experiment(values, method, generation, WORDS).run(FakeBackend(), runs_dir=tmp_path)
    assert run.record.left_out == {}
    assert run.record.other_reading is not None


def test_beside_a_text_the_decision_is_left_out(values: dict[str, Any], tmp_path: Path) -> None:
    values["method"] = {"name": "zero_shot", "template": "Nice? {{input}}"}
    with pytest.raises(UnsupportedError, match="no scores behind"):
        Experiment.from_values(values).plan(Wordy())
    asked = Experiment.from_values({**values, "answer": "text"})
    run = asked.run(Wordy(), runs_dir=tmp_path)
    assert run.record.answer == "text"
    assert list(run.record.left_out) == ["decision"]
    assert not any(p.probabilities for p in run.predictions())
    assert asked.plan(Wordy()).labels == {}


def test_the_bare_input_of_the_base_model_is_checked_before_the_tuning(
    values: dict[str, Any], tmp_path: Path
) -> None:
    values["method"]["verbalizer"] = "So: {{input}}"
    values["base_input"] = "bare"
    with pytest.raises(ExperimentError, match="too long; or set base_input=same"):
        Experiment.from_values(values).run(Wordy(), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_stop_sequence_is_never_empty() -> None:
    with pytest.raises(ValueError, match="an empty one would end every text"):
        GenerationParams(stop_sequences=("\n", ""))


@pytest.mark.parametrize(
    ("params", "ended"),
    [
        ({"stop_sequences": ("d", "oo")}, "goo"),
        ({"stop_sequences": ("oo",), "include_stop_sequence": False}, "g"),
        ({"stop_sequences": ("x",)}, "good"),
        ({}, "good"),
    ],
)
def test_a_text_ends_at_its_first_stop_sequence(params: dict[str, Any], ended: str) -> None:
    assert GenerationParams(**params).ended("good") == ended


class Decider(FakeBackend):
    """Its base model decides, and writes no text."""

    declares = {"base_inference": False}  # noqa: RUF012


@pytest.mark.parametrize("method", ["zero_shot", "few_shot"])
def test_a_base_model_that_only_decides_has_decisions_alone(
    method: str, values: dict[str, Any], tmp_path: Path
) -> None:
    run = experiment(values, method, {}, ["0", "1"]).run(Decider(), runs_dir=tmp_path)
    assert run.record.answer == "decision"
    assert "only decides" in run.record.left_out["text"]
    assert all(p.text is None and p.probabilities and p.label for p in run.predictions())


def test_text_of_a_base_model_that_only_decides_is_refused(values: dict[str, Any]) -> None:
    asked = experiment(values, "zero_shot", {}, ["0", "1"], answer="text")
    with pytest.raises(UnsupportedError, match="writes no text on backend 'fake', it only decides"):
        asked.plan(Decider())


def test_a_tuned_model_is_compared_with_a_base_model_that_only_decides(
    values: dict[str, Any], tmp_path: Path
) -> None:
    run = experiment(values, "prompt_tuning", {}, ["0", "1"]).run(Decider(), runs_dir=tmp_path)
    tuned, base = run.answers("tuned"), run.answers("base")
    assert all(p.text is not None for p in tuned)
    assert all(p.text is None and p.probabilities for p in base)
    assert run.record.comparison is not None


def test_deployments_that_only_decide_are_judged_by_decisions(
    values: dict[str, Any], tmp_path: Path
) -> None:
    asked = experiment(values, "prompt_tuning", {}, ["0", "1"])
    run = asked.run(Deciding(), runs_dir=tmp_path)
    assert run.record.answer == "decision"
    assert "writes no text on backend 'fake', it only decides" in run.record.left_out["text"]
    with pytest.raises(UnsupportedError, match="set answer: decision"):
        experiment(values, "prompt_tuning", {}, ["0", "1"], answer="text").plan(Deciding())
