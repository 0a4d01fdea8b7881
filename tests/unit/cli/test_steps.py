"""tune, deploy, predict, evaluate, undeploy: one step at a time, by file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tunesmith.records import Deployment, TunedModel
from tunesmith.run import Run
from tunesmith.runs.run import read_predictions

Invoke = Callable[..., Result]


@pytest.fixture(params=["fake", "sklearn"])
def deployed(request: pytest.FixtureRequest, invoke: Invoke) -> str:
    """``model.json`` and ``deployment.json`` in the working directory; the backend's name."""
    backend: str = request.param
    extra = ["--set", "method.name=tfidf_logreg"] if backend == "sklearn" else []
    tuned = invoke("tune", "experiment.yaml", "--backend", backend, *extra)
    assert tuned.exit_code == 0, tuned.stderr
    assert tuned.stdout.splitlines()[-1] == "model.json"
    done = invoke("deploy", "model.json", "--name", "mine")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "deployment.json"
    return backend


def test_records_pass_by_file(deployed: str) -> None:
    model = TunedModel.from_json(Path("model.json").read_text())
    deployment = Deployment.from_json(Path("deployment.json").read_text())
    assert deployment.model == model
    assert (deployment.name, deployment.backend) == ("mine", deployed)


def test_steps_agree_with_the_run(
    deployed: str, invoke: Invoke, run_of: Callable[..., Path]
) -> None:
    extra = ["--set", "method.name=tfidf_logreg"] if deployed == "sklearn" else []
    run = Run.load(run_of("--backend", deployed, *extra))
    done = invoke("predict", "deployment.json", "test.json", "-o", "p.jsonl")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "p.jsonl"
    tuned = [p for p in run.predictions() if p.model == "tuned"]
    assert read_predictions(Path("p.jsonl")) == tuned
    scored = json.loads(invoke("evaluate", "p.jsonl", "--labels", "0,1", "--json").stdout)
    assert scored == {"tuned": run.record.evaluations["tuned"].model_dump(mode="json")}


def test_tune_needs_no_test_file(invoke: Invoke) -> None:
    Path("experiment.yaml").write_text(
        Path("experiment.yaml").read_text().replace(", test: test.json", "")
    )
    assert invoke("tune", "experiment.yaml", "--backend", "fake").exit_code == 0
    done = invoke("run", "experiment.yaml", "--backend", "fake")
    assert done.exit_code == 2
    assert "data.test" in done.stderr


def test_tune_waits_for_a_submitted_job(invoke: Invoke) -> None:
    first = invoke("tune", "experiment.yaml", "--backend", "fake", "--json")
    job = json.loads(first.stdout)["job_id"]
    assert f"job {job}" in first.stderr
    again = invoke("tune", "experiment.yaml", "--backend", "fake", "--job", job, "--json")
    assert json.loads(again.stdout) == json.loads(first.stdout)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("good\nbad dog\n\n", ["good", "bad dog"]),
        ('["x"]', None),
        ('[{"input": "good"}]', ["good"]),
        ('{"input": "good"}\n{"input": "bad"}\n', ["good", "bad"]),
        ("", None),
    ],
)
def test_predict_reads_stdin(
    text: str, inputs: list[str] | None, deployed: str, invoke: Invoke
) -> None:
    done = invoke("predict", "deployment.json", "-", "--json", input=text)
    if inputs is None:
        assert (done.exit_code, done.stdout) == (2, "")
        assert "stdin" in done.stderr
        return
    document = json.loads(done.stdout)
    assert [p["input"] for p in document["predictions"]] == inputs
    assert document["evaluation"] is None


def test_predict_reads_labels_if_every_row_has_one(run_dir: Path, invoke: Invoke) -> None:
    def predicted(*arguments: str) -> Result:
        return invoke("predict", str(run_dir), *arguments)

    assert json.loads(predicted("test.json", "--json").stdout)["evaluation"]["rows"] == 4
    plain = json.loads(predicted("test.json", "--unlabelled", "--json").stdout)
    assert {p["expected"] for p in plain["predictions"]} == {None}
    rows = json.loads(Path("test.json").read_text())
    del rows[2]["output"]
    Path("partly.json").write_text(json.dumps(rows))
    partly = predicted("partly.json", "--json")
    assert json.loads(partly.stdout)["evaluation"] is None
    assert "read without labels, because partly.json, row 2" in partly.stderr
    asked = predicted("partly.json", "--labelled")
    assert asked.exit_code == 2
    assert "row 2" in asked.stderr


def test_predict_reads_csv_with_other_columns(run_dir: Path, invoke: Invoke) -> None:
    Path("rows.csv").write_text('review,stars\n"good, great",1\nbad,0\n')
    done = invoke("predict", str(run_dir), "rows.csv", "--input-field", "review",
                  "--output-field", "stars", "--json")  # fmt: skip
    predictions = json.loads(done.stdout)["predictions"]
    assert [p["expected"] for p in predictions] == ["1", "0"]
    assert predictions[0]["input"] == "good, great"


def test_predict_asks_the_base_model(run_dir: Path, invoke: Invoke) -> None:
    done = invoke("predict", str(run_dir), "test.json", "--base", "-o", "base.jsonl")
    assert done.exit_code == 0, done.stderr
    base = [p for p in Run.load(run_dir).predictions() if p.model == "base"]
    assert read_predictions(Path("base.jsonl")) == base


def test_predict_asks_the_prompt_of_a_prompting_run(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    directory = run_of("--backend", "fake", "--set", "method.name=few_shot")
    done = invoke("predict", str(directory), "test.json", "-o", "again.jsonl")
    assert done.exit_code == 0, done.stderr
    assert read_predictions(Path("again.jsonl")) == Run.load(directory).predictions()


def test_predict_passes_generation_parameters(run_dir: Path, invoke: Invoke) -> None:
    asked = ("predict", str(run_dir), "test.json", "--json", "--param")
    done = invoke(*asked, 'stop_sequences=["0", "1"]')
    assert {p["text"] for p in json.loads(done.stdout)["predictions"]} <= {"0", "1"}
    bare = invoke("predict", str(run_dir), "test.json", "--param", "top_k")
    assert "--param top_k: expected KEY=VALUE, e.g. max_new_tokens=5" in bare.stderr
    wrong = invoke("predict", str(run_dir), "test.json", "--param", "max_tokens=1")
    assert wrong.exit_code == 2
    assert "max_tokens" in wrong.stderr
    refused = invoke("predict", str(run_dir), "test.json", "--param", "top_k=1")
    assert refused.exit_code == 4


def test_predict_leaves_out_a_text_that_can_be_no_label(run_dir: Path, invoke: Invoke) -> None:
    done = invoke("predict", str(run_dir), "test.json", "--param", "max_new_tokens=0", "--json")
    predictions = json.loads(done.stdout)["predictions"]
    assert {p["text"] for p in predictions} == {None}
    assert {p["label"] for p in predictions} <= {"0", "1"}
    assert "the text reading was left out: generation.max_new_tokens is 0" in done.stderr


def test_predict_refuses_such_a_text_if_it_is_the_answer(
    run_of: Callable[..., Path], invoke: Invoke
) -> None:
    directory = run_of("--backend", "fake", "--set", "answer=text")
    done = invoke("predict", str(directory), "test.json", "--param", "max_new_tokens=0")
    assert done.exit_code == 2
    assert "generation.max_new_tokens is 0" in done.stderr


def test_no_step_takes_an_empty_stop_sequence(run_dir: Path, invoke: Invoke) -> None:
    given = 'stop_sequences=[""]'
    for done in (
        invoke("predict", str(run_dir), "test.json", "--param", given),
        invoke("run", "experiment.yaml", "--backend", "fake", "--set", f"generation.{given}"),
    ):
        assert done.exit_code == 2
        assert "generation.stop_sequences: an empty one" in done.stderr


def test_evaluate_takes_the_labels_of_the_run(run_dir: Path, invoke: Invoke) -> None:
    scored = json.loads(invoke("evaluate", str(run_dir), "--json").stdout)
    record = Run.load(run_dir).record
    assert scored == {r: e.model_dump(mode="json") for r, e in record.evaluations.items()}
    assert invoke("evaluate", f"{run_dir}/predictions.jsonl").stdout.count("by label") == 2


@pytest.mark.parametrize(
    ("labels", "message"),
    [("0", "two or more"), ("0,0", "two or more"), ("a,b", "line 1: '1' is not one of the labels")],
)
def test_evaluate_refuses_wrong_labels(
    labels: str, message: str, run_dir: Path, invoke: Invoke
) -> None:
    done = invoke("evaluate", str(run_dir), "--labels", labels)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_evaluate_refuses_unlabelled_rows(run_dir: Path, invoke: Invoke) -> None:
    invoke("predict", str(run_dir), "test.json", "--unlabelled", "-o", "plain.jsonl")
    done = invoke("evaluate", "plain.jsonl", "--labels", "0,1")
    assert done.exit_code == 2
    assert "plain.jsonl, line 1: no expected label" in done.stderr


def test_undeploy_by_file_id_and_run(deployed: str, run_dir: Path, invoke: Invoke) -> None:
    def listed(backend: str) -> set[str]:
        done = invoke("deployments", "--backend", backend, "--json")
        return {entry["id"] for entry in json.loads(done.stdout)}

    ours = Deployment.from_json(Path("deployment.json").read_text()).id
    of_run = Run.load(run_dir).record.deployment
    assert of_run is not None
    assert ours in listed(deployed)
    assert invoke("undeploy", "deployment.json").exit_code == 0
    assert ours not in listed(deployed)
    # A file names its deployment, even if that is already gone.
    assert invoke("undeploy", "deployment.json").exit_code == 0
    assert of_run.id in listed("fake")
    assert invoke("undeploy", str(run_dir)).exit_code == 0
    assert of_run.id not in listed("fake")
    assert invoke("undeploy", of_run.id, "--backend", "fake").exit_code == 5


def test_predict_from_a_removed_deployment(run_dir: Path, invoke: Invoke) -> None:
    invoke("undeploy", str(run_dir))
    done = invoke("predict", str(run_dir), "test.json")
    assert done.exit_code == 5
    assert "no deployment" in done.stderr


def test_predict_abstains_below_the_threshold(run_of: Callable[..., Path], invoke: Invoke) -> None:
    directory = str(run_of("--backend", "fake", "--set", "data.validation=0.5"))
    plain = json.loads(invoke("predict", directory, "test.json", "--json").stdout)["predictions"]
    for below, answered in (("0", 4), ("1", 0)):
        arguments = ("predict", directory, "test.json", "--abstain-below", below)
        done = json.loads(invoke(*arguments, "--json").stdout)
        assert (done["rows"], done["answered"]) == (4, answered)
        assert (done["evaluation"] is None) == (answered == 0)
        labels = [p["label"] if answered else None for p in plain]
        assert [p["label"] for p in done["predictions"]] == labels
        assert {p["abstained"] for p in done["predictions"]} == {not answered}
        assert f"{answered} of 4 rows answered" in invoke(*arguments).stdout
    probabilities = sorted({p["probability"] for p in done["predictions"]})
    done = invoke("predict", directory, "test.json", "--unlabelled", "-o", "a.jsonl",
                  "--abstain-below", str(probabilities[-1]))  # fmt: skip
    assert done.exit_code == 0, done.stderr
    for line in map(json.loads, Path("a.jsonl").read_text().splitlines()):
        assert line["abstained"] == (line["probability"] < probabilities[-1])


def test_abstaining_needs_a_calibrated_run(
    run_dir: Path, run_of: Callable[..., Path], invoke: Invoke
) -> None:
    calibrated = run_of("--backend", "fake", "--set", "data.validation=0.5")
    done = invoke("predict", str(run_dir), "test.json", "--abstain-below", "0.8")
    assert done.exit_code != 0
    assert "data.validation" in done.stderr
    done = invoke("predict", str(calibrated), "--base", "test.json", "--abstain-below", "0.8")
    assert done.exit_code == 0, "the base model was calibrated, too"
