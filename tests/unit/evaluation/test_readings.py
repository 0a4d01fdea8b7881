"""Two readings of an answer: what the model decides, and what it writes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment, Run
from tunesmith.backend import Capabilities
from tunesmith.errors import PredictionError, RunError, UnsupportedError
from tunesmith.evaluation.readings import (
    chosen_reading,
    common_reading,
    held,
    probabilities_of,
    read_as,
)
from tunesmith.methods import PromptTuning, ZeroShot
from tunesmith.records import Classification, Prediction
from tunesmith.testing.fake import FakeBackend, FakePredictor


def answer(text: str, label: str | None, **more: Any) -> Prediction:
    return Prediction(
        row=0, model="tuned", input="x", prompt="x", text=text, label=label, expected="1", **more
    )


DECIDED = answer("1 or so", "1", answer="decision", said=None, probabilities={"0": 0.2, "1": 0.8})
WRITTEN = answer("1 or so", None, probabilities={"0": 0.2, "1": 0.8})
OLD = answer("1", "1")
ALL = Capabilities(base_inference=True, label_scores=True, base_label_scores=True)


class TestPrediction:
    """One line of predictions holds both readings."""

    def test_a_decision_as_text(self) -> None:
        assert DECIDED.read_as("text") == DECIDED.model_copy(
            update={"answer": "text", "label": None}
        )

    def test_text_as_a_decision(self) -> None:
        read = WRITTEN.read_as("decision")
        assert read is not None
        assert (read.answer, read.label, read.said) == ("decision", "1", None)

    def test_there_and_back(self) -> None:
        for one in (DECIDED, WRITTEN):
            other = one.read_as("text" if one.answer == "decision" else "decision")
            assert other is not None
            again = other.read_as(one.answer)
            assert again is not None
            assert (again.answer, again.label) == (one.answer, one.label)

    def test_a_line_of_before_is_about_text(self) -> None:
        line = json.loads(OLD.model_dump_json())
        for new in ("answer", "said", "probabilities", "calibrated"):
            del line[new]
        old = Prediction.model_validate(line)
        assert (old.read_as("text"), old.read_as("decision")) == (old, None)


class TestChosen:
    """A verdict is about decisions if every model of the run has label scores."""

    @pytest.mark.parametrize(
        ("method", "missing", "expected"),
        [
            (PromptTuning(), {}, "decision"),
            (PromptTuning(), {"label_scores": False}, "text"),
            (PromptTuning(), {"base_label_scores": False}, "text"),
            (PromptTuning(), {"base_label_scores": False, "base_inference": False}, "decision"),
            (ZeroShot(), {}, "decision"),
            (ZeroShot(), {"label_scores": False}, "decision"),
            (ZeroShot(), {"base_label_scores": False}, "text"),
        ],
    )
    def test_by_the_declared_capabilities(self, method: Any, missing: Any, expected: str) -> None:
        capabilities = ALL.model_copy(update=missing)
        assert chosen_reading(None, method, capabilities, "b") == expected

    def test_text_can_always_be_asked_for(self) -> None:
        assert chosen_reading("text", PromptTuning(), ALL, "b") == "text"

    def test_a_decision_cannot(self) -> None:
        lacking = ALL.model_copy(update={"label_scores": False})
        with pytest.raises(UnsupportedError, match=r"answer: .*'b' has none.*tuned.*answer: text"):
            chosen_reading("decision", PromptTuning(), lacking, "b")


class TestCommon:
    """Two models are compared in a reading that both hold."""

    def test_that_in_which_both_were_judged(self) -> None:
        assert common_reading([[DECIDED], [DECIDED]]) == "decision"
        assert common_reading([[WRITTEN], [WRITTEN]]) == "text"

    def test_else_a_decision_if_both_hold_it(self) -> None:
        assert common_reading([[WRITTEN], [DECIDED]]) == "decision"

    def test_else_text(self) -> None:
        assert common_reading([[OLD], [DECIDED]]) == "text"
        assert held([OLD, DECIDED]) == ["text"]

    def test_a_missing_reading_is_refused(self) -> None:
        with pytest.raises(RunError, match=r"'decision'; take 'text'"):
            common_reading([[OLD], [DECIDED]], "decision")
        with pytest.raises(RunError, match="'decision'"):
            read_as([OLD], "decision")


def test_a_probability_that_is_no_number_is_an_error() -> None:
    found = Classification(probabilities={"a": 0.5, "b": math.nan})
    with pytest.raises(PredictionError, match=r"labels: .*'b' gave nan.*'1'.*float32"):
        probabilities_of(found, {"0": "a", "1": "b"}, "b")


class TestRun:
    """A run records both readings, and which one its verdict is about."""

    def test_a_decision_and_the_text_beside_it(
        self, experiment: Experiment, tmp_path: Path
    ) -> None:
        record = experiment.run(FakeBackend(), runs_dir=tmp_path).record
        assert record.answer == "decision"
        assert record.other_reading is not None
        assert record.other_reading.answer == "text"
        assert set(record.other_reading.evaluations) == {"tuned", "base"}
        assert record.other_reading.comparison is not None

    def test_text_if_it_is_asked_for(self, values: dict[str, Any], tmp_path: Path) -> None:
        values["answer"] = "text"
        run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
        assert run.record.answer == "text"
        assert run.record.other_reading is not None
        assert run.record.other_reading.answer == "decision"
        assert [b.method for b in run.record.baselines][-1] == "zero_shot"

    def test_text_if_one_model_has_no_scores(self, experiment: Experiment, tmp_path: Path) -> None:
        class Mute(FakeBackend):
            # As FakeBackend documents it.
            declares = {"label_scores": False}  # noqa: RUF012

        run = experiment.run(Mute(), runs_dir=tmp_path)
        assert run.record.answer == "text"
        assert run.record.other_reading is None
        assert all(p.probabilities is None for p in run.answers("tuned"))
        assert all(p.probabilities for p in run.answers("base"))

    def test_nan_leaves_no_incomplete_file(
        self, experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def classify(*asked: Any) -> list[Classification]:
            _, _, inputs, labels = asked
            return [Classification(probabilities=dict.fromkeys(labels, math.nan)) for _ in inputs]

        monkeypatch.setattr(FakePredictor, "classify", classify)
        with pytest.raises(PredictionError, match="nan"):
            experiment.run(FakeBackend(), runs_dir=tmp_path / "runs")
        (directory,) = (tmp_path / "runs").iterdir()
        assert not (directory / "predictions.jsonl").exists()
        assert Run.load(directory, finished=False).record.status == "failed"


def test_a_record_of_before_judges_text_and_its_base_model_read_the_bare_input(
    values: dict[str, Any],
) -> None:
    old = Experiment.from_record(values)
    assert (old.answer, old.base_input) == ("text", "bare")
    new = Experiment.from_record({**values, "answer": "decision", "base_input": "same"})
    assert (new.answer, new.base_input) == ("decision", "same")
