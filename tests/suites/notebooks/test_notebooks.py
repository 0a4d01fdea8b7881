"""What is read from a notebook before its run and after it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tests.suites.notebooks.environment import Environment, pip_commands
from tests.suites.notebooks.outcome import Outcome, stopped
from tests.suites.notebooks.page import page
from tests.suites.notebooks.samples import FOLDER, SAMPLES, Sample

CELLS = ("!pip install one | tail -n 1", "", "x = 1", "x / 0", "y = 2")


def written(folder: Path, *sources: str) -> Path:
    cells = [new_markdown_cell("text"), *(new_code_cell(source) for source in sources)]
    path = folder / "work.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=cells)))
    return path


def test_the_pip_commands_are_those_of_the_code_cells(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '!pip install -U "langchain>=0.3,<0.4" | tail -n 1\n!pip install bs4 | tail -n 1     ',
        "# pip install no\nprint('!pip install neither')",
        "%pip install one two",
    )
    assert pip_commands(path) == (("-U", "langchain>=0.3,<0.4"), ("bs4",), ("one", "two"))


def test_notebooks_that_install_the_same_share_an_environment(tmp_path: Path) -> None:
    one = Environment(tmp_path, (("a",),))
    assert one.folder == Environment(tmp_path, (("a",),)).folder
    assert one.folder != Environment(tmp_path, (("a",),), "2025-03-03").folder
    assert one.folder != Environment(tmp_path, (("b",),)).folder


def test_the_cell_that_failed_is_counted_as_the_emulator_counts(tmp_path: Path) -> None:
    notebook = nbformat.read(written(tmp_path, *CELLS[1:]), as_version=4)
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook).execute()
    path = tmp_path / "executed.ipynb"
    path.write_text(nbformat.writes(notebook))
    assert stopped(path) == (3, 2, "ZeroDivisionError: division by zero")


def test_a_notebook_that_ended_early_did_not_run_to_the_end(tmp_path: Path) -> None:
    path = written(tmp_path, "1", "2", "3")
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["execution_count"] = 1
    path.write_text(json.dumps(notebook))
    assert stopped(path) == (3, 2, "the kernel ended")
    for number in (2, 3):
        notebook["cells"][number]["execution_count"] = number
    path.write_text(json.dumps(notebook))
    assert stopped(path) == (3, None, "")


def test_a_changed_notebook_is_refused(tmp_path: Path) -> None:
    sample = Sample("one", "work.ipynb", "78981922613b2afb6025042ff6bd878ac1994e85")
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / sample.file).write_text("a\n")
    assert sample.find(tmp_path).read_text() == "a\n"
    (tmp_path / FOLDER / sample.file).write_text("b\n")
    with pytest.raises(SystemExit, match="check that commit out"):
        sample.find(tmp_path)


def test_the_page_says_what_was_measured() -> None:
    def outcome(sample: Sample, packages: str, cell: int | None) -> Outcome:
        error = "KeyError: a | b" if cell else ""
        return Outcome(
            name=sample.name,
            packages=packages,
            versions={"langchain": "1.4.2"},
            date="2026-11-30",
            seconds=31,
            cells=9,
            cell=cell,
            error=error,
        )

    outcomes = [outcome(sample, "newest", None) for sample in SAMPLES[2:]]
    outcomes += [outcome(sample, "newest", 4) for sample in SAMPLES[:2]]
    outcomes += [outcome(SAMPLES[0], "of the day", None), outcome(SAMPLES[1], "of the day", 5)]
    text = page(outcomes, "a/model")
    plain = " ".join(text.split())
    assert "11 of 13 run to the end" in plain
    assert "2 ran again" in plain
    assert "1 of these to the end" in plain
    assert "| cell 4 of 9 | to the end, 31 s |" in text
    assert "| cell 4 of 9 | cell 5 of 9 |" in text
    assert text.count(r"`KeyError: a \| b`") == 3
