"""A run in Python: rows in memory, a backend by its name, and new predictions."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # it has no stubs
import pytest

from tunesmith import Experiment, Run, clock, load
from tunesmith.errors import DatasetError, ExperimentError, RunError
from tunesmith.progress import Progress
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend

TEXTS = ["lovely staff", "rude staff", "great haircut", "a dirty room"] * 6
LABELS = ["good", "bad"] * 12
FRAME = pd.DataFrame({"text": TEXTS, "label": LABELS})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    runs_dir = tmp_path_factory.mktemp("runs")
    experiment = Experiment(method="tfidf_logreg", data={"train": FRAME, "test": (TEXTS, LABELS)})
    return experiment.run("sklearn", runs_dir=runs_dir)


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    monkeypatch.chdir(tmp_path)
    return FakeBackend()


def test_a_data_frame_and_the_name_of_a_backend_are_enough(finished: Run) -> None:
    assert finished.record.status == "completed"
    assert finished.record.evaluations["tuned"].accuracy == 1
    assert finished.record.experiment["labels"] == {"bad": ["bad"], "good": ["good"]}
    assert "the text is column 'text', the label is column 'label'" in finished.record.notes[0]


def test_rows_in_memory_are_kept_in_the_run_directory(finished: Run) -> None:
    data = finished.record.experiment["data"]
    assert Path(data["train"]) == finished.directory / "data" / "train.jsonl"
    first = json.loads(Path(data["train"]).read_text().splitlines()[0])
    assert first == {"input": TEXTS[0], "output": LABELS[0]}


class Interrupted(Progress):
    """Interrupts a run at one of its stages."""

    def stage(self, name: str) -> None:
        if name == "deploy":
            raise KeyboardInterrupt


def test_an_interrupted_run_with_rows_in_memory_is_resumed(backend: FakeBackend) -> None:
    data = {"train": FRAME, "test": FRAME}
    experiment = Experiment(base_model=FAKE_MODEL, method="prompt_tuning", data=data)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(backend, progress=Interrupted())
    (run,) = (Run.load(path, finished=False) for path in Path("runs").glob("*-fake-*"))
    again = Experiment.from_record(run.record.experiment).resume(run, backend)
    assert again.record.status == "completed"
    assert again.record.evaluations == experiment.run(backend).record.evaluations


def test_a_run_answers_new_texts(finished: Run) -> None:
    with Run.open(finished.directory) as run:
        found = run.predict(["lovely room", "rude and dirty"])
    assert [one.label for one in found] == ["good", "bad"]
    assert all(sum((one.probabilities or {}).values()) == pytest.approx(1) for one in found)


@pytest.mark.parametrize(
    "rows", [pd.Series(["lovely"]), FRAME[["text"]][:1], [{"input": "lovely"}]]
)
def test_new_rows_have_any_form(finished: Run, rows: Any) -> None:
    assert [one.label for one in finished.predict(rows)] == ["good"]


def test_a_run_connects_once_until_it_is_closed(finished: Run) -> None:
    finished.predict(["lovely"])
    connected = finished._shared
    finished.predict(["lovely"])
    assert finished._shared is connected
    finished.close()
    finished.close()
    assert finished._shared is None


def test_threads_share_a_run(finished: Run) -> None:
    with Run.open(finished.directory) as run, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: run.predict([text])[0].label, TEXTS[:4] * 8))
    assert found == LABELS[:4] * 8


def test_one_text_alone_is_refused(finished: Run) -> None:
    with pytest.raises(DatasetError, match=r"rows \(str\): not rows; give a list"):
        finished.predict("lovely")


def test_a_run_finds_its_store_from_every_folder(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "store" / "sklearn").mkdir(parents=True)
    run = Run.open(finished.directory)
    run.update(options={**run.record.options, "store": "runs/store/sklearn"})
    monkeypatch.chdir(tmp_path)
    assert [one.label for one in Run.open(run.directory).predict(["lovely"])] == ["good"]


def test_a_run_tells_what_it_is(finished: Run) -> None:
    shown = repr(finished)
    for part in (str(finished.directory), "completed", "tfidf_logreg", "backend sklearn"):
        assert part in shown
    page = finished._repr_html_()
    assert "<td>1.000</td>" in page
    assert "report.html" in page


def test_the_card_of_a_run_escapes_what_users_named(
    values: dict[str, Any], backend: FakeBackend
) -> None:
    run = Experiment.from_values({**values, "name": "<script>x</script>"}).run(backend)
    assert "<script>" not in run._repr_html_()
    assert len(run.learning_curve.epochs) == 2


def test_an_unfinished_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run here"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ["0"]}, "labels: at least two labels are needed"),
        ({"data": {"train": pd.DataFrame({"text": ["a"], "label": [None]})}}, "missing"),
        ({"data": {"train": 5}}, "data"),
        ({"sed": 1}, "sed"),
    ],
)
def test_wrong_arguments_give_an_error_in_one_line(
    values: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ExperimentError, match=reason) as caught:
        Experiment(**{**values, **change})
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_the_time_of_a_stage_is_not_changed_by_the_wall_clock(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_boot", clock._boot)  # restored at the end of the test
    wall, seconds = time.time_ns, dict(finished.record.seconds)
    with finished.stage("tune"):
        monkeypatch.setattr("time.time_ns", lambda: wall() + 3600 * 10**9)
    assert 0 <= finished.record.seconds["tune"] - seconds["tune"] < 60


def test_a_loaded_run_decides(finished: Run) -> None:
    texts = ["lovely haircut", "rude and dirty"]
    predicted = finished.predict(texts)
    with load(finished.directory) as run:
        decisions = run.decide(texts)
    assert [one.label for one in decisions] == ["good", "bad"]
    assert [one.raw for one in decisions] == [one.probabilities for one in predicted]
    for one in decisions:
        assert one.probability == one.probabilities[one.label]
        assert one.abstains is None  # the run has no validation rows


def test_threads_get_their_own_decisions(finished: Run) -> None:
    alone = [finished.decide([text])[0] for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: finished.decide([text])[0], TEXTS))
    assert together == alone


def test_one_text_is_no_list_of_texts(finished: Run) -> None:
    with pytest.raises(TypeError, match=r"decide\(\[text\]\)"):
        finished.decide("lovely")
    assert finished.decide([]) == []
