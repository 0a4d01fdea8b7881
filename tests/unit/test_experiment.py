"""The pipeline: every stage once, every stage recorded, nothing half-made taken for whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment, Run
from tunesmith.errors import DeploymentError, RunError, UnsupportedError
from tunesmith.progress import Progress
from tunesmith.records import Deployment, Generation, TunedModel, TuningEvent
from tunesmith.testing.fake import FakeBackend


def test_a_run_leaves_a_whole_directory(experiment: Experiment, tmp_path: Path) -> None:
    with FakeBackend() as backend:
        run = experiment.run(backend, runs_dir=tmp_path / "runs")
    assert run.directory.parent == tmp_path / "runs"
    files = {p.name for p in run.directory.iterdir()}
    reports = {"report.html", "report.md", "report.json", "learning_curve.svg"}
    assert {"run.json", "predictions.jsonl", *reports} <= files
    again = Run.load(run.directory)
    assert again.record == run.record
    assert again.record.status == "completed"


def test_predictions_hold_a_line_for_each_row_and_model(
    experiment: Experiment, tmp_path: Path
) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    lines = [json.loads(x) for x in (run.directory / "predictions.jsonl").read_text().splitlines()]
    assert len(lines) == 2 * 20
    assert set(lines[0]) == {
        "row", "model", "input", "prompt", "text", "label", "expected", "answer", "said",
        "probabilities", "calibrated", "input_tokens", "generated_tokens", "columns",
    }  # fmt: skip
    assert [x["row"] for x in lines if x["model"] == "base"] == list(range(20))
    assert [x["row"] for x in lines if x["model"] == "tuned"] == list(range(20))


def test_the_base_model_reads_what_the_tuned_model_reads(
    values: dict[str, Any], tmp_path: Path
) -> None:
    values["method"] |= {"verbalizer": "classify {0, 1} {{input}}", "max_input_tokens": 5}
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    tuned, base = run.answers("tuned"), run.answers("base")
    assert [p.prompt for p in base] == [p.prompt for p in tuned]
    assert all(p.prompt.startswith("classify {0, 1} ") for p in base)
    assert any(p.prompt != f"classify {{0, 1}} {p.input}" for p in base), "no input was cut"


def test_or_the_bare_input_as_in_the_tutorial(values: dict[str, Any], tmp_path: Path) -> None:
    values["method"]["verbalizer"] = "classify {0, 1} {{input}}"
    values["base_input"] = "bare"
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    assert all(p.prompt == p.input for p in run.answers("base"))
    assert any("base_input: same" in note for note in run.record.notes)
    (decision,) = [b for b in run.record.baselines if b.method == "zero_shot"]
    assert decision.comparison.first == "tuned", "the fair opponent is measured all the same"


def test_scores_follow_from_the_predictions(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    for role in ("tuned", "base"):
        own = [p for p in run.predictions() if p.model == role]
        right = sum(p.label == p.expected for p in own)
        assert run.summary()[role]["accuracy"] == right / len(own)
        assert run.summary()[role]["unparsable"] == sum(p.label is None for p in own)


def test_the_summary_is_what_json_prints(experiment: Experiment, tmp_path: Path) -> None:
    summary = experiment.run(FakeBackend(), runs_dir=tmp_path).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["steps"] == experiment.method.optimizer_steps(40)
    assert (summary["test"], summary["stand_in"]) == ({"rows": 20}, None)


def test_the_baselines_are_measured_beside(experiment: Experiment, tmp_path: Path) -> None:
    pytest.importorskip("tunesmith_sklearn")
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    assert {b.method for b in run.record.baselines} == {"majority", "tfidf_logreg"}
    majority = next(b for b in run.record.baselines if b.method == "majority")
    assert majority.evaluation.accuracy == 0.5


def test_zero_shot_asks_the_base_model_with_the_hard_prompt(
    values: dict[str, Any], tmp_path: Path
) -> None:
    values["method"] = {"name": "zero_shot", "template": "Happy? {{input}}"}
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    assert run.record.primary == "base"
    assert run.summary()["tuned"] is None
    assert all(p.prompt == f"Happy? {p.input}" for p in run.predictions())
    assert run.record.job_id is None


def test_few_shot_shows_solved_training_rows(values: dict[str, Any], tmp_path: Path) -> None:
    values["method"] = {"name": "few_shot", "examples_per_label": 2, "template": "{{input}} ="}
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    prompt = run.predictions()[0].prompt
    train = {
        row["input"]: row["output"] for row in json.loads(Path(values["data"]["train"]).read_text())
    }
    *examples, question = prompt.split("\n\n")
    assert len(examples) == 4
    for example in examples:
        text, answer = example.rsplit(" = ", 1)
        assert train[text] == answer
    assert question == f"{run.predictions()[0].input} ="


def test_the_same_seed_gives_the_same_answers(experiment: Experiment, tmp_path: Path) -> None:
    first, second = (experiment.run(FakeBackend(), runs_dir=tmp_path) for _ in range(2))
    assert first.predictions() == second.predictions()
    assert first.directory != second.directory


def test_a_stand_in_is_recorded(values: dict[str, Any], tmp_path: Path) -> None:
    values["base_model"] = "ibm/granite-3-8b-instruct"
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    assert run.record.stand_in
    assert run.record.stand_in in (run.directory / "report.html").read_text()


class Unseeded(FakeBackend):
    declares = {"seeded": False}  # noqa: RUF012  # as FakeBackend documents it


def test_a_backend_without_seed_runs_with_a_note(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(Unseeded(), runs_dir=tmp_path)
    assert not run.record.seed_honored
    assert any("seed" in note for note in run.record.notes)


class NoValidation(FakeBackend):
    declares = {"validation": False}  # noqa: RUF012


@pytest.mark.parametrize(
    ("backend", "change", "reason"),
    [
        (NoValidation, {"data": {"validation": 0.2}}, "data.validation"),
        (FakeBackend, {"method": {"name": "tfidf_logreg"}}, "tfidf_logreg"),
        (FakeBackend, {"method": {"max_input_tokens": 9999}}, "max_input_tokens"),
        (FakeBackend, {"generation": {"length_penalty": {"decay_factor": 2.0}}}, "length_penalty"),
    ],
)
def test_undeclared_settings_are_refused_before_a_directory_is_made(
    values: dict[str, Any],
    tmp_path: Path,
    backend: type[FakeBackend],
    change: dict[str, dict[str, Any]],
    reason: str,
) -> None:
    for key, inner in change.items():
        values[key] = inner if "name" in inner else {**values.get(key, {}), **inner}
    with pytest.raises(UnsupportedError, match=reason):
        Experiment.from_values(values).run(backend(), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_progress_gets_every_stage(experiment: Experiment, tmp_path: Path) -> None:
    class Heard(Progress):
        stages: list[str] = []  # noqa: RUF012
        events: list[TuningEvent] = []  # noqa: RUF012

        def stage(self, name: str) -> None:
            self.stages.append(name)

        def tuning(self, event: TuningEvent) -> None:
            self.events.append(event)

    experiment.run(FakeBackend(), runs_dir=tmp_path, progress=Heard())
    assert Heard.stages == ["tune", "deploy", "predict tuned", "predict base", "baselines"]
    assert Heard.events[-1].status == "completed"


class FailsToDeploy(FakeBackend):
    """Its first deployment fails, as a service's may."""

    failures = 1

    @property
    def deployer(self) -> Any:
        deployer, deploy = super().deployer, super().deployer.deploy

        def once(model: TunedModel, name: str) -> Deployment:
            if self.failures:
                self.failures -= 1
                raise DeploymentError("no capacity; try again")
            return deploy(model, name)

        deployer.deploy = once  # type: ignore[method-assign]  # a fault, injected
        return deployer


def test_a_failed_run_is_not_whole_and_is_carried_on(
    experiment: Experiment, tmp_path: Path
) -> None:
    backend = FailsToDeploy()
    with pytest.raises(DeploymentError):
        experiment.run(backend, runs_dir=tmp_path)
    (directory,) = tmp_path.glob("*-demo-*")
    with pytest.raises(RunError, match=r"failed.*tunesmith resume"):
        Run.load(directory)
    run = Run.load(directory, finished=False)
    assert run.record.error == "no capacity; try again"
    model = run.record.model
    assert model is not None

    done = experiment.resume(run, backend)
    assert done.record.status == "completed"
    assert done.record.error is None
    assert done.record.model == model  # not tuned, and not paid for, again


def test_an_interrupted_run_has_a_note(experiment: Experiment, tmp_path: Path) -> None:
    class Interrupts(Progress):
        def stage(self, name: str) -> None:
            if name == "predict base":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.run(FakeBackend(), runs_dir=tmp_path, progress=Interrupts())
    (directory,) = tmp_path.glob("*-demo-*")
    assert Run.load(directory, finished=False).record.status == "interrupted"


def test_a_data_record_of_another_version_is_refused(
    experiment: Experiment, tmp_path: Path
) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    record = json.loads((run.directory / "run.json").read_text())
    record["schema_version"] = 99
    (run.directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="99"):
        Run.load(run.directory)
    (run.directory / "run.json").write_text("{}")
    with pytest.raises(RunError, match="not a run record"):
        Run.load(run.directory)


def test_a_missing_run_names_near_misses(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    with pytest.raises(RunError, match="Did you mean"):
        Run.load(tmp_path / run.directory.name[:-1])


class Cut(FakeBackend):
    """Says which text it read, as a backend that cuts long inputs does."""

    @property
    def predictor(self) -> Any:
        predictor, generate = super().predictor, super().predictor.generate

        def cut(target: Any, inputs: Sequence[str], params: Any = None) -> list[Generation]:
            made = generate(target, inputs, params)
            return [g.model_copy(update={"prompt": "cut", "truncated": True}) for g in made]

        predictor.generate = cut  # type: ignore[method-assign]
        return predictor


def test_the_prompt_is_the_text_that_was_read_and_cuts_are_noted(
    experiment: Experiment, tmp_path: Path
) -> None:
    run = experiment.run(Cut(), runs_dir=tmp_path)
    assert {p.prompt for p in run.predictions()} == {"cut"}
    assert any("20 of 20 inputs" in note for note in run.record.notes)


def test_test_rows_that_were_trained_on_are_noted(values: dict[str, Any], tmp_path: Path) -> None:
    values["data"]["test"] = values["data"]["train"]
    run = Experiment.from_values(values).run(FakeBackend(), runs_dir=tmp_path)
    said = "40 of 40 test rows are training rows too"
    assert run.record.audit is not None
    assert run.record.audit.leaked_test_rows == 40
    assert any(said in note for note in run.record.notes)
    top, _, audit = (run.directory / "report.html").read_text().partition('<section id="audit"')
    assert f"Data: {said}" in top
    assert said in audit


def test_a_run_that_another_process_works_on_is_left_alone(
    experiment: Experiment, tmp_path: Path
) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    before = (run.directory / "run.json").read_bytes()
    holder = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(run.directory / ".lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="another process"), run.guarded():
            pass
        other.communicate("")
    assert (run.directory / "run.json").read_bytes() == before


def test_a_full_disk_leaves_no_empty_run_directory(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tunesmith.runs.directory.write_atomically", full_disk)
    with pytest.raises(OSError, match="No space"):
        experiment.run(FakeBackend(), runs_dir=tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir())
