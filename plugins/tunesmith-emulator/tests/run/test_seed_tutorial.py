"""The whole seed tutorial runs unchanged with ``tunesmith emulator run``.

It is read from its folder beside the project, and never copied into the project.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from seed_article import code_paragraphs, overlooked

SHARED = Path(__file__).parents[5] / "shared"
FILES = SHARED / "data" / "tutorial"

pytestmark = [
    pytest.mark.skipif(
        not (FILES.is_dir() and any((SHARED / "seeds").glob("000*.txt"))),
        reason="the tutorial is not in ../shared/seeds, or its files are not in ../shared/data",
    ),
    pytest.mark.skipif(
        not all(map(find_spec, ("ibm_watsonx_ai", "wget", "nbclient", "ipykernel"))),
        reason="the tutorial imports ibm-watsonx-ai and wget, and runs in Jupyter",
    ),
]


@pytest.fixture(scope="module")
def article() -> str:
    return next((SHARED / "seeds").glob("000*.txt")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def paragraphs(article) -> list[str]:
    return code_paragraphs(article)


def test_no_line_that_looks_like_code_is_left_out(article):
    assert overlooked(article) == []


def test_every_name_that_the_code_uses_is_defined_by_it(paragraphs):
    nodes = list(ast.walk(ast.parse("\n".join(map(without_magics, paragraphs)))))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    known = {alias.asname or alias.name for node in imports for alias in node.names}
    known |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    assert {name.id for name in names} - known <= set(dir(builtins))


@pytest.fixture(scope="module")
def run(paragraphs, tmp_path_factory):
    """Run the whole tutorial once; return the process and the executed cells."""
    folder = tmp_path_factory.mktemp("tutorial")
    write_notebook(folder / "tutorial.ipynb", paragraphs)
    serve = [f"--serve={url}={file}" for url, file in downloads(paragraphs).items()]
    command = [sys.executable, "-m", "tunesmith", "emulator", "run", *serve, "tutorial.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    cells = json.loads((folder / "tutorial.executed.ipynb").read_text())["cells"]
    return done, cells


@pytest.mark.slow
class TestTutorial:
    def test_it_runs_to_its_end_and_asks_for_nothing_else(self, run):
        done, cells = run
        assert done.returncode == 0, done.stderr
        *_, downloads, emulated = done.stderr.splitlines()  # no refused request is between them
        assert downloads == "downloads answered from local files: 2"
        assert "tunesmith/micro-granite stood in for IBM's models" in emulated
        assert "refused" not in done.stderr
        assert all(cell["execution_count"] for cell in cells)

    def test_the_tuning_completes(self, run):
        assert "completed\n" in output(run, "get_run_status")

    def test_the_summary_is_shown(self, run):
        assert "prompt_tuning" in output(run, ".summary()")

    def test_the_learning_curve_is_drawn(self, run):
        (cell,) = [cell for cell in run[1] if ".plot_learning_curve" in source(cell)]
        assert any("image/png" in out.get("data", {}) for out in cell["outputs"])

    def test_the_deployment_is_ready(self, run):
        assert re.search(r"\nready$", output(run, "deployments.create("), re.MULTILINE)

    def test_the_tuned_model_beats_its_base(self, run):
        tuned, base = (
            float(found)
            for cell in run[1]
            if "print(f" in source(cell)
            for found in re.findall(r"accuracy_score: ([0-9.]+)", text(cell))
        )
        assert tuned > base


def downloads(paragraphs: list[str]) -> dict[str, Path]:
    """Return the URL of every file: the one base that the code names, and the files' names."""
    texts = {
        node.value
        for part in paragraphs
        for node in ast.walk(ast.parse(without_magics(part)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    (base,) = [text for text in texts if text.startswith("https://raw.")]
    names = [text for text in texts if text.endswith(".json")]
    return {base + name: FILES / name for name in names}


def without_magics(paragraph: str) -> str:
    return re.sub(r"(?m)^%.*$", "", paragraph)


def write_notebook(path: Path, paragraphs: list[str]) -> None:
    cells = [
        {"cell_type": "code", "source": p, "outputs": [], "execution_count": None, "metadata": {}}
        for p in paragraphs
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(document))


def source(cell) -> str:
    return "".join(cell["source"])


def output(run, call: str) -> str:
    """Return what the one cell with ``call`` in it put out."""
    (cell,) = [cell for cell in run[1] if call in source(cell)]
    return text(cell)


def text(cell) -> str:
    parts = (out.get("text") or out["data"]["text/plain"] for out in cell["outputs"])
    return "".join(line for part in parts for line in part)
