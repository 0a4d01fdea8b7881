"""The notebooks of the documentation run from their first cell to their last.

To store what they print, after a change:
``UPDATE_DOCS=1 python -m pytest tests/agreement/test_notebooks.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the emulator's extra `notebook` is missing")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "docs/notebooks"
UPDATE = os.environ.get("UPDATE_DOCS") == "1"
pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the rows."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    return tmp_path


def printed(executed) -> str:
    outputs = [one for cell in executed.cells for one in cell.get("outputs", ())]
    return "".join(one.text for one in outputs if one.output_type == "stream")


def kept(executed, name: str) -> None:
    """Store the texts that the cells printed, without bars, pictures and times."""
    for cell in executed.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            streams = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"]
            cell.outputs = streams
    (NOTEBOOKS / name).write_text(nbformat.writes(executed) + "\n", encoding="utf-8")


def test_the_tutorial_on_this_machine(folder: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / "tutorial.ipynb", as_version=4)
    where = {"metadata": {"path": str(folder)}}
    executed = NotebookClient(notebook, timeout=600, resources=where).execute()
    said = printed(executed)
    assert "tuned: accuracy" in said
    assert "base: accuracy" in said
    assert len(list(folder.glob("runs/*/report.html"))) == 2
    if UPDATE:
        kept(executed, "tutorial.ipynb")


def test_ibms_code_through_the_emulator(folder: Path) -> None:
    name = "through-the-emulator.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", "emulator", "run", "--output", "out.ipynb",
         str(NOTEBOOKS / name)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    executed = nbformat.read(folder / "out.ipynb", as_version=4)
    said = printed(executed)
    assert "completed" in said
    assert "of 60 right" in said
    assert "stood in for IBM's models" in done.stdout + done.stderr
    if UPDATE:
        kept(executed, name)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_file_is_a_clean_notebook(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert "/tmp/" not in path.read_text(encoding="utf-8")
