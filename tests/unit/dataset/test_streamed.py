"""Rows are read from their source whenever they are needed, and none is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.dataset import files, load_dataset
from tunesmith.dataset.files import read_table
from tunesmith.dataset.reading import Fields, streamed_rows
from tunesmith.dataset.rows import Reread, Table
from tunesmith.dataset.stored import stored_rows
from tunesmith.dataset.streamed import StreamedRows
from tunesmith.errors import DatasetError

LINES = "".join(f'{{"input": "text {n}", "output": "{"ab"[n % 2]}"}}\n' for n in range(3000))


def test_a_row_is_read_when_it_is_asked_for() -> None:
    read: list[int] = []

    def records() -> Iterator[tuple[str, Any]]:
        for number in range(1000):
            read.append(number)
            yield f"rows, row {number}", {"input": f"text {number}", "output": "a"}

    rows = streamed_rows(Table("rows", Reread(records)), Fields(), None, True)
    rows.check()
    assert len(rows) == 1000
    for _ in range(2):
        read.clear()
        assert next(iter(rows)).input == "text 0"
        assert read == [0]


@pytest.mark.parametrize(
    ("name", "header"),
    [("a.csv", "id;text;label\n"), ("a.tsv", "id\ttext\tlabel\n"), ("a.csv", "")],
)
def test_a_table_is_read_again_from_its_beginning(tmp_path: Path, name: str, header: str) -> None:
    mark = "\t" if name == "a.tsv" else ";"
    lines = (f"{n}{mark}words of text {n}{mark}{'xy'[n % 2]}\n" for n in range(50))
    (tmp_path / name).write_text(header + "".join(lines))
    rows = streamed_rows(read_table(str(tmp_path / name)), Fields(), None, True)
    rows.check()
    assert [*rows] == [*rows] == [*load_dataset(str(tmp_path / name)).rows]
    assert len(rows) == 50


def streamed(path: Path) -> StreamedRows:
    return streamed_rows(read_table(str(path)), Fields(), None, True)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", LINES.encode()[:-20], "line 3000: not JSON"),
        ("a.csv", b'input,output\na,x\nb,y\n"c', "line 4: not CSV"),
        ("a.jsonl", LINES.encode()[:-5] + "é".encode()[:1], r"not UTF-8 text: .* at byte 1\d{5}"),
        ("a.parquet", None, "cannot be read as parquet: .* Check that the file is whole"),
    ],
    ids=["json lines", "csv", "in the middle of a character", "parquet"],
)
def test_a_file_that_is_cut_is_refused_at_the_place(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(parquet(tmp_path).read_bytes()[:-30] if content is None else content)
    with pytest.raises(DatasetError, match=reason):
        streamed(path).check()


def test_the_byte_that_is_wrong_is_that_of_the_file(tmp_path: Path) -> None:
    content = LINES.encode()
    (tmp_path / "a.jsonl").write_bytes(content + b'{"input": "\xff"}\n')
    with pytest.raises(DatasetError, match=f"at byte {len(content) + 11}"):
        streamed(tmp_path / "a.jsonl").check()


def test_a_wrong_row_in_the_middle_is_named(tmp_path: Path) -> None:
    lines = LINES.splitlines(keepends=True)
    lines[1500] = '{"input": "", "output": "a"}\n'
    (tmp_path / "a.jsonl").write_text("".join(lines))
    with pytest.raises(DatasetError, match=r"a\.jsonl, line 1501, field 'input': must be text"):
        streamed(tmp_path / "a.jsonl").check()


def test_what_is_wrong_with_a_whole_column_is_said_before_a_single_row(tmp_path: Path) -> None:
    rows = '{"input": "a", "output": 1.5}\n{"input": "b", "output": "x"}\n'
    (tmp_path / "a.jsonl").write_text(rows)
    with pytest.raises(DatasetError, match="Write all labels as text"):
        streamed(tmp_path / "a.jsonl").check()


def test_rows_that_are_added_after_the_check_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINES)
    rows = streamed(tmp_path / "a.jsonl")
    rows.check()
    (tmp_path / "a.jsonl").write_text(LINES + LINES)
    assert len([*rows]) == len(rows) == 3000
    (tmp_path / "a.jsonl").write_text("".join(LINES.splitlines(keepends=True)[:7]))
    with pytest.raises(DatasetError, match=r"a\.jsonl: 7 rows, and 3000 when it was checked"):
        list(rows)


def parquet(folder: Path) -> Path:
    from datasets import ClassLabel, Features, Value
    from datasets import Dataset as HuggingFace

    features = Features({"input": Value("string"), "output": ClassLabel(names=["bad", "good"])})
    columns = {"input": [f"text {n}" for n in range(7)], "output": [n % 2 for n in range(7)]}
    path = folder / "whole.parquet"
    HuggingFace.from_dict(columns, features=features).to_parquet(str(path))
    return path


def test_parquet_is_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH", 3)
    rows = streamed(parquet(tmp_path))
    rows.check()
    places = [(where.rpartition(", ")[2], row) for where, _, row in rows.with_records()]
    assert [where for where, _ in places] == [f"row {n}" for n in range(7)]
    assert [row.output for _, row in places] == ["bad", "good"] * 3 + ["bad"]
    assert [row.input for _, row in places] == [f"text {n}" for n in range(7)]


@pytest.mark.parametrize("in_memory", [0, 2**20])
def test_stored_rows_are_those_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr("tunesmith.scratch.IN_MEMORY", in_memory)
    rows = 'text,label\n"one, é",a\n"two\nlines",\nthree words here,b\none more,a\nlast,b\n'
    (tmp_path / "a.csv").write_text(rows)
    stored = stored_rows(str(tmp_path / "a.csv"), labelled=None)
    whole = load_dataset(str(tmp_path / "a.csv"), labelled=None)
    assert [*stored.inputs] == stored.inputs[:] == whole.inputs
    assert [*stored.expected] == whole.expected
    assert (len(stored), stored.source, stored.notes) == (5, whole.source, whole.notes)
    assert stored.inputs[-1] == "last"
