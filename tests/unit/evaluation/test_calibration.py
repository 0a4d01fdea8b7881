"""Calibration: fitted on held-out rows, reported on test rows, and never a change of answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from tunesmith import Experiment, Run
from tunesmith.backend import Backend, BackendOptions
from tunesmith.evaluation.calibration import (
    COLDEST,
    HOTTEST,
    calibrate,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    tempered,
)
from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.testing.fake import FakeBackend

Rows = tuple[NDArray[np.float64], list[int]]


def drawn(rows: int, labels: int = 3, *, sureness: float = 1.0, seed: int = 0) -> Rows:
    """Labels drawn from probabilities that are then sharpened: above 1 is overconfident."""
    draw = np.random.default_rng(seed)
    truth = tempered(draw.dirichlet(np.ones(labels), rows), 1.0)
    expected = [int(draw.choice(labels, p=row)) for row in truth]
    return tempered(truth, 1 / sureness), expected


@pytest.mark.parametrize("labels", [2, 3, 5])
@pytest.mark.parametrize("sureness", [0.5, 1.0, 2.5])
def test_the_temperature_corrects_an_overconfident_model(labels: int, sureness: float) -> None:
    temperature = fit_temperature(*drawn(4000, labels, sureness=sureness))
    assert temperature == pytest.approx(sureness, rel=0.1)


def test_the_temperature_is_the_best_one() -> None:
    probabilities, expected = drawn(300, sureness=2.0)
    best = fit_temperature(probabilities, expected)
    least = negative_log_likelihood(tempered(probabilities, best), expected)
    for other in np.geomspace(COLDEST, HOTTEST, 60):
        assert least <= negative_log_likelihood(tempered(probabilities, other), expected) + 1e-6


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 3.0, 20.0])
def test_no_temperature_changes_an_answer(temperature: float) -> None:
    probabilities, _ = drawn(500)
    changed = tempered(probabilities, temperature)
    assert (changed.argmax(-1) == probabilities.argmax(-1)).all()
    assert changed.sum(-1) == pytest.approx(1)


def test_likelihood_and_brier_score_are_those_of_scikit_learn() -> None:
    held_out, (probabilities, expected) = drawn(100), drawn(200, 2, seed=1)
    scores = calibrate(drawn(100, 2), (probabilities, expected)).before
    assert scores.nll == pytest.approx(log_loss(expected, probabilities))
    # For two labels scikit-learn counts the error of one of them.
    assert scores.brier == pytest.approx(2 * brier_score_loss(expected, probabilities[:, 1]))
    assert negative_log_likelihood(*held_out) == pytest.approx(
        log_loss(held_out[1], held_out[0], labels=[0, 1, 2])
    )


def test_bins_are_those_of_scikit_learn() -> None:
    probabilities, expected = drawn(400)
    right = probabilities.argmax(-1) == np.asarray(expected)
    accuracy, confidence = calibration_curve(right, probabilities.max(-1), n_bins=15)
    bins = reliability(probabilities, expected)
    assert [b.accuracy for b in bins] == pytest.approx(accuracy)
    assert [b.confidence for b in bins] == pytest.approx(confidence)
    assert sum(b.rows for b in bins) == 400


def test_expected_calibration_error_by_hand() -> None:
    # One bin: four rows, 0.9 sure, half of them right. Another: one row, 0.6 sure and right.
    probabilities = [[0.9, 0.1]] * 4 + [[0.4, 0.6]]
    assert expected_calibration_error(reliability(probabilities, [0, 0, 1, 1, 1])) == pytest.approx(
        4 / 5 * 0.4 + 1 / 5 * 0.4
    )
    assert expected_calibration_error(reliability([[1.0, 0.0], [0.0, 1.0]], [0, 1])) == 0
    # An interval holds its upper bound: 0.6 is nine fifteenths.
    assert len(reliability([[0.6, 0.4], [0.59, 0.41]], [0, 0])) == 1


def test_an_overconfident_model_is_repaired_on_rows_that_nothing_was_fitted_on() -> None:
    calibration = calibrate(drawn(500, sureness=3.0), drawn(2000, sureness=3.0, seed=1))
    assert calibration.temperature > 2
    assert calibration.after.ece < 0.5 * calibration.before.ece
    assert calibration.after.nll < calibration.before.nll
    assert calibration.after.brier < calibration.before.brier
    assert (calibration.fitted_rows, calibration.rows) == (500, 2000)
    assert not calibration.at_bound


def test_test_rows_do_not_move_temperature_and_threshold() -> None:
    held_out = drawn(300)
    one, two = (calibrate(held_out, drawn(100, seed=seed), 0.7) for seed in (1, 2))
    assert one.temperature == two.temperature
    assert (one.threshold, one.held_out) == (two.threshold, two.held_out)
    assert one.test != two.test


def test_coverage_falls_and_its_points_count_rows() -> None:
    probabilities, expected = drawn(300)
    curve = coverage_curve(probabilities, expected)
    assert curve[0].covered == 300
    thresholds, covered = [p.threshold for p in curve], [p.covered for p in curve]
    assert thresholds == sorted(set(thresholds))
    assert covered == sorted(set(covered), reverse=True)
    for point in curve:
        answered = probabilities.max(-1) >= point.threshold
        best, wanted = probabilities.argmax(-1)[answered], np.asarray(expected)[answered]
        assert (point.covered, point.coverage) == (answered.sum(), answered.mean())
        assert point.accuracy == pytest.approx(accuracy_score(wanted, best))
        assert point.accuracy_interval == wilson_interval(int((best == wanted).sum()), len(best))
    assert curve[-1].accuracy > curve[0].accuracy


def test_the_threshold_is_the_smallest_that_reaches_the_target() -> None:
    held_out, test = drawn(1000), drawn(1000, seed=1)
    calibration = calibrate(held_out, test, target_accuracy=0.8)
    assert calibration.held_out is not None
    assert calibration.threshold == calibration.held_out.threshold
    assert calibration.held_out.accuracy >= 0.8
    for point in coverage_curve(tempered(held_out[0], calibration.temperature), held_out[1]):
        assert (point.accuracy >= 0.8) <= (point.threshold >= calibration.threshold)
    assert calibration.test is not None
    assert calibration.test.covered < 1000
    assert calibrate(held_out, test, target_accuracy=0.0).threshold == 0


def test_there_is_no_threshold_if_none_reaches_the_target() -> None:
    coin = ([[0.5, 0.5]] * 10, [0, 1] * 5)
    calibration = calibrate(coin, coin)
    assert (calibration.threshold, calibration.held_out, calibration.test) == (None, None, None)


def test_held_out_rows_that_are_all_right_do_not_determine_the_temperature() -> None:
    assert calibrate(([[0.7, 0.3]] * 5, [0] * 5), ([[0.7, 0.3]], [1])).at_bound


def test_a_probability_of_zero_is_survived() -> None:
    calibration = calibrate(([[1.0, 0.0]] * 3, [0, 0, 1]), ([[1.0, 0.0]], [1]))
    assert np.isfinite([calibration.temperature, calibration.after.nll]).all()


def sklearn(store: Path) -> Backend:
    backend = pytest.importorskip("tunesmith_sklearn.backend")
    return backend.SklearnBackend(BackendOptions(store=store))  # type: ignore[no-any-return]


def local(store: Path) -> Backend:
    backend = pytest.importorskip("tunesmith_local.backend")
    pytest.importorskip("tunesmith_micro_granite")
    options = backend.LocalOptions(store=store, device="cpu", offline=True)
    return backend.LocalBackend(options)  # type: ignore[no-any-return]


RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "fake": (lambda store: FakeBackend(), {}),
    "sklearn": (sklearn, {"method": {"name": "tfidf_logreg"}}),
    "local": (local, {"method": {"name": "linear_probe"}, "base_model": "tunesmith/micro-granite"}),
}


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_with_validation_rows_is_calibrated(
    kind: str, values: dict[str, Any], tmp_path: Path
) -> None:
    connect, changes = RUNS[kind]
    values["data"]["validation"] = 0.25
    with connect(tmp_path / "store") as backend:
        run = Experiment.from_values(values | changes).run(backend, runs_dir=tmp_path / "runs")
    calibration = run.record.calibration
    assert calibration is not None
    assert (calibration.fitted_rows, calibration.rows) == (10, 20)
    assert Run.load(run.directory).record == run.record
    assert "calibrate" in run.record.seconds
    lines = (run.directory / "probabilities.jsonl").read_text().splitlines()
    scored = [json.loads(line) for line in lines]
    base = run.record.base_calibration
    assert (base is None) == (kind == "sklearn"), "the base model is calibrated, if there is one"
    untuned = [s for s in scored if s["model"] == "base"]
    scored = [s for s in scored if s["model"] == "tuned"]
    for rows in (scored, untuned) if base else (scored,):
        assert [(s["part"], s["row"]) for s in rows] == [
            *(("validation", i) for i in range(10)), *(("test", i) for i in range(20)),
        ]  # fmt: skip
    for line in scored:
        assert list(line["probabilities"]) == list(line["calibrated"]) == ["0", "1"]
        assert line["calibrated"] == calibration.apply(line["probabilities"])
        assert line["label"] == max(line["calibrated"], key=line["calibrated"].__getitem__)
    answers = run.answers("tuned")
    assert [s["expected"] for s in scored[10:]] == [p.expected for p in answers]
    assert "Calibration" in (run.directory / "report.html").read_text()


def test_without_validation_rows_or_probabilities_there_is_no_calibration(
    values: dict[str, Any], tmp_path: Path
) -> None:
    class Plain(FakeBackend):
        # As FakeBackend documents it.
        declares = {"label_scores": False, "base_label_scores": False}  # noqa: RUF012

    plain = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    values["data"]["validation"] = 0.25
    mute = Experiment.from_values(values).run(Plain(), runs_dir=tmp_path)
    for run in (plain, mute):
        assert run.record.calibration is None
        assert not (run.directory / "probabilities.jsonl").exists()
        assert 'id="calibration"' not in (run.directory / "report.html").read_text()


def test_a_record_from_before_calibration_is_read(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    record = json.loads((run.directory / "run.json").read_text())
    del record["calibration"]
    (run.directory / "run.json").write_text(json.dumps(record))
    assert Run.load(run.directory).record == run.record
