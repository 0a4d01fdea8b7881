"""The parts of a report: small values that HTML and Markdown render alike.

Texts are plain: each renderer escapes them, and cuts those that are too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tunesmith.report.cases import Case


class Text(NamedTuple):
    """A paragraph: words in bold, a text, then quoted texts of others."""

    text: str
    lead: str = ""
    style: Literal["lede", "muted", "heading", "command"] = "lede"
    quoted: tuple[str, ...] = ()


class Bullets(NamedTuple):
    """A list of short lines."""

    lines: tuple[Text, ...]


class Cell(NamedTuple):
    """A cell of a table, or the head of a column; ``style`` holds CSS classes."""

    value: object
    style: str = ""
    aside: str = ""
    """For screen readers, which do not see the color."""
    share: int | None = None
    """Of the row, in percent: it shades the cell."""


class Line(NamedTuple):
    """A row of a table; its first cell is its head."""

    cells: tuple[Cell, ...]
    style: str = ""


class Table(NamedTuple):
    """A table with a row of heads; ``name`` is for screen readers."""

    name: str
    caption: str
    columns: tuple[Cell, ...]
    lines: tuple[Line, ...]
    groups: tuple[str, ...] = ()
    """Heads over further columns; each has the columns ``under``."""
    under: tuple[str, ...] = ()
    style: str = ""


class Facts(NamedTuple):
    """Names with values; ``quoted`` if these are texts of others, whose line breaks count."""

    caption: str
    values: Mapping[str, Any]
    quoted: bool = False


class Figure(NamedTuple):
    """A chart, on a page only: ``draw`` makes the SVG of ``what`` for a width."""

    draw: Callable[..., str]
    what: Any
    caption: str


class Group(NamedTuple):
    """Items that consist of blocks: a list, or side by side from a least width on (CSS)."""

    items: tuple[tuple[Block, ...], ...]
    least: str = ""


class Examples(NamedTuple):
    """Rows of the data to read, with their answers."""

    cases: tuple[Case, ...]


Block = Text | Bullets | Table | Facts | Figure | Group | Examples


class Section(NamedTuple):
    """A section of a report; ``link`` is its name in the navigation, empty if it has none."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    link: str = ""


def line(*values: object, style: str = "") -> Line:
    """Return a row of a table; a value that is no cell yet becomes one."""
    return Line(tuple(v if isinstance(v, Cell) else Cell(v) for v in values), style)


def table(
    name: str, caption: str, heads: Iterable[object], rows: Iterable[Sequence[object]], **more: Any
) -> Table:
    """Return a table of rows that are lines already, or values."""
    lines = tuple(row if isinstance(row, Line) else line(*row) for row in rows)
    return Table(name, caption, line(*heads).cells, lines, **more)
