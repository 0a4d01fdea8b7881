"""The harness of the proof runs on the embedded model and made-up rows, and can be resumed."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunesmith import connect
from tunesmith.atomic import file_lock
from tunesmith.cli.data import CATALOG
from tunesmith.cli.data_conversion import is_test
from tunesmith.errors import RunError
from tunesmith.labels import LabelSet
from tunesmith.methods import AUTO_SETTINGS
from tunesmith.records import Prediction, Row
from tunesmith.runs.directory import LOCK

ROOT = Path(__file__).parents[2]
GOOD, BAD = ("fine", "lovely", "kind", "great"), ("dull", "poor", "rude", "late")
Main = Callable[..., int]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the package of the proof importable as ``make proof`` does."""
    monkeypatch.syspath_prepend(str(ROOT))


def part(name: str) -> Any:
    return importlib.import_module(f"tests.benchmarks.proof.{name}")


def sst2_text(rows: int) -> str:
    words = [(word, "1") for word in GOOD] + [(word, "0") for word in BAD]
    return "".join(f"a {words[i % 8][0]} film, take {i}\t{words[i % 8][1]}\n" for i in range(rows))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a made-up SST-2, which the catalog takes for the real one."""
    folder = tmp_path / "published"
    folder.mkdir()
    entry, files = CATALOG["sst2"], []
    for file, rows in zip(entry.files, (48, 24, 8), strict=True):
        content = sst2_text(rows).encode()
        (folder / file.name).write_bytes(content)
        files.append(replace(file, sha256=hashlib.sha256(content).hexdigest()))
    monkeypatch.setitem(CATALOG, "sst2", replace(entry, files=tuple(files)))
    return folder


@pytest.fixture
def main(tmp_path: Path, published: Path) -> Main:
    """Run the quick proof on the made-up SST-2 and the embedded model."""
    return lambda *more: part("__main__").main([
        "--quick", "--only", "sst2", "--model", "tunesmith/micro-granite",
        "--data", str(published), "--build", str(tmp_path / "build"), *more,
    ])  # fmt: skip


@pytest.mark.slow
def test_a_quick_proof_writes_its_page_and_does_no_step_twice(
    main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main() == 0
    folder = tmp_path / "build" / "proof" / "quick"
    proof = json.loads((folder / "proof.json").read_text())
    found = proof["data_sets"]["sst2"]
    methods = found["methods"].keys() - {"zero_shot_chat"}  # with a chat template alone
    assert methods == {
        "majority", "tfidf_logreg", "embeddings_logreg", "linear_probe", "zero_shot",
        "zero_shot_chosen", "few_shot", "prompt_tuning", "prompt_tuning_init",
    }  # fmt: skip
    assert (found["train_rows"], found["test_rows"]) == (40, 20)
    assert found["choice"]["rows"] == 40
    assert not found["failed"]
    page = (folder / "explanation" / "proof.md").read_text()
    assert f"**{found['methods']['prompt_tuning_init']['accuracy']:.3f}**" in page
    (settings,) = found["settings"]
    assert {one["setting"] for one in settings["choices"]} == set(AUTO_SETTINGS)
    assert "prompt_tuning" in found["against"]["prompt_tuning_init"]
    assert str(tmp_path) not in page
    assert "<svg" in (folder / "images" / "proof.svg").read_text()
    runs = {path: path.stat().st_mtime_ns for path in folder.glob("sst2/*/*/run.json")}
    assert len(runs) == len(found["methods"])
    # A stopped step is resumed in its directory; the others are not changed.
    stopped = next(path for path in runs if "few_shot" in str(path))
    stopped.write_text(stopped.read_text().replace('"completed"', '"interrupted"'))
    capsys.readouterr()
    assert main() == 0
    again = {path: path.stat().st_mtime_ns for path in folder.glob("sst2/*/*/run.json")}
    assert {path for path in runs if again.get(path) != runs[path]} == {stopped}
    assert json.loads(stopped.read_text())["status"] == "completed"
    assert "about 0 s left" in capsys.readouterr().err


def test_a_step_that_another_process_does_is_left_to_it_and_awaited(
    published: Path, tmp_path: Path
) -> None:
    what, size = part("sizes").DATA_SETS[0], part("sizes").QUICK
    files = part("rows").prepare(what, size.rows["sst2"], [published], tmp_path / "data")
    plan = part("steps").Plan(what, files, size, "tunesmith/micro-granite", False, 40, 20)
    steps = list(plan.steps())[:2]
    theirs = tmp_path / steps[0].key / LOCK
    theirs.parent.mkdir(parents=True)
    said: list[str] = []
    with connect("sklearn", store=tmp_path / "store") as backend, ExitStack() as other:
        other.enter_context(file_lock(theirs, RunError("free")))

        def say(text: str) -> None:
            said.append(text)
            if "accuracy" in text:  # the other step is done
                other.close()

        done = part("running").do_all(steps, {"sklearn": backend}, tmp_path, say)
    assert [one.step.title for one in done] == ["majority", "tfidf_logreg"]
    begun = [line.split(":")[0] for line in said if line.startswith("[")]
    assert begun == [
        "[1/2] sst2/majority-0", "[2/2] sst2/tfidf_logreg-0", "[1/2] sst2/majority-0",
    ]  # fmt: skip


def test_missing_data_or_model_are_reported_and_nothing_runs(
    main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("--data", str(tmp_path / "none")) == 0
    assert "proof skipped: SST-2 is not here; get it with: tunesmith data sst2" in _err(capsys)
    assert main("--model", "no/such-model") == 0
    assert "proof skipped: base model 'no/such-model'" in _err(capsys)
    assert not (tmp_path / "build" / "proof" / "quick" / "proof.json").exists()


def _err(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_sample_keeps_every_label_in_proportion_and_the_order_of_the_file() -> None:
    rows = [Row(input=f"text {i}", output="a" if i % 4 else "b") for i in range(400)]
    drawn = part("rows").sample(rows, 41)
    assert [row.output for row in drawn].count("b") == 10
    assert drawn == [row for row in rows if row in drawn]
    assert drawn == part("rows").sample(rows, 41)
    assert part("rows").sample(rows, None) == rows


def test_labels_with_most_rows_are_taken_alphabetical_among_equals() -> None:
    rows = [Row(input="x", output=label) for label in "ccaabbbd"]
    assert part("rows").commonest(rows, 2) == ("a", "b")


@pytest.mark.parametrize(
    ("headline", "own", "tfidf", "stands"),
    [
        ("Established:", 90, 60, True),
        ("Established:", 90, 89, False),
        ("Not established:", 90, 60, False),
        ("Not worth it: TF-IDF (0.900) beats the tuned model (0.600).", 60, 90, True),
        ("Not worth it: TF-IDF (0.900) beats the tuned model (0.890).", 89, 90, False),
        ("Not worth it: TF-IDF (0.900) does as well as the tuned model (0.890).", 89, 90, True),
        ("Tuning added nothing: the untuned model decides as well.", 89, 90, True),
        ("Tuning added nothing: the untuned model decides as well.", 60, 90, False),
        ("Established over the untuned model and TF-IDF.", 60, 90, False),
        ("Measured, not compared:", 60, 90, True),
    ],
)
def test_a_headline_is_overturned_if_the_label_scores_contradict_it(
    headline: str, own: int, tfidf: int, stands: bool
) -> None:
    right = [[i < count for i in range(100)] for count in (own, tfidf)]
    assert (part("headlines").overturned(headline, right[0], {"tfidf": right[1]}) is None) == stands


def test_label_scores_are_used_for_any_recorded_answer() -> None:
    said = Prediction(row=0, model="tuned", input="x", prompt="x", text="no idea", label=None,
                      expected="1", probabilities={"0": 0.2, "1": 0.8})  # fmt: skip
    assert part("headlines").right([said]) == [False]
    assert part("headlines").right_by_scores([said]) == [True]
    assert part("headlines").right_by_scores([said.model_copy(update={"probabilities": None})]) \
        is None  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (" positive", None),
        ("positive\n\nThe film", "a label, then more lines"),
        (" Positive.\nThe film", "a label, then more lines"),
        ("positive, as it is", "a label, then more words"),
        ("Positive.", "a label in another spelling"),
        ("**card arrival**", "a label in another spelling"),
        ("The sentiment is positive, I think", "one label among other words"),
        ("positive or card arrival", "a label, then more words"),
        ("neither positive nor card_arrival", None),
        ("positively", None),
        ("- positive\n- positive", "a label, then more lines"),
        ("nonsense", None),
    ],
)
def test_answers_that_a_user_would_accept_have_a_kind(text: str, kind: str | None) -> None:
    labels = LabelSet.model_validate(["positive", "card_arrival"])
    assert part("errors_left").kind_of(text, labels) == kind


def test_no_text_is_on_both_sides_of_a_split_by_text() -> None:
    assert is_test("WIN  a prize") == is_test("win a prize")
    assert 0.1 < sum(is_test(f"text {i}") for i in range(500)) / 500 < 0.3
