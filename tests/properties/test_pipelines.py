"""Whole pipelines on scikit-learn: refused before anything is tuned, or every number is right."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from property_counts import count, examples
from property_files import FORMATS, File, pairs_of, written
from property_refusals import assert_it_helps
from property_scores import assert_scores
from property_texts import label_sets, odd_texts, texts

from tunesmith import Experiment, Run, load_dataset
from tunesmith.cli.app import cli
from tunesmith.dataset import load_data
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import Prediction
from tunesmith.runs.run import read_predictions

SELDOM = st.sampled_from((*[False] * 8, True, *[False] * 8))
METHODS = ("tfidf_logreg", "majority")
REFUSED = (2, 4)
"""Exit codes of a refusal; 70 would be a bug."""


@dataclass(frozen=True)
class Case:
    """Data files, and the settings of two runs."""

    train: File
    test: File
    settings: tuple[str, ...]
    sound: bool
    """Whether the backend can run these settings."""
    output: str

    @property
    def acceptable(self) -> bool:
        """Whether an experiment can be made of the files."""
        if not (self.train.acceptable and self.test.acceptable):
            return False
        train, test = ({label for _, label in file.rows} for file in (self.train, self.test))
        return len(train) > 1 and test <= train


@st.composite
def cases(draw: Any) -> Case:
    """Draw a case. Most can be run: every label has training rows, and no text is empty."""
    names = draw(label_sets)
    cells = odd_texts if draw(SELDOM) else texts
    some = [(draw(cells), name) for name in names]
    train = [*some, *draw(pairs_of(names, cells=cells)), *(some if draw(st.booleans()) else [])]
    test = draw(pairs_of(names, cells=cells))
    if draw(SELDOM):
        train = [pair for pair in train if pair[1] != names[0]]
    settings = [f"seed={draw(st.integers(0, 2**31 - 1))}"]
    if draw(st.booleans()):
        settings.append("data.validation=null")
    settings += draw(
        st.sampled_from(((), ("answer=text",), ("answer=decision",), ("base_input=bare",)))
    )
    odd = draw(
        st.sampled_from(
            [(), (), (), (), ("generation.max_new_tokens=5",), ("seed=-1",), ("nam=x",)]
        )
    )
    settings += [f"name={json.dumps(draw(texts))}"] if draw(st.booleans()) else []
    return Case(
        written(draw(st.sampled_from(FORMATS)), train, draw),
        written(draw(st.sampled_from(FORMATS)), test, draw),
        (*settings, *odd),
        not odd,
        draw(st.sampled_from(("answers.jsonl", "answers.json", "answers.csv", "answers.tsv"))),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which each example makes its own."""
    return tmp_path_factory.mktemp("pipelines")


@examples(few=6, many=2_000)
@given(case=cases())
def test_a_pipeline_refuses_before_it_tunes_or_its_numbers_are_right(
    folder: Path, part: int, case: Case
) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    with contextlib.chdir(folder):
        count("pipelines", _pipeline(case))


def _pipeline(case: Case) -> str:
    train, test = f"train-{case.train.name}", f"test-{case.test.name}"
    Path(train).write_bytes(case.train.content)
    Path(test).write_bytes(case.test.content)
    made = _call("init", train, "--test", test, "--no-search", "-o", "e.yaml")
    if made.exit_code:
        _assert_refused(made)
        clear = case.train.clear and case.test.clear
        assert not (case.acceptable and clear), made.stderr
        assert not Path("e.yaml").exists()
        return "refused by init"
    assert case.acceptable
    _assert_audited(case)
    runs = [_run(method, case) for method in METHODS]
    if None in runs:
        assert runs == [None, None]
        assert not case.sound
        assert not list(Path().glob("runs/*/run.json"))
        return "refused by run"
    assert case.sound
    for run in runs:
        _assert_right(run, case)
        _assert_predicts(run, test, case)
    _assert_majority(runs[1])
    _assert_compared(runs)
    return "completed"


def _call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def _assert_refused(done: Result) -> None:
    assert done.exit_code in REFUSED, done.stderr
    assert_it_helps(done.stderr.partition("error: ")[2].strip())


def _document(*arguments: str) -> Any:
    done = _call(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def _assert_audited(case: Case) -> None:
    found = _document("audit", "e.yaml", "--backend", "sklearn")
    for part, file in (("train", case.train), ("test", case.test)):
        counts = Counter(label for _, label in file.rows)
        assert {name: n for name, n in found[part]["labels"].items() if n} == counts


def _run(method: str, case: Case) -> Run | None:
    given_settings = [f"method.name={method}", *case.settings]
    options = [word for one in given_settings for word in ("--set", one)]
    done = _call("run", "e.yaml", "--backend", "sklearn", "--runs-dir", "runs", *options, "--json")
    if done.exit_code:
        _assert_refused(done)
        return None
    return Run.open(json.loads(done.stdout)["run_dir"])


def _assert_right(run: Run, case: Case) -> None:
    """Count the answers of the run again, and compare every file that has the numbers."""
    answers, names = run.answers("tuned"), list(run.record.experiment["labels"])
    assert [(one.input, one.expected) for one in answers] == case.test.rows
    for one in answers:
        assert sum(one.probabilities.values()) == pytest.approx(1)
        assert one.label == max(one.probabilities, key=one.probabilities.__getitem__)
        assert list(one.probabilities) == names
    assert_scores(run.record.evaluations["tuned"], answers, names)
    report = json.loads((run.directory / "report.json").read_text(encoding="utf-8"))
    assert (
        Evaluation.model_validate(report["evaluations"]["tuned"])
        == (run.record.evaluations["tuned"])
    )
    accuracy = run.record.evaluations["tuned"].accuracy
    assert run.summary()["tuned"]["accuracy"] == accuracy
    again = Experiment.from_record(run.record.experiment)
    assert again.data.read(again.data.test, again.labels).fingerprint == (
        run.record.data["test"].fingerprint
    )
    evaluated = _document("evaluate", str(run.directory))
    assert Evaluation.model_validate(evaluated["tuned"]) == run.record.evaluations["tuned"]


def _assert_predicts(run: Run, test: str, case: Case) -> None:
    """Ask the run again for its test rows, and read the file with the answers."""
    output = Path(case.output)
    asked = ("predict", str(run.directory), test, "--labelled", "-o", case.output, "--json")
    done = _call(*asked)
    if "field 'more'" in done.stderr:  # another column holds half of a character
        _assert_refused(done)
        return
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    known = run.answers("tuned")
    assert [one["label"] for one in told["predictions"]] == [one.label for one in known]
    assert told["evaluation"]["accuracy"] == run.record.evaluations["tuned"].accuracy
    if output.suffix == ".jsonl":
        answers = read_predictions(output)
        assert [(one.row, one.input, one.label, one.expected) for one in answers] == [
            (one.row, one.input, one.label, one.expected) for one in known
        ]
        if len({one.expected for one in known} | {one.label for one in known}) > 1:
            scored = _document("evaluate", case.output)["tuned"]
            assert scored["accuracy"] == run.record.evaluations["tuned"].accuracy
    elif output.suffix == ".json":
        values = json.loads(output.read_text(encoding="utf-8"))
        assert [Prediction.model_validate(v).label for v in values] == [p.label for p in known]
    else:
        back = load_dataset(case.output, input_field="input", output_field="output")
        assert [(row.input, row.output) for row in back.rows] == case.test.rows
    output.unlink()


def _assert_majority(run: Run) -> None:
    """Ask whether the majority class answers what most of its training rows have."""
    experiment = Experiment.from_record(run.record.experiment)
    rows = load_data(experiment.data, experiment.labels, experiment.seed).train.rows
    counts = Counter(row.output for row in rows)
    (answer,) = {one.label for one in run.answers("tuned")}
    assert counts[answer] == max(counts.values())


def _assert_compared(runs: list[Run]) -> None:
    first, second = ([one.label == one.expected for one in run.answers("tuned")] for run in runs)
    found = _document("compare", *(str(run.directory) for run in runs))
    only = sum(a and not b for a, b in zip(first, second, strict=True))
    other = sum(b and not a for a, b in zip(first, second, strict=True))
    assert (found["first_correct"], found["second_correct"]) == (sum(first), sum(second))
    assert (found["first_only"], found["second_only"]) == (only, other)
    tail = sum(math.comb(only + other, k) for k in range(min(only, other) + 1))
    assert found["p_value"] == pytest.approx(min(1, 2 * tail / 2 ** (only + other)))
