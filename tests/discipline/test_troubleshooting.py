"""Each message of the troubleshooting page is in the source, word for word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tunesmith import errors
from tunesmith.cli import failures

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.*)`$", PAGE, re.M)
VALUE = "…"
"""Stands for a value in a message, on the page and here."""


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the literals below ``node`` but docstrings, with ``VALUE`` for each run of values."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.JoinedStr):
        parts = (str(p.value) if isinstance(p, ast.Constant) else VALUE for p in node.values)
        yield re.sub(f"{VALUE}+", VALUE, "".join(parts))
        children = [p.value for p in node.values if isinstance(p, ast.FormattedValue)]
    for child in children:
        yield from texts(child)


@cache
def literals() -> str:
    """All literals of the sources, one after another."""
    paths = (*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths)
    return "\0".join(text for tree in trees for text in texts(tree))


def is_in_source(message: str) -> bool:
    """Return whether one literal has all of ``message``, with values at the same places."""
    return message.strip(VALUE) in literals()


@pytest.mark.parametrize("message", MESSAGES)
def test_the_message_is_in_the_source(message: str) -> None:
    assert len(message.strip(VALUE).split()) > 1
    assert is_in_source(message)


def test_a_changed_message_is_not_found() -> None:
    message = "…: another emulator uses this folder; stop it or give another --data-dir"
    assert message in MESSAGES
    assert is_in_source(message)
    assert not is_in_source(message.replace("stop it", "end it"))
    assert not is_in_source("cannot listen on … (…); give another host or port")  # a value less
    assert not is_in_source(
        "Reports an error as one message on stderr and an exit code."
    )  # a docstring


def test_the_page_has_the_messages_and_groups_once() -> None:
    assert len(MESSAGES) == PAGE.count("\n### ")  # each entry has the form that is checked
    assert len(MESSAGES) == len(set(MESSAGES))
    anchors = re.findall(r"\]\(#([a-z-]+)\)", PAGE)
    titles = re.findall(r"^## (.*)$", PAGE, re.M)
    assert anchors == [re.sub("[^a-z -]", "", t.lower()).replace(" ", "-") for t in titles]


def test_the_links_lead_to_pages() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE):
        assert (ROOT / "docs" / "how-to" / target).is_file(), target


def test_the_exit_codes_are_those_of_the_errors() -> None:
    families = [e for e in vars(errors).values() if hasattr(e, "exit_code")]
    others = {failures.BROKEN_PIPE, failures.BUG, failures.IO_ERROR, failures.INTERRUPTED}
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.M)}
    assert listed == {0} | others | {error.exit_code for error in families}
