"""Every kind of block is rendered on the page and in Markdown, and no text becomes markup."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from report_records import Page

from tunesmith.report import markdown
from tunesmith.report.blocks import (
    Block,
    Bullets,
    Cell,
    Examples,
    Facts,
    Figure,
    Group,
    Section,
    Table,
    Text,
    table,
)  # fmt: skip
from tunesmith.report.cases import Answer, Case
from tunesmith.report.html import environment

EVIL = "<b>$x</b> | `y`"
CASE = Case(
    row=3, input=f"in {EVIL}", expected="yes",
    answers={"tuned": Answer(text=EVIL, label="no", likeliest="no", probability=0.9, right=False)},
)  # fmt: skip
BLOCKS: dict[type, tuple[Block, str]] = {
    Text: (Text(EVIL, lead="Lead:", quoted=("one", "two")), f"Lead: {EVIL} one; two"),
    Bullets: (Bullets((Text("first"), Text(f"second {EVIL}"))), f"second {EVIL}"),
    Table: (
        table(
            "t", "caption", ("name", Cell("n", "text")), [(EVIL, 7, "0.5")],
            groups=("group",), under=("below",),
        ),
        f"{EVIL} 7 0.5",
    ),
    Facts: (Facts("facts", {"key": EVIL, "flag": True}, quoted=False), f"key {EVIL} flag yes"),
    Figure: (Figure(lambda what, width: f"<svg>{what} {width}</svg>", "drawn", "legend"), "legend"),
    Group: (Group(((Text(f"a {EVIL}"), Text("b", style="muted")), (Text("c"),))), f"a {EVIL} b"),
    Examples: (Examples((CASE,)), f"in {EVIL}"),
}  # fmt: skip


def test_each_kind_of_block_has_a_case_here() -> None:
    assert set(BLOCKS) == set(get_args(Block))


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_a_section_of_one_block(kind: type) -> None:
    block, words = BLOCKS[kind]
    made = Section("new", f"Title {EVIL}", (block,), "New")
    tables: Any = environment().get_template("tables.html").module
    page = Page(str(tables.section(made)))
    assert words in page.text
    assert page.values("id") == ["new", "h-new"]
    assert not {tag for tag, _ in page.tags} & {"b", "script"}
    said = markdown.section(made)
    assert said.startswith(f"## Title {markdown.text(EVIL)}\n")
    assert "<" not in said
    if kind is not Figure:  # a chart is on the page only
        texts = markdown.text(words).split()
        assert all(text in said for text in texts), (texts, said)


def test_rows_to_read_beyond_the_first_are_folded() -> None:
    cases = tuple(CASE.model_copy(update={"row": number}) for number in range(20))
    tables: Any = environment().get_template("tables.html").module
    page = Page(str(tables.section(Section("new", "Title", (Examples(cases),), "New"))))
    first, folded, rest = page.text.partition("12 more rows")
    assert folded
    assert [f"Row {n}:" in first for n in (0, 7, 8)] == [True, True, False]
    assert "Row 19:" in rest
    assert [tag for tag, _ in page.tags].count("details") == 1
