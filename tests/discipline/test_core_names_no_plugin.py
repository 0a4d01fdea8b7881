"""The core names no plugin, no backend and no method of one, except in two tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.plugins import DEFAULT_BACKEND, DEFAULT_BASE_MODEL, EXTRAS, registry

CORE = Path(__file__).parents[2] / "src/tunesmith"
FILES = sorted(CORE.glob("**/*.py"))
TABLES = {
    "plugins.py": "the defaults, and what to install for a name",
    "runs/old_names.py": "facts that old files leave out",
}
APART = {"kubeflow"}
"""Backends that a make target of their own installs."""
BACKENDS = registry().backends()
METHODS = [method.name for entry in BACKENDS.values() for method in entry.methods]
PLUGINS = [p.distribution for p in registry().plugins if p.distribution != "tunesmith"]
NAMES = {*BACKENDS, *METHODS, *PLUGINS, *(p.replace("-", "_") for p in PLUGINS), DEFAULT_BASE_MODEL}
UNMISTAKABLE = {name for name in NAMES if re.search("[_/-]", name)}
"""Names that are no English words: they may not be a part of a text either."""


def texts(path: Path) -> Iterator[str]:
    """Yield the string literals of a file, without docstrings and examples for the command line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(node.value)
        if isinstance(node, ast.keyword) and node.arg == "example":
            skipped.update(ast.walk(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.value


def names_in(text: str) -> set[str]:
    words = {name for name in UNMISTAKABLE if re.search(rf"(?<![\w/-]){name}(?![\w/-])", text)}
    return words | ({text} & NAMES)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_no_text_names_a_plugin(path: Path) -> None:
    found = {name for text in texts(path) for name in names_in(text)}
    if str(path.relative_to(CORE)) in TABLES:
        assert found, "this table is no longer needed"
    else:
        assert not found


def test_the_test_finds_a_name() -> None:
    assert names_in(DEFAULT_BACKEND) == {DEFAULT_BACKEND}
    assert names_in(f"a local file of {DEFAULT_BASE_MODEL}") == {DEFAULT_BASE_MODEL}


def test_the_installation_hints_are_those_of_the_plugins() -> None:
    """Each backend and method has the extra that its plugin's distribution is a part of."""
    expected = {
        name: backend
        for backend, entry in BACKENDS.items()
        if entry.target.startswith("tunesmith_")
        for name in (backend, *(method.name for method in entry.methods))
    }
    hints = {name: EXTRAS[name] for name in EXTRAS if name in expected}
    assert hints == expected, "complete EXTRAS in tunesmith/plugins.py"
    if {"local", "openai", "sklearn", "watsonx"} <= set(BACKENDS):
        assert EXTRAS.keys() - expected.keys() <= APART
