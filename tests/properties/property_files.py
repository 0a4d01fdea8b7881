"""Data files in every format, written by the tests' own code, with the rows that they mean."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from property_texts import HALF, label_sets, odd_texts, texts

FORMATS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", "chat.jsonl", "semicolons.csv")
DELIMITERS = {".csv": ",", "semicolons.csv": ";", ".tsv": "\t"}
Pair = tuple[str, str]


@dataclass(frozen=True)
class File:
    """A data file."""

    name: str
    content: bytes = field(repr=False)
    pairs: list[Pair]
    """Text and label of each row, as they were written."""
    fields: dict[str, str]
    """The columns of the text and of the label, if they are not ``input`` and ``output``."""

    @property
    def acceptable(self) -> bool:
        """Whether each row has a text and a label that a file can hold."""
        cells = [cell for pair in self.pairs for cell in pair]
        return bool(cells) and all(cell.strip() and HALF not in cell for cell in cells)

    @property
    def clear(self) -> bool:
        """Whether the rows are clear: no cell of a TSV file has a tab and a line end."""
        cells = (cell for pair in self.pairs for cell in pair)
        return not self.name.endswith(".tsv") or not any("\t" in c and "\n" in c for c in cells)

    @property
    def rows(self) -> list[Pair]:
        """The rows that a reader must return."""
        return [(text, label.strip()) for text, label in self.pairs]


@st.composite
def pairs_of(draw: Any, names: list[str], most: int = 12, cells: Any = odd_texts) -> list[Pair]:
    """Draw rows with the labels ``names``; some texts occur again."""
    drawn = draw(st.lists(st.tuples(cells, st.sampled_from(names)), min_size=1, max_size=most))
    copies = draw(st.lists(st.sampled_from(drawn), max_size=3))
    return [*drawn, *copies]


@st.composite
def files(draw: Any) -> File:
    """Draw a file with the columns ``input`` and ``output``, and perhaps others."""
    names = draw(label_sets)
    pairs = draw(pairs_of(names))
    if draw(st.sampled_from((*[False] * 8, True, *[False] * 8))):
        pairs = [*pairs, (draw(texts), draw(st.sampled_from(("", " ", HALF, "\u2028"))))]
    name = draw(st.sampled_from(FORMATS))
    return written(name, pairs, draw)


def written(name: str, pairs: list[Pair], draw: Any) -> File:
    """Write ``pairs`` as a file; ``draw`` chooses between the ways to do it."""
    fields = {"input_field": "input", "output_field": "output"}
    if name in DELIMITERS:
        content = _delimited(pairs, DELIMITERS[name], draw)
    elif name == ".parquet":
        pairs = [(a.replace(HALF, "x"), b.replace(HALF, "x")) for a, b in pairs]
        content = _parquet(pairs, draw)
    elif name == "chat.jsonl":
        system = [{"role": "system", "content": "Sort it."}] if draw(st.booleans()) else []
        turns = [{"messages": [*system, *_turns(pair, draw)]} for pair in pairs]
        content, fields = _lines(turns, draw), {}
    else:
        records = [{"input": text, "output": _value(label, pairs)} for text, label in pairs]
        if draw(st.booleans()):
            records = [{"id": n, **record, "more": draw(_json)} for n, record in enumerate(records)]
        content = _array(records, draw) if name == ".json" else _lines(records, draw)
    given = fields if draw(st.booleans()) else {}
    return File(f"data{'.' if not name.startswith('.') else ''}{name}", content, pairs, given)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(HALF),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def _value(label: str, pairs: list[Pair]) -> str | int:
    """Return a whole number as a number, if all labels are such."""
    whole = all(name == str(_int(name)) for _, name in pairs)
    return int(label) if whole else label


def _int(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else -1


def _array(records: list[Any], draw: Any) -> bytes:
    ascii_only, indent = draw(st.booleans()), draw(st.sampled_from((None, 2)))
    return _encoded(_dumped(records, ascii_only, indent), draw)


def _lines(records: list[Any], draw: Any) -> bytes:
    ascii_only, end = draw(st.booleans()), draw(st.sampled_from(("\n", "\r\n", "\n\n")))
    return _encoded(end.join(_dumped(one, ascii_only) for one in records), draw)


def _dumped(value: Any, ascii_only: bool, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return json.dumps(value, indent=indent) if HALF in text else text


def _turns(pair: Pair, draw: Any) -> list[dict[str, Any]]:
    text, label = pair
    content = [{"type": "text", "text": text}] if draw(st.booleans()) else text
    return [{"role": "user", "content": content}, {"role": "assistant", "content": label}]


def _delimited(pairs: list[Pair], delimiter: str, draw: Any) -> bytes:
    end, always = draw(st.sampled_from(("\n", "\r\n"))), draw(st.booleans())
    more = draw(st.booleans())
    table = [("input", "output", *(["id"] if more else []))]
    table += [(*pair, *([str(n)] if more else [])) for n, pair in enumerate(pairs)]
    lines = (delimiter.join(_cell(cell, delimiter, always) for cell in row) for row in table)
    return _encoded(end.join(lines) + draw(st.sampled_from(("", end))), draw)


def _cell(cell: str, delimiter: str, always: bool) -> str:
    if always or not cell or any(mark in cell for mark in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _encoded(text: str, draw: Any) -> bytes:
    mark = draw(st.sampled_from(("", "", "\ufeff")))
    return (mark + text).encode("utf-8", "surrogatepass")


def _parquet(pairs: list[Pair], draw: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    kind = draw(
        st.sampled_from((pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())))
    )
    columns = {
        "input": [text for text, _ in pairs],
        "output": pa.array([b for _, b in pairs], kind),
    }
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()
