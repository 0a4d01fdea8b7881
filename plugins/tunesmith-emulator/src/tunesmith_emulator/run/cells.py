"""Reads the cells for a kernel, from a notebook or a script."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tunesmith.errors import ExperimentError, unreadable

_MARKER = re.compile(r"^#\s*%%(?P<title>.*)$", re.MULTILINE)
_TEXT = re.compile(r"\[(markdown|md)\]")


def read_cells(source: Path) -> NotebookNode:
    """Return ``source``, an ``.ipynb`` or a ``.py`` file, as a notebook without outputs.

    Raises:
        ExperimentError: it does not exist, is no notebook, or is not written in Python.
    """
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(unreadable(error, source)) from None
    return from_script(text) if source.suffix == ".py" else _from_notebook(text, source)


def from_script(text: str) -> NotebookNode:
    """Split ``text`` at its ``# %%`` lines; without such lines it is a single cell."""
    marks = list(_MARKER.finditer(text))
    bounds = [(0, marks[0].start() if marks else len(text), "")]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    bounds += [(m.end(), end, m["title"]) for m, end in zip(marks, ends, strict=False)]
    cells = [_cell(text[start:end].strip("\n"), title) for start, end, title in bounds]
    notebook: NotebookNode = new_notebook(cells=[cell for cell in cells if cell.source.strip()])
    return notebook


def _cell(text: str, title: str) -> NotebookNode:
    cell: NotebookNode = (
        new_markdown_cell(re.sub(r"^# ?", "", text, flags=re.MULTILINE))
        if _TEXT.search(title)
        else new_code_cell(text)
    )
    return cell


def _from_notebook(text: str, source: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # noqa: BLE001  # nbformat does not wrap the errors of its parsers
        raise ExperimentError(f"{source}: is no notebook: {_first_line(error)}") from None
    language = _language(notebook)
    if language != "python":
        raise ExperimentError(f"{source}: is written in {language}; only Python notebooks run here")
    _clear(notebook)
    return notebook


def _clear(notebook: NotebookNode) -> None:
    """Remove the author's outputs: the executed notebook holds those of this run alone."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)


def _language(notebook: NotebookNode) -> str:
    about = notebook.metadata
    kernel = about.get("kernelspec", {}).get("language")
    return str(kernel or about.get("language_info", {}).get("name") or "python").lower()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
