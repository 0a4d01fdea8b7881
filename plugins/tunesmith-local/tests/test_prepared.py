"""Rows are checked and encoded once: the check's result serves submit and the job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_models import build

from tunesmith.errors import DatasetError
from tunesmith.experiment import Experiment
from tunesmith.records import Row, TunedModel
from tunesmith_local.backend import LocalBackend
from tunesmith_local.methods import preparation
from tunesmith_local.options import LocalOptions

LABELS = ["yes", "no"]
ROWS = [Row(input=f"{'good ' * (i % 4)}{i}", output=LABELS[i % 2]) for i in range(10)]
HELD_OUT = ROWS[:4]
SETTINGS = {
    "prompt_tuning": {"num_virtual_tokens": 3, "num_epochs": 1, "max_input_tokens": 40},
    "linear_probe": {"max_input_tokens": 40},
}
Connect = Callable[[], LocalBackend]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    base = build("granite")
    base.model.save_pretrained(folder / "tiny" / "granite")
    base.tokenizer.save_pretrained(folder / "tiny" / "granite")
    return folder


@pytest.fixture
def connect(models: Path, tmp_path: Path) -> Iterator[Connect]:
    opened: list[LocalBackend] = []

    def open_backend() -> LocalBackend:
        given = {"store": tmp_path / "store", "models": models, "device": "cpu", "offline": True}
        opened.append(LocalBackend(LocalOptions.model_validate(given)))
        return opened[-1]

    yield open_backend
    for backend in opened:
        backend.close()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The inputs of training and validation rows, each time one is encoded."""
    seen: list[str] = []
    original = preparation.encode_prompt

    def counting(tokenizer: object, text: str, **more: object) -> object:
        seen.append(text)
        return original(tokenizer, text, **more)

    monkeypatch.setattr(preparation, "encode_prompt", counting)
    return seen


def experiment(name: str = "prompt_tuning", seed: int = 0, **method: object) -> Experiment:
    return Experiment.from_values(
        {
            "base_model": "tiny/granite",
            "labels": LABELS,
            "data": {"train": "train.jsonl"},
            "method": {"name": name, **SETTINGS[name], **method},
            "seed": seed,
        }
    )


def without_identity(model: TunedModel) -> dict[str, object]:
    return model.model_dump(exclude={"id", "job_id", "created_at", "location"})


@pytest.mark.parametrize("name", SETTINGS)
def test_check_submit_and_job_encode_each_row_once(
    connect: Connect, encoded: list[str], name: str
) -> None:
    backend, spec = connect(), experiment(name)
    prepared = backend.tuner.check(spec, ROWS, HELD_OUT)
    once = len(encoded)
    used = ROWS if name == "linear_probe" else [*ROWS, *HELD_OUT]
    assert once == len(used)
    model = backend.tuner.submit(spec, [*ROWS], [*HELD_OUT], prepared=prepared).wait()
    assert len(encoded) == once
    alone = backend.tuner.submit(spec, ROWS, HELD_OUT).wait()
    assert len(encoded) == 2 * once
    assert without_identity(alone) == without_identity(model)


def test_a_spec_of_another_name_is_the_same_tuning(connect: Connect, encoded: list[str]) -> None:
    backend, spec = connect(), experiment()
    prepared = backend.tuner.check(spec, ROWS)
    renamed = spec.model_copy(update={"name": "other"})
    backend.tuner.submit(renamed, ROWS, prepared=prepared).wait()
    assert len(encoded) == len(ROWS)


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": experiment(seed=1)},
        {"spec": experiment(verbalizer="say {{input}} =")},
        {"spec": experiment().asked_in(chat=True).asked_in(chat=False)},
        {"train": ROWS[:-1]},
        {"validation": HELD_OUT},
        {"prepared": "something else"},
    ],
    ids=["seed", "template", "as it was", "rows", "validation", "foreign"],
)
def test_a_preparation_for_other_settings_is_not_used(
    connect: Connect, encoded: list[str], changed: dict[str, object]
) -> None:
    backend, spec = connect(), experiment()
    prepared = backend.tuner.check(spec, ROWS)
    encoded.clear()
    asked = {"spec": spec, "train": ROWS, "validation": None, "prepared": prepared} | changed
    model = backend.tuner.submit(**asked).wait()
    same = changed.keys() == {"spec"} and changed["spec"] == spec
    expected = [] if same else [*asked["train"], *(asked["validation"] or [])]
    assert encoded == [row.input for row in expected]
    assert model.details["rows"] == len(asked["train"])


def test_another_backend_prepares_its_own(connect: Connect, encoded: list[str]) -> None:
    prepared = connect().tuner.check(experiment(), ROWS)
    encoded.clear()
    connect().tuner.submit(experiment(), ROWS, prepared=prepared).wait()
    assert len(encoded) == len(ROWS)


def test_rows_that_were_changed_after_the_check_are_checked(connect: Connect) -> None:
    backend, rows = connect(), [*ROWS]
    prepared = backend.tuner.check(experiment(), rows)
    rows[3] = Row(input="x", output="maybe")
    with pytest.raises(DatasetError, match="train row 3"):
        backend.tuner.submit(experiment(), rows, prepared=prepared)


def test_a_job_that_is_resumed_encodes_its_rows_again(connect: Connect, encoded: list[str]) -> None:
    first = connect()
    with first.tuner._turn:
        job = first.tuner.submit(experiment(), ROWS)
        first.close()
    assert job.status() == "interrupted"
    encoded.clear()
    assert connect().tuner.resume(job.id).wait().details["rows"] == len(ROWS)
    assert encoded == [row.input for row in ROWS]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_whole_run_encodes_each_training_row_once(
    connect: Connect, encoded: list[str], tmp_path: Path, name: str
) -> None:
    for part in ("train", "test"):
        rows = [row.model_dump() for row in ROWS]
        (tmp_path / f"{part}.json").write_text(json.dumps(rows))
    data = {part: str(tmp_path / f"{part}.json") for part in ("train", "test")}
    spec = Experiment.from_values({**experiment(name).model_dump(), "data": data})
    spec.run(connect(), runs_dir=tmp_path / "runs")
    assert encoded == [row.input for row in ROWS]
