"""Convert public data sets, as they are published, to rows that an experiment reads.

White space at the ends of a text or a label is dropped; nothing else is changed.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping

from tunesmith.errors import DatasetError
from tunesmith.records import Row

Published = Mapping[str, str]
"""The text of each published file, by its name here."""
Ready = dict[str, list[Row]]
"""Rows by the name of the file that they go into."""
Converter = Callable[[Published], Ready]

SENTIMENT = {"0": "negative", "1": "positive"}
TEST_SHARE = 5
"""One text in this many is a test row, if a data set has no split."""


def sst2(published: Published) -> Ready:
    """Return the rows of SST-2, published as ``text TAB 0|1``, with the labels as words.

    Raises:
        DatasetError: a line is not of that shape.
    """
    ready: Ready = {}
    for name, content in published.items():
        rows = ready[name.replace(".tsv", ".jsonl")] = []
        for where, (text, label) in _tab_lines(name, content):
            if label not in SENTIMENT:
                raise DatasetError(f"{where}: {label!r} is not one of {', '.join(SENTIMENT)}")
            rows.append(Row(input=text, output=SENTIMENT[label]))
    return ready


def banking77(published: Published) -> Ready:
    """Return the rows of banking77, published as CSV with the columns text and category.

    Raises:
        DatasetError: a column is missing.
    """
    ready = {}
    for name, content in published.items():
        reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
        if list(reader.fieldnames or ()) != ["text", "category"]:
            raise DatasetError(f"{name}: expected the columns text and category")
        ready[name.replace(".csv", ".jsonl")] = [
            Row(input=record["text"].strip(), output=record["category"].strip())
            for record in reader
        ]
    return ready


def sms_spam(published: Published) -> Ready:
    """Return the rows of the SMS Spam Collection, published as ``label TAB text``, split in two.

    It has no split: a fifth of the texts are test rows, chosen by :func:`is_test`.

    Raises:
        DatasetError: a line is not of that shape.
    """
    (name, content), = published.items()  # fmt: skip
    header, *lines = _tab_lines(name, content)
    if header[1] != ("Label", "SMS"):
        raise DatasetError(f"{name}: expected the columns Label and SMS, found {header[1]}")
    rows = [Row(input=text, output=label) for _, (label, text) in lines]
    return {
        "sms_spam_train.jsonl": [row for row in rows if not is_test(row.input)],
        "sms_spam_test.jsonl": [row for row in rows if is_test(row.input)],
    }


def is_test(text: str) -> bool:
    """Return whether a text of a data set without a split is a test row.

    It is one if the SHA-256 of the text in lower case, with single spaces, is divisible by five.
    The split is the same on every machine, and copies of a text are never in both parts.
    """
    plain = " ".join(text.lower().split())
    return int(hashlib.sha256(plain.encode()).hexdigest(), 16) % TEST_SHARE == 0


def _tab_lines(name: str, content: str) -> Iterator[tuple[str, tuple[str, str]]]:
    # A quotation mark is a character of the text here: these files are not CSV.
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells):
            raise DatasetError(f"{name}, line {number}: expected two columns, found {len(cells)}")
        yield f"{name}, line {number}", (cells[0], cells[1])
