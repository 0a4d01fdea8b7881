"""compare: one run, two runs, several seeds, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.run import Run

Invoke = Callable[..., Result]
TFIDF = ("--backend", "sklearn", "--set", "method.name=tfidf_logreg")


def test_within_one_run(run_dir: Path, invoke: Invoke) -> None:
    comparison = Run.load(run_dir).record.comparison
    assert comparison is not None
    done = invoke("compare", str(run_dir))
    assert done.stdout.splitlines()[-1] == comparison.line
    document = json.loads(invoke("compare", str(run_dir), "--json").stdout)
    assert (document.pop("line"), document.pop("notes")) == (comparison.line, [])
    assert document.pop("answer") == "decision"
    assert document == comparison.model_dump(mode="json")


def test_unparsable_answers_are_counted_separately_from_wrong_ones(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    run_dir = run_of("--backend", "fake", "--set", "answer=text")
    run = Run.load(run_dir)
    base = [p.model_copy(update={"text": "hm", "label": None}) for p in run.answers("base")[:1]]
    run.write_predictions([*run.answers("tuned"), *base, *run.answers("base")[1:]])
    read, _, *table = invoke("compare", str(run_dir)).stdout.splitlines()
    assert read == "answers are read as text: the label that the model wrote"
    assert table[0].split("  ")[-1].strip() == "right alone"
    assert table[0].split()[:4] == ["right", "wrong", "unparsable", "accuracy"]
    assert table[1].split() == ["tuned", "4", "0", "0", "1.000", "1"]
    assert table[2].split() == ["base", "3", "0", "1", "0.750", "0"]
    assert "the same answer to 75.0% of the rows, Cohen's kappa 0.60" in table


def test_a_run_is_compared_in_the_reading_that_is_asked_for(run_dir: Path, invoke: Invoke) -> None:
    run = Run.load(run_dir)
    silent = [p.model_copy(update={"text": "hm", "said": None}) for p in run.answers("base")]
    run.write_predictions([*run.answers("tuned"), *silent])
    decided = json.loads(invoke("compare", str(run_dir), "--json").stdout)
    assert (decided["answer"], decided["second_unparsable"]) == ("decision", 0)
    written = json.loads(invoke("compare", str(run_dir), "--answer", "text", "--json").stdout)
    assert (written["answer"], written["second_unparsable"]) == ("text", 4)
    assert written["labeled"]["rows"] == 0


def test_runs_of_two_readings_are_compared_in_the_one_that_both_hold(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    other = run_of("--backend", "fake", "--set", "answer=text")
    found = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert found["answer"] == "decision"
    silent = [p.model_copy(update={"probabilities": None}) for p in Run.load(other).predictions()]
    Run.load(other).write_predictions(silent)
    found = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert found["answer"] == "text"
    done = invoke("compare", str(run_dir), str(other), "--answer", "decision")
    assert done.exit_code == 2
    assert "not every model has the reading 'decision'; take 'text'" in done.stderr


def test_two_runs(run_dir: Path, run_of: Callable[..., Path], invoke: Invoke) -> None:
    other = run_of(*TFIDF)
    document = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert (document["first"], document["second"]) == ("prompt_tuning", "tfidf_logreg")
    turned = json.loads(invoke("compare", str(other), str(run_dir), "--json").stdout)
    assert turned["difference"] == -document["difference"]
    assert turned["p_value"] == document["p_value"]


def test_equal_runs_are_named_by_their_directory(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    other = run_of("--backend", "fake")
    document = json.loads(invoke("compare", str(run_dir), str(other), "--json").stdout)
    assert (document["first"], document["second"]) == (run_dir.name, other.name)
    assert document["difference"] == 0


def test_seeds_are_taken_together_and_several_comparisons_corrected(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    ours = [run_of("--backend", "fake", "--set", f"seed={seed}") for seed in (1, 2)]
    tfidf = [run_of(*TFIDF, "--set", f"seed={seed}") for seed in (1, 2)]
    majority = [
        run_of("--backend", "sklearn", "--set", "method.name=majority", "--set", f"seed={seed}")
        for seed in (1, 2)
    ]
    runs = [str(run) for run in (*ours, *tfidf, *majority)]
    found = json.loads(invoke("compare", *runs, "--json").stdout)["comparisons"]
    assert [(c["first"], c["second"], c["seeds"]) for c in found] == [
        ("prompt_tuning", "tfidf_logreg", 2),
        ("prompt_tuning", "majority", 2),
    ]
    assert found[1]["corrected_p"] == pytest.approx(min(1.0, 2 * found[1]["p_value"]))
    lines = invoke("compare", *runs).stdout.splitlines()
    assert lines[-2:] == [c["line"] for c in found]
    # The order in which the runs are named matters only for the first one.
    mixed = json.loads(invoke("compare", *runs[::2], *runs[1::2], "--json").stdout)["comparisons"]
    assert [c["p_value"] for c in mixed] == [c["p_value"] for c in found]


def test_seeds_of_one_experiment_compare_tuned_with_base(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    runs = [str(run_of("--backend", "fake", "--set", f"seed={seed}")) for seed in (1, 2, 3)]
    document = json.loads(invoke("compare", *runs, "--json").stdout)
    assert (document["first"], document["second"], document["seeds"]) == ("tuned", "base", 3)


def test_a_seed_is_not_counted_twice(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    again = run_of("--backend", "fake")
    done = invoke("compare", str(run_dir), str(again), str(run_of(*TFIDF)))
    assert done.exit_code == 2
    assert "the same seed 0; give each seed once" in done.stderr


def test_another_number_of_seeds_is_refused(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    other = run_of("--backend", "fake", "--set", "seed=1")
    done = invoke("compare", str(run_dir), str(other), str(run_of(*TFIDF)))
    assert done.exit_code == 2
    assert "prompt_tuning has 2 seeds and tfidf_logreg 1" in done.stderr


def test_other_training_rows_are_compared_with_a_note(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    rows = json.loads(Path("train.json").read_text())
    Path("less.json").write_text(json.dumps(rows[:8]))
    other = run_of("--backend", "fake", "--set", "data.train=less.json")
    note = "note: the training rows differ"
    assert note in invoke("compare", str(run_dir), str(other)).stdout
    assert note not in invoke("compare", str(run_dir), str(run_of(*TFIDF))).stdout


def test_a_run_of_the_first_release(invoke: Invoke) -> None:
    old = Path(__file__).parents[1] / "run-0.1.0"
    done = invoke("compare", str(old))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("not established: tuned 4/4")


def test_rows_that_differ_are_shown_to_a_limit(run_of: Callable[..., Path], invoke: Invoke) -> None:
    rows = json.loads(Path("test.json").read_text()) * 16
    Path("test.json").write_text(json.dumps(rows))
    good, bad = run_of(*TFIDF), run_of("--backend", "sklearn", "--set", "method.name=majority")
    comparison = json.loads(invoke("compare", str(good), str(bad), "--json").stdout)
    differing = len(comparison["disagreements"])
    assert differing > 20
    assert f"and {differing - 20} more rows" in invoke("compare", str(good), str(bad)).stdout


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
    other = run_of(*TFIDF, "--set", "labels=['0', '1', 'x']")
    done = invoke("compare", str(run_dir), str(other))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"only {other.name} has 'x'" in done.stderr


def test_unfinished_run_is_refused_with_the_way_on(run_dir: Path, invoke: Invoke) -> None:
    Run.load(run_dir).update(status="interrupted")
    done = invoke("compare", str(run_dir))
    assert done.exit_code == 2
    assert f"tunesmith resume {run_dir}" in done.stderr
