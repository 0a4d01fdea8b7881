"""A predictions file is read back as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith import Experiment
from tunesmith.errors import RunError
from tunesmith.records import Prediction, json_lines
from tunesmith.runs.run import read_predictions

ODD = ["\u2028", "\u2029", "\u0085", "\x0b", "\x1c", "\r", "\x00", "\U0001f600", "\u202e"]


def prediction(text: str) -> Prediction:
    return Prediction(
        row=0, model="tuned", input=text, prompt=text, text=text, label="1", expected="1"
    )


@pytest.mark.parametrize("odd", ODD)
def test_every_character_is_read_back(tmp_path: Path, odd: str) -> None:
    written = [prediction(f"one{odd}two"), prediction(odd)]
    file = tmp_path / "predictions.jsonl"
    file.write_text(json_lines(written), encoding="utf-8")
    assert read_predictions(file) == written


def test_a_blank_last_line_is_no_prediction(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(json_lines([prediction("a")]) + "\n", encoding="utf-8")
    assert read_predictions(file) == [prediction("a")]


def test_a_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(json_lines([prediction("a")]) + "{}\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"predictions\.jsonl, line 2: not a prediction"):
        read_predictions(file)


@pytest.mark.parametrize("odd", ["\u2028", "\u0085"])
def test_a_run_of_texts_with_odd_characters_is_completed(tmp_path: Path, odd: str) -> None:
    texts, labels = [f"good{odd}day", f"bad{odd}day"] * 6, [f"yes{odd}yes", "no"] * 6
    data = {"train": (texts, labels), "test": (texts, labels)}
    run = Experiment(method="tfidf_logreg", data=data).run("sklearn", runs_dir=tmp_path)
    assert run.record.status == "completed"
    assert [one.input for one in run.answers()] == texts
