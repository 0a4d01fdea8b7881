"""run, resume, runs and the dry run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.evaluation.comparison import correct
from tunesmith.experiment import Experiment
from tunesmith.run import Run
from tunesmith.runs.judgment import compared, judge

Invoke = Callable[..., Result]


@pytest.mark.parametrize(
    "arguments",
    [["--backend", "fake"], ["--backend", "sklearn", "--set", "method.name=tfidf_logreg"]],
    ids=["fake", "sklearn"],
)
def test_last_line_is_the_report(arguments: list[str], invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", *arguments)
    assert done.exit_code == 0, done.stderr
    report = Path(done.stdout.splitlines()[-1])
    assert not report.is_absolute()
    assert report.name == "report.html"
    assert report.is_file()
    assert "\x1b" not in done.output


def test_table_shows_tuned_base_and_baselines(invoke: Invoke) -> None:
    lines = invoke("run", "experiment.yaml", "--backend", "fake").stdout.splitlines()
    top = next(place for place, line in enumerate(lines) if "accuracy" in line)
    assert lines[top].split() == ["accuracy", "95", "%", "interval", "macro", "F1", "unparsable"]
    table = lines[top + 1 : lines.index("", top)]
    names = [line.split("  ")[0] for line in table]
    assert names == [
        "tuned, decision", "base, decision", "tuned, text", "base, text", "majority",
        "tfidf_logreg",
    ]  # fmt: skip
    record = Run.load(Path(lines[-1]).parent).record
    assert f"{record.evaluations['tuned'].accuracy:.3f}" == table[0].split()[2]
    assert [line for line in lines if " against " in line and "McNemar" in line] == [
        one.line for one in correct(compared(record))
    ]


def test_the_first_line_is_the_headline(invoke: Invoke) -> None:
    lines = invoke("run", "experiment.yaml", "--backend", "fake").stdout.splitlines()
    record = Run.load(Path(lines[-1]).parent).record
    assert lines[0] == judge(record).headline


def test_report_path_is_relative_to_here(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "fake", "--runs-dir", str(tmp_path / "r"))
    assert done.stdout.splitlines()[-1].startswith("../r/")


def test_json_is_the_summary_and_nothing_else(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "plain", "--json")
    summary = json.loads(done.stdout)
    assert summary == Run.load(summary["run_dir"]).summary()
    assert "welcome to the SDK" in done.stderr


def test_set_and_option_reach_the_run(run_of: Callable[..., Path]) -> None:
    directory = run_of(
        "--backend", "fake", "--set", "method.num_epochs=3", "--set", "seed=7",
        "--option", "api_key=sesame", "--option", "store=elsewhere",
    )  # fmt: skip
    record = Run.load(directory).record
    assert record.experiment["method"]["num_epochs"] == 3
    assert record.experiment["seed"] == 7
    assert record.options["store"] == "elsewhere"
    assert "sesame" not in (directory / "run.json").read_text()


def test_store_is_in_the_runs_folder_unless_the_options_file_sets_it(
    run_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, work: Path
) -> None:
    assert Run.load(run_of("--backend", "fake")).record.options["store"] == "runs/store/fake"
    options = work / "options.toml"
    options.write_text("[fake]\nstore = 'mine'\n")
    monkeypatch.setenv("TUNESMITH_OPTIONS", str(options))
    assert Run.load(run_of("--backend", "fake")).record.options["store"] == "mine"


def test_stand_in_is_printed(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "fake", "--set",
                  "base_model=ibm/granite-3-8b-instruct")  # fmt: skip
    assert "ibm/granite-3-8b-instruct (tunesmith/fake stands in)" in done.stdout


def test_prompting_method_runs_without_tuning(run_of: Callable[..., Path]) -> None:
    directory = run_of("--backend", "fake", "--set", "method.name=zero_shot")
    assert set(Run.load(directory).record.evaluations) == {"base"}


def test_dry_run_counts_and_leaves_nothing(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "fake", "--dry-run", "--json")
    plan = json.loads(done.stdout)
    steps = Experiment.from_file("experiment.yaml").method.optimizer_steps(16)
    assert plan["optimizer_steps"] == steps == 4
    assert f"{steps} optimizer steps in all" in plan["notes"]
    assert plan["data"]["train"]["rows"] == 16
    tokens = plan["data"]["train"]["input_tokens"]
    assert 1 <= tokens["minimum"] <= tokens["median"] <= tokens["maximum"]
    assert tokens["truncated"] == 0
    assert plan["cost"] == 0
    assert not Path("runs").exists()


def test_dry_run_shows_the_tokens_and_the_probability_of_each_label(invoke: Invoke) -> None:
    labels = json.loads(
        invoke("run", "experiment.yaml", "--backend", "fake", "--dry-run", "--json").stdout
    )["labels"]
    assert {label: use["tokens"] for label, use in labels.items()} == {"0": ["0"], "1": ["1"]}
    assert sum(use["mass"] for use in labels.values()) == pytest.approx(1)
    shown = invoke("run", "experiment.yaml", "--backend", "fake", "--dry-run").stdout
    assert "label  tokens  probability" in shown


def test_dry_run_counts_truncated_rows_after_the_template(invoke: Invoke) -> None:
    def tokens(*settings: str) -> dict[str, int]:
        arguments = [word for s in settings for word in ("--set", f"method.{s}")]
        done = invoke("run", "experiment.yaml", "--backend", "fake", "--dry-run", "--json",
                      *arguments)  # fmt: skip
        counts: dict[str, int] = json.loads(done.stdout)["data"]["train"]["input_tokens"]
        return counts

    bare = tokens()
    templated = tokens("verbalizer=one two {{input}}")
    assert templated["maximum"] == bare["maximum"] + 2
    cut = tokens("verbalizer=one two {{input}}", f"max_input_tokens={templated['maximum'] - 1}")
    assert 1 <= cut["truncated"] < 16


def test_dry_run_on_a_screen(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "plain", "--dry-run")
    assert "note: 4 optimizer steps in all" in done.stdout
    assert "note: the backend does not honor the seed" in done.stdout
    assert done.stdout.endswith("nothing was tuned; run again without --dry-run\n")


def test_dry_run_refuses_the_same_settings_as_a_run(invoke: Invoke) -> None:
    done = invoke("run", "experiment.yaml", "--backend", "fake", "--dry-run", "--set",
                  "method.optimizer=adafactor")  # fmt: skip
    assert done.exit_code == 4
    assert "method.optimizer" in done.stderr


def test_resume_of_a_completed_run_changes_nothing(run_dir: Path, invoke: Invoke) -> None:
    before = (run_dir / "run.json").read_bytes()
    done = invoke("resume", str(run_dir))
    assert done.exit_code == 0
    assert "the run is completed" in done.stderr
    assert done.stdout.splitlines()[-1] == f"{run_dir}/report.html"
    assert (run_dir / "run.json").read_bytes() == before


@pytest.mark.parametrize("part", ["train", "test"])
def test_resume_refuses_changed_data(part: str, run_dir: Path, invoke: Invoke) -> None:
    mark_interrupted(run_dir)
    rows = json.loads(Path(f"{part}.json").read_text())
    Path(f"{part}.json").write_text(json.dumps(rows[:-2]))
    done = invoke("resume", str(run_dir))
    assert done.exit_code == 2
    assert (
        f"{part}.json: the {part} data differ from those that the run started with" in done.stderr
    )


def test_resume_does_not_tune_again(run_dir: Path, invoke: Invoke) -> None:
    model = Run.load(run_dir).record.model
    mark_interrupted(run_dir)
    done = invoke("resume", str(run_dir), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "completed"
    assert Run.load(run_dir).record.model == model
    assert "tune\n" not in done.stderr


def test_resume_tunes_again_if_no_job_can_be_resumed(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    directory = run_of("--backend", "plain")
    mark_interrupted(directory, model=None, deployment=None, job_id="lost")
    done = invoke("resume", str(directory))
    assert done.exit_code == 0, done.stderr
    assert "cannot resume a tuning: it was started again" in done.stdout


def test_runs_lists_good_and_bad(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    stopped = run_of("--backend", "fake")
    mark_interrupted(stopped)
    broken = Path("runs/99-broken")
    broken.mkdir()
    (broken / "run.json").write_text("{}")
    listed = {entry["run_dir"]: entry for entry in json.loads(invoke("runs", "--json").stdout)}
    statuses = {Path(name).name: entry["status"] for name, entry in listed.items()}
    assert statuses == {
        run_dir.name: "completed", stopped.name: "interrupted", broken.name: "unreadable",
    }  # fmt: skip
    assert str(run_dir) in invoke("runs").stdout


def test_an_empty_list_of_runs_names_the_command(invoke: Invoke) -> None:
    assert "tunesmith run" in invoke("runs").stdout
    assert json.loads(invoke("runs", "--json").stdout) == []


def mark_interrupted(directory: Path, **changes: object) -> None:
    Run.load(directory).update(status="interrupted", **changes)
