"""predict on files that do not fit into memory, and on broken ones."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tunesmith.cli import answers
from tunesmith.dataset.text import Text
from tunesmith.pipeline import asking
from tunesmith.records import Row

Invoke = Callable[..., Result]
ROWS = [{"id": n, "input": f"good {n}", "output": str(n % 2)} for n in range(9)]


def write(rows: Sequence[dict[str, Any]]) -> None:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


class Asked:
    """The rows that the model was asked about, and what fails."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.lines_read = 0
        self.ahead: list[int] = []
        """Lines that were read beyond the rows of each call."""
        self.fails_at: int | None = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Two rows a call; the lines of the current reading are counted."""
    found, ask, lines = Asked(), asking.predict_tuned, Text.lines

    def predict_tuned(spec: Any, backend: Any, rows: Sequence[Row], *rest: Any, **more: Any) -> Any:
        if found.fails_at is not None and len(found.rows) >= found.fails_at:
            raise ConnectionError("the line is cut")
        found.rows += [row.input for row in rows]
        found.ahead.append(found.lines_read - len(found.rows))
        return ask(spec, backend, rows, *rest, **more)

    def counted(text: Text, *ends: Any) -> Iterator[str]:
        found.lines_read = 0
        for line in lines(text, *ends):
            found.lines_read += 1
            yield line

    monkeypatch.setattr(asking, "CHUNK", 2)
    monkeypatch.setattr(asking, "predict_tuned", predict_tuned)
    monkeypatch.setattr(Text, "lines", counted)
    return found


@pytest.fixture
def predict(run_dir: Path, invoke: Invoke, asked: Asked) -> Callable[..., Result]:
    """Predict the rows of the file, into ``out.jsonl`` by default."""

    def call(output: str = "out.jsonl") -> Result:
        asked.rows.clear()
        return invoke("predict", str(run_dir), "rows.jsonl", "-o", output)

    return call


def inputs(file: str = "out.jsonl") -> list[str]:
    lines = Path(file).read_text().splitlines()
    return [one["input"] for one in map(json.loads, lines) if "input" in one]


def test_rows_are_read_as_they_are_asked(predict: Callable[..., Result], asked: Asked) -> None:
    write(ROWS)
    assert predict().exit_code == 0
    assert asked.ahead == [0] * 5
    assert inputs() == [row["input"] for row in ROWS]


@pytest.mark.parametrize("output", ["out.jsonl", "out.json", "out.csv", "out.tsv"])
def test_a_file_in_two_parts_is_that_of_one(
    output: str, predict: Callable[..., Result], asked: Asked
) -> None:
    write(ROWS)
    assert predict(output).exit_code == 0
    whole = Path(output).read_bytes()
    asked.fails_at = 4
    assert predict(output).exit_code != 0
    asked.fails_at = None
    done = predict(output)
    assert f"{output}.partial: 4 of 9 rows are answered already" in done.stderr
    assert asked.rows == [row["input"] for row in ROWS[4:]]
    assert Path(output).read_bytes() == whole


@pytest.mark.parametrize(
    ("changed", "kept"),
    [({"input": "better 2"}, 2), ({"output": "1"}, 2), ({"id": 7}, 2), ({}, 4)],
    ids=["the text", "the label", "another column", "nothing"],
)
def test_rows_behind_a_corrected_one_are_asked_again(
    changed: dict[str, Any], kept: int, predict: Callable[..., Result], asked: Asked
) -> None:
    write(ROWS)
    asked.fails_at = 4
    predict()
    asked.fails_at = None
    rows = [*ROWS[:2], {**ROWS[2], **changed}, *ROWS[3:]]
    write([*rows, {"id": 9, "input": "a new row", "output": "0"}])
    assert predict().exit_code == 0
    assert asked.rows == [*(row["input"] for row in rows[kept:]), "a new row"]
    assert inputs() == [*(row["input"] for row in rows), "a new row"]


@pytest.mark.parametrize("wrong", ['{"input": "good 6", "out', '{"input": " ", "output": "1"}'])
def test_a_wrong_row_is_refused_before_a_model_is_asked_and_answers_are_kept(
    wrong: str, predict: Callable[..., Result], asked: Asked
) -> None:
    write(ROWS)
    asked.fails_at = 4
    predict()
    asked.fails_at, before = None, Path("out.jsonl.partial").read_bytes()
    lines = Path("rows.jsonl").read_text().splitlines()
    Path("rows.jsonl").write_text("\n".join([*lines[:6], wrong, *lines[7:]]) + "\n")
    done = predict()
    assert done.exit_code == 2
    assert "rows.jsonl, line 7" in done.stderr
    assert asked.rows == []
    assert Path("out.jsonl.partial").read_bytes() == before
    write(ROWS)
    assert predict().exit_code == 0
    assert asked.rows == [row["input"] for row in ROWS[4:]]


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["answers", "table"])
def test_after_a_full_disk_the_same_command_goes_on(
    step: str, predict: Callable[..., Result], asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ROWS)
    with monkeypatch.context() as patch:
        if step == "table":
            patch.setattr(answers, "_write_table", full)
        else:
            lines = answers.json_lines
            patch.setattr(
                answers, "json_lines", lambda rows: full() if asked.rows[4:] else lines(rows)
            )
        stopped = predict("out.csv")
    assert stopped.exit_code != 0
    assert "No space left on device" in stopped.stderr
    assert "answers so far are in out.csv.partial; the same command goes on" in stopped.stderr
    assert not Path("out.csv").exists()
    done = predict("out.csv")
    assert done.exit_code == 0, done.stderr
    assert asked.rows == [row["input"] for row in ROWS[{"answers": 4, "table": 9}[step] :]]
    assert len(Path("out.csv").read_text().splitlines()) == 10


def test_a_line_that_the_disk_lost_is_asked_again(
    predict: Callable[..., Result], asked: Asked
) -> None:
    write(ROWS)
    asked.fails_at = 4
    predict()
    asked.fails_at = None
    head, first, *_ = Path("out.jsonl.partial").read_bytes().splitlines(keepends=True)
    Path("out.jsonl.partial").write_bytes(head + first + b"\0" * 50 + b"\n")
    assert predict().exit_code == 0
    assert asked.rows == [row["input"] for row in ROWS[1:]]
    assert inputs() == [row["input"] for row in ROWS]


def test_evaluate_names_the_line_of_the_file(
    predict: Callable[..., Result], invoke: Invoke
) -> None:
    write(ROWS)
    predict()
    lines = Path("out.jsonl").read_text().splitlines()
    lines[4] = lines[4].replace('"expected":"0"', '"expected":"2"')
    Path("out.jsonl").write_text("\n\n".join(lines))
    done = invoke("evaluate", "out.jsonl", "--labels", "0,1")
    assert done.exit_code == 2
    assert "out.jsonl, line 9: '2' is not one of the labels" in done.stderr
