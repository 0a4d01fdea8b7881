"""compare: one run, two runs, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tunesmith.runs import Run

Invoke = Callable[..., Result]
TFIDF = ("--backend", "sklearn", "--set", "method.name=tfidf_logreg")


def test_within_one_run(run_dir: Path, invoke: Invoke) -> None:
    comparison = Run.load(run_dir).record.comparison
    assert comparison is not None
    done = invoke("compare", str(run_dir))
    assert done.stdout.splitlines()[-1] == comparison.line
    document = json.loads(invoke("compare", str(run_dir), "--json").stdout)
    line = document.pop("line")
    assert document == comparison.model_dump(mode="json")
    assert line == comparison.line


def test_two_runs(run_dir: Path, run_of: Callable[..., Path], invoke: Invoke) -> None:
    other = run_of(*TFIDF)
    document = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert (document["first"], document["second"]) == ("prompt_tuning", "tfidf_logreg")
    turned = json.loads(invoke("compare", str(other), str(run_dir), "--json").stdout)
    assert turned["difference"] == -document["difference"]
    assert turned["p_value"] == document["p_value"]


def test_equal_runs_are_told_apart_by_their_directory(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    other = run_of("--backend", "fake")
    document = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert (document["first"], document["second"]) == (run_dir.name, other.name)
    assert document["difference"] == 0


def test_rows_that_differ_are_shown_to_a_limit(run_of: Callable[..., Path], invoke: Invoke) -> None:
    rows = json.loads(Path("test.json").read_text()) * 16
    Path("test.json").write_text(json.dumps(rows))
    good, bad = run_of(*TFIDF), run_of("--backend", "sklearn", "--set", "method.name=majority")
    comparison = json.loads(invoke("compare", str(good), str(bad), "--json").stdout)
    differing = len(comparison["disagreements"])
    assert differing > 20
    assert f"and {differing - 20} rows more" in invoke("compare", str(good), str(bad)).stdout


def test_run_without_base_model(run_of: Callable[..., Path], invoke: Invoke) -> None:
    done = invoke("compare", str(run_of(*TFIDF)))
    assert done.exit_code == 2
    assert "the run has no base model; compare it with another run" in done.stderr


def test_other_test_rows_are_refused(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    rows = json.loads(Path("test.json").read_text())
    Path("other.json").write_text(json.dumps(rows[::-1]))
    other = run_of("--backend", "fake", "--set", "data.test=other.json")
    done = invoke("compare", str(run_dir), str(other), "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the test rows differ" in done.stderr
    assert "other.json (4 rows" in done.stderr


def test_other_labels_are_refused(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    other = run_of("--backend", "fake", "--set", "labels=['0', '1', 'x']")
    done = invoke("compare", str(run_dir), str(other))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"only {other.name} has 'x'" in done.stderr


def test_unfinished_run_is_refused_with_the_way_on(run_dir: Path, invoke: Invoke) -> None:
    Run.load(run_dir).update(status="interrupted")
    done = invoke("compare", str(run_dir))
    assert done.exit_code == 2
    assert f"tunesmith resume {run_dir}" in done.stderr
