"""Modules stay of one idea and functions stay short."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for pattern in ("src/**/*.py", "plugins/*/src/**/*.py", "plugins/*/recipe/**/*.py")
    for path in ROOT.glob(pattern)
)
MAX_FILE, MAX_FUNCTION, P90_FUNCTION = 500, 60, 25


def function_lengths(path: Path) -> dict[str, int]:
    """Lines of each function, its docstring left out."""
    lengths = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            lengths[f"{path.name}:{node.name}"] = lines
    return lengths


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE
    too_long = {k: v for k, v in function_lengths(path).items() if v > MAX_FUNCTION}
    assert not too_long


def test_nine_functions_in_ten_fit_on_a_screen() -> None:
    lengths = [n for path in FILES for n in function_lengths(path).values()]
    assert statistics.quantiles(lengths, n=10)[-1] <= P90_FUNCTION
