"""The file of predict: its format, the columns of the rows, and what a stopped command leaves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tunesmith.cli.answers import FullRows
from tunesmith.dataset import load_dataset
from tunesmith.dataset.reading import Fields, streamed_rows, table_of_text
from tunesmith.pipeline import asking
from tunesmith.records import Prediction
from tunesmith.runs.run import read_predictions

Invoke = Callable[..., Result]
ROWS = [
    {"id": 7, "text": "good, great", "label": "1", "prediction": "mine", "tags": ["a"]},
    {"id": 8, "text": "bad", "label": "0", "prediction": "too", "tags": []},
    {"id": 9, "text": "a\tb\nc\u2028d", "label": "0", "prediction": "", "tags": ["é"]},
]


@pytest.fixture
def predicted(run_dir: Path, invoke: Invoke) -> Callable[..., Path]:
    """Predict the rows into a file."""
    Path("rows.json").write_text(json.dumps(ROWS))

    def call(name: str, *arguments: str) -> Path:
        columns = ("--input-field", "text", "--output-field", "label")
        done = invoke("predict", str(run_dir), "rows.json", "-o", name, *columns, *arguments)
        assert done.exit_code == 0, done.stderr
        assert not Path(f"{name}.partial").exists()
        return Path(name)

    return call


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.CSV"])
def test_a_table_has_the_columns_of_the_rows_and_ours(
    name: str, predicted: Callable[..., Path]
) -> None:
    path = predicted(name)
    found = table(path) if name != "out.CSV" else table(path.rename("x.csv"))
    ours = ("tunesmith prediction", "probability", "written")
    assert list(found[0]) == [*ROWS[0], *ours]
    answers = read_predictions(predicted("out.jsonl"))
    assert [row["tunesmith prediction"] for row in found] == [a.label for a in answers]
    assert [row["written"] for row in found] == [a.text for a in answers]
    kept = [{key: row[key] for key in ROWS[0]} for row in found]
    plain = [{**row, "id": str(row["id"]), "tags": json.dumps(row["tags"])} for row in ROWS]
    assert kept == [{**row, "tags": row["tags"].replace("\\u00e9", "é")} for row in plain]
    assert load_dataset("x.csv" if name == "out.CSV" else name, input_field="text",
                        output_field="label").inputs == [row["text"] for row in ROWS]  # fmt: skip


def test_json_keeps_the_other_columns_apart(predicted: Callable[..., Path]) -> None:
    others = [{key: row[key] for key in ("id", "prediction", "tags")} for row in ROWS]
    lines = read_predictions(predicted("out.jsonl"))
    assert [one.columns for one in lines] == others
    array = json.loads(predicted("out.json").read_text())
    assert array == [one.model_dump(mode="json") for one in lines]


@pytest.mark.parametrize("name", ["out.csv", "out.tsv"])
def test_a_table_keeps_every_line_end_in_a_text(name: str, run_dir: Path, invoke: Invoke) -> None:
    inputs = ["one\rtwo", "one\r", "\r\n one", "a\u2028b\x85c"]
    Path("ends.json").write_text(json.dumps([{"input": text, "output": "1"} for text in inputs]))
    done = invoke("predict", str(run_dir), "ends.json", "-o", name)
    assert done.exit_code == 0, done.stderr
    assert load_dataset(name).inputs == inputs


def test_half_of_a_character_in_another_column_is_refused_before_a_model_is_asked(
    run_dir: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking.AskedModel, "asker", None)
    Path("half.json").write_text(json.dumps([{"input": "a", "tags": ["b", "\ud83d"]}]))
    done = invoke("predict", str(run_dir), "half.json", "-o", "out.jsonl")
    assert done.exit_code == 2
    assert "half.json, row 0, field 'tags': character" in done.stderr


def test_an_infinity_is_kept_as_text_and_nan_as_null() -> None:
    table = table_of_text(
        '[{"input": "a", "score": NaN, "more": [-Infinity, 1e400]}]', "rows", None
    )
    rows = streamed_rows(table, Fields(), None, False)
    rows.check()
    ((_, columns, _),) = FullRows(rows)
    answer = Prediction(
        row=0,
        model="base",
        input="a",
        prompt="a",
        text="b",
        label=None,
        expected=None,
        columns=columns,
    )
    assert columns == {"input": "a", "score": None, "more": ["-Infinity", "Infinity"]}
    assert Prediction.from_json(answer.to_json()) == answer


@pytest.mark.parametrize("suffix", ["xlsx", "parquet", "txt"])
def test_another_format_is_refused_before_a_model_is_asked(
    suffix: str, run_dir: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking.AskedModel, "asker", None)
    done = invoke("predict", str(run_dir), "test.json", "-o", f"out.{suffix}")
    assert done.exit_code == 2
    assert f"out.{suffix}: predict writes no .{suffix} files; choose .jsonl" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "RUN", "test.json", "-o", "./test.json"),
        ("init", "train.json", "--no-search", "--force", "-o", "train.json"),
        ("init", "train.json", "--test", "test.json", "--no-search", "--force", "-o", "test.json"),
        ("tune", "experiment.yaml", "--backend", "fake", "-o", "train.json"),
        ("tune", "experiment.yaml", "--backend", "fake", "-o", "experiment.yaml"),
    ],
    ids=" ".join,
)
def test_no_command_writes_over_a_file_that_it_reads(
    arguments: Sequence[str], run_dir: Path, invoke: Invoke
) -> None:
    before = {path: path.read_bytes() for path in Path().glob("*.*") if path.is_file()}
    done = invoke(*(str(run_dir) if one == "RUN" else one for one in arguments))
    assert done.exit_code == 2, done.stdout
    assert "the command reads this file" in done.stderr
    assert before == {path: path.read_bytes() for path in before}


@pytest.fixture
def broken_third_call(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two rows a call; the third call fails. Returns the rows of each call."""
    ask, calls = asking.predict_tuned, list[int]()

    def predict_tuned(spec: Any, backend: Any, rows: Sequence[Any], *args: Any, **more: Any) -> Any:
        calls.append(len(rows))
        if len(calls) == 3:
            raise ConnectionError("the line is cut")
        return ask(spec, backend, rows, *args, **more)

    monkeypatch.setattr(asking, "CHUNK", 2)
    monkeypatch.setattr(asking, "predict_tuned", predict_tuned)
    return calls


def test_a_stopped_command_goes_on_where_it_was(
    run_dir: Path, invoke: Invoke, broken_third_call: list[int]
) -> None:
    rows = [{"input": f"good {n}", "output": str(n % 2)} for n in range(7)]
    Path("rows.json").write_text(json.dumps(rows))
    command = ("predict", str(run_dir), "rows.json", "-o", "out.csv")
    stopped = invoke(*command)
    assert stopped.exit_code != 0
    assert "answers so far are in out.csv.partial; the same command goes on" in stopped.stderr
    assert not Path("out.csv").exists()
    with Path("out.csv.partial").open("a") as file:
        file.write('{"row": 4, "mod')  # of a process that was killed in the middle of a line
    done = invoke(*command)
    assert done.exit_code == 0, done.stderr
    assert "out.csv.partial: 4 of 7 rows are answered already" in done.stderr
    assert broken_third_call == [2, 2, 2, 2, 1]
    assert len(table(Path("out.csv"))) == 7
    whole = json.loads(invoke("predict", str(run_dir), "rows.json", "--json").stdout)["predictions"]
    assert [one["row"] for one in whole] == list(range(7))
    assert [one["label"] for one in whole] == [t["prediction"] for t in table(Path("out.csv"))]


def test_answers_of_another_model_or_other_rows_are_not_kept(
    run_dir: Path, invoke: Invoke, broken_third_call: list[int]
) -> None:
    rows = [{"input": f"good {n}"} for n in range(6)]
    Path("rows.json").write_text(json.dumps(rows))
    invoke("predict", str(run_dir), "rows.json", "-o", "out.jsonl")
    assert Path("out.jsonl.partial").exists()
    Path("rows.json").write_text(json.dumps([*rows[1:], {"input": "new"}]))
    done = invoke("predict", str(run_dir), "rows.json", "-o", "out.jsonl")
    assert "answered already" not in done.stderr
    answers: list[Prediction] = read_predictions(Path("out.jsonl"))
    assert [one.input for one in answers] == [f"good {n}" for n in range(1, 6)] + ["new"]


def test_a_file_of_the_user_named_as_ours_is_left_alone(run_dir: Path, invoke: Invoke) -> None:
    Path("out.csv.partial").write_text("mine")
    done = invoke("predict", str(run_dir), "test.json", "-o", "out.csv")
    assert done.exit_code == 2
    assert "out.csv.partial: a file of that name is in the way" in done.stderr
    assert Path("out.csv.partial").read_text() == "mine"
