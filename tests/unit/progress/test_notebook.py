"""Progress below a notebook's cell, in a real kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tunesmith.progress import SILENT, Progress
from tunesmith.progress.notebook import fitting

CELL = """
import pandas as pd
from tunesmith import Experiment
texts, labels = ["lovely staff", "rude staff"] * 6, ["good", "bad"] * 6
data = {"train": pd.DataFrame({"text": texts, "label": labels}), "test": (texts, labels)}
run = Experiment(method="tfidf_logreg", data=data).run("sklearn")
run
"""


def test_a_cell_shows_the_stages_and_the_card_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(tmp_path))
    shown, card = notebook.cells[0].outputs
    for stage in ("tune", "deploy", "predict tuned"):
        assert f"<td>{stage}</td>" in shown.data["text/html"]
    assert "…" not in shown.data["text/html"]  # no stage is left open
    assert "<th>tuned model</th>" in card.data["text/html"]
    assert card.data["text/plain"].startswith("<Run 'runs/")


def test_outside_a_notebook_nothing_is_shown_unless_asked_for() -> None:
    mine = Progress()
    assert fitting(None) is SILENT
    assert fitting(mine) is mine
