"""The report of a run as Markdown, for a pull request or a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tunesmith.report import blocks
from tunesmith.report import formatting as words
from tunesmith.report.cases import Answer, Case
from tunesmith.report.document import Document
from tunesmith.report.sections import sections


def to_markdown(document: Document) -> str:
    """Return ``document`` as Markdown; texts of the data and of the models stay plain text."""
    lines = "\n".join([*_top(document), *map(section, sections(document))])
    return re.sub(r"\n{3,}", "\n\n", lines).rstrip() + "\n"


def section(one: blocks.Section) -> str:
    """Return a section as Markdown."""
    return "\n".join((f"## {text(one.title)}", "", *_all(one.blocks), ""))


def text(value: object) -> str:
    """Return text of others on one line, escaped so that Markdown shows it as it is."""
    one_line = " ".join(words.cut(str(value)).split())
    escaped = re.sub(r"([\\`*\[\]|~$]|(?<!\w)_|_(?!\w))", r"\\\1", one_line.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _top(d: Document) -> Iterator[str]:
    yield from (f"# {text(d.name)}", "")
    yield from (text(d.subtitle), "")
    yield from (f"**{d.headline.lead}** {text(d.headline.sentence)}", "")
    yield from (text(d.headline.explanation), "")
    yield from (*(f"- {text(remark)}" for remark in d.headline.remarks), "")
    for warning in d.warnings:
        yield from (f"> **Note:** {text(warning)}", "")


def _all(parts: Iterable[blocks.Block]) -> Iterator[str]:
    for block in parts:
        yield from (*_LINES[type(block)](block), "")


def _text(one: blocks.Text) -> Iterator[str]:
    if one.style == "command":
        yield from ("```sh", words.cut(one.text), "```")
    else:
        yield f"{'### ' if one.style == 'heading' else ''}{_inline(one)}"


def _inline(one: blocks.Text) -> str:
    lead = f"**{text(one.lead)}** " if one.lead else ""
    quoted = f" {'; '.join(map(text, one.quoted))}" if one.quoted else ""
    return f"{lead}{text(one.text)}{quoted}"


def _table(one: blocks.Table) -> Iterator[str]:
    grouped = (f"{group}: {name}" for group in one.groups for name in one.under)
    heads = map(text, (*(column.value for column in one.columns), *grouped))
    rows = ([text(cell.value) for cell in line.cells] for line in one.lines)
    yield from (text(one.caption), "", *_grid(tuple(heads), rows))


def _facts(one: blocks.Facts) -> Iterator[str]:
    values = ((text(key), text(words.plain(value))) for key, value in one.values.items())
    return _grid((text(one.caption), "Value"), values)


def _grid(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    for line in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(line)} |"


def _example(one: Case) -> Iterator[str]:
    answers = "; ".join(_answer(role, answer) for role, answer in one.answers.items())
    yield f"- **Row {one.row}**, {one.side}; expected: {text(one.expected)}; {answers}"
    yield f"  > {text(one.input)}"


def _answer(role: str, one: Answer) -> str:
    said, tag, wrote = map(text, one.parts)
    remark = f" {tag} {wrote}" if wrote else f", {tag}" if tag else ""
    return f"{role}: {said}{remark} ({'right' if one.right else 'wrong'})"


_LINES: dict[type, Callable[[Any], Iterable[str]]] = {
    blocks.Text: _text,
    blocks.Bullets: lambda one: (f"- {_inline(line)}" for line in one.lines),
    blocks.Table: _table,
    blocks.Facts: _facts,
    blocks.Figure: lambda _: (),
    blocks.Group: lambda one: (line for item in one.items for line in _all(item)),
    blocks.Examples: lambda one: (line for case in one.cases for line in _example(case)),
}
"""The lines of each kind of block."""
