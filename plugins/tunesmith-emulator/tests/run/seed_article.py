"""Extracts the code of a Markdown article in which no fence marks code.

A paragraph is code if Python can parse it and it does something. A bare word (``completed``) or a
bare value (``'SUCCESS'``, ``0``, a dict) is an output or prose.
"""

from __future__ import annotations

import ast
import re

_MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)
# Patterns that prose and outputs do not match: an import, an assignment, a single call.
_LOOKS_LIKE_CODE = re.compile(
    r"\s*(import \w|from [\w.]+ import |%\w|[a-z_][\w.]*(\[[^]]*\])? ?= ?\S|[a-z_][\w.]*\([^)]*\)$)"
)


def code_paragraphs(article: str) -> list[str]:
    """Return the code of ``article``, one text a paragraph, in its order."""
    return [part for part in paragraphs(_plain(article)) if is_code(part)]


def overlooked(article: str) -> list[str]:
    """Return the lines that look like code and are in no code paragraph."""
    prose = [part for part in paragraphs(_plain(article)) if not is_code(part)]
    return [line for part in prose for line in part.splitlines() if _LOOKS_LIKE_CODE.match(line)]


def _plain(article: str) -> str:
    # Markdown escapes underscores; a browser copies its non-breaking spaces as spaces.
    return article.replace("\\_", "_").replace("\xa0", " ")


def paragraphs(text: str) -> list[str]:
    """Cut ``text`` at its blank lines."""
    return [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]


def is_code(paragraph: str) -> bool:
    """Say whether ``paragraph`` parses and does something."""
    try:
        # The tree of a magic line is of no interest, that it is there is.
        statements = ast.parse(_MAGIC.sub("magic()", paragraph)).body
    except SyntaxError:
        return False
    return any(_does_something(statement) for statement in statements)


def _does_something(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr):
        return True
    try:
        ast.literal_eval(statement.value)
    except ValueError:
        return not isinstance(statement.value, ast.Name)
    return False
