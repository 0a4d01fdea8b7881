"""The promises of the project about its own source text."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tunesmith

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for pattern in ("src/**/*.py", "plugins/*/src/**/*.py", "plugins/*/recipe/**/*.py")
    for path in ROOT.glob(pattern)
)
PROJECTS = sorted([ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")])
# Four extras (dask is two packages), dependencies of datasets, of jinja2 and, for the model card,
# of tunesmith-local, pytest, and IPython, which a notebook has.
OPTIONAL = (
    "matplotlib", "datasets", "sklearn", "pyarrow", "markupsafe", "huggingface_hub", "pytest",
    "IPython", "dask", "distributed",
)  # fmt: skip
ON_THE_WIRE = ROOT / "plugins/tunesmith-local/src/tunesmith_local/exporting/vllm.py"
"""vLLM reads a soft prompt in a request in torch's own format alone. No file is written in it."""
HEAVY = ("torch", "transformers", "peft", "sklearn", "datasets", "ibm_watsonx_ai", "openai")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_pickle(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(import|from) (pickle|joblib|dill|shelve)\b", text, re.M)
    assert "torch.save(" not in text or path == ON_THE_WIRE
    assert "torch.load(" not in text


def test_no_utils_module() -> None:
    assert not [p for p in SOURCES if p.stem in {"utils", "helpers", "common", "misc"}]


def test_public_names_are_sorted_lazy_and_there() -> None:
    assert tunesmith.__all__ == sorted(tunesmith.__all__)
    assert all(getattr(tunesmith, name) for name in tunesmith.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        tunesmith.nothing  # noqa: B018


def test_import_is_light() -> None:
    code = "import sys, tunesmith; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tunesmith" in loaded
    assert not loaded & {*HEAVY, "pydantic", "click", "rich"}


@pytest.mark.parametrize("path", PROJECTS, ids=lambda p: p.parent.name)
def test_metadata(path: Path) -> None:
    project = tomllib.loads(path.read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    # constraints.txt pins; a package that pins cannot be installed beside another.
    assert not [d for d in project.get("dependencies", []) if "==" in d]


def test_torch_is_pinned() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().splitlines()


def test_the_core_imports_what_it_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *OPTIONAL]
    names = {re.split(r"\W", text.replace("pyyaml", "yaml"))[0] for text in declared}
    assert imported(ROOT / "src") <= names | {"tunesmith"}


def imported(folder: Path) -> set[str]:
    """Top-level packages, those of the standard library left out."""
    nodes = [
        node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    found = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in found} - set(sys.stdlib_module_names)
