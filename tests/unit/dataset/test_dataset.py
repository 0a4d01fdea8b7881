"""Data is read whole or refused with file, row and field."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tunesmith import LabelSet, load_dataset
from tunesmith.dataset import (
    Dataset,
    check_training_rows,
    few_shot_examples,
    parse_rows,
    stratified_split,
)
from tunesmith.errors import DatasetError, PluginError
from tunesmith.records import Row

LABELS = LabelSet.model_validate(["0", "1"])
GOOD = [{"input": "fine", "output": "1"}, {"input": "bad", "output": "0"}]


def write(folder: Path, name: str, content: object) -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def parquet(folder: Path) -> str:
    from datasets import Dataset as ArrowDataset

    path = folder / "d.parquet"
    ArrowDataset.from_list(GOOD).to_parquet(str(path))
    return str(path)


def test_all_formats_read_alike(tmp_path: Path) -> None:
    sources = [
        write(tmp_path, "d.json", GOOD),
        write(tmp_path, "d.jsonl", "\n".join(map(json.dumps, GOOD)) + "\n"),
        write(tmp_path, "d.csv", "input,output\nfine,1\nbad,0\n"),
        parquet(tmp_path),
    ]
    read = [load_dataset(source, labels=LABELS) for source in sources]
    assert all(data.rows == read[0].rows for data in read)
    assert len({data.fingerprint for data in read}) == 1


def test_other_column_names(tmp_path: Path) -> None:
    source = write(tmp_path, "d.json", [{"text": "fine", "label": 1}])
    data = load_dataset(source, input_field="text", output_field="label", labels=LABELS)
    assert data.rows == (Row(input="fine", output="1"),)


@pytest.mark.parametrize(
    ("name", "content", "reasons"),
    [
        ("d.json", "", ["d.json", "empty"]),
        ("d.json", "{oops", ["d.json", "not JSON"]),
        ("d.json", {"input": "x"}, ["d.json", "array"]),
        ("d.json", [], ["d.json", "no rows"]),
        ("d.json", ["text"], ["row 0", "object"]),
        ("d.json", [GOOD[0], {"inputs": "x", "output": "1"}], ["row 1", "'input'", "'inputs'"]),
        ("d.json", [{"input": "x"}], ["row 0", "'output'"]),
        ("d.json", [{"input": " ", "output": "1"}], ["row 0", "'input'", "not empty"]),
        ("d.json", [{"input": 3, "output": "1"}], ["row 0", "'input'"]),
        ("d.json", [{"input": "x", "output": "2"}], ["row 0", "'output'", "'2'", "'0', '1'"]),
        ("d.json", [{"input": "x", "output": None}], ["row 0", "'output'", "None"]),
        ("d.json", [{"input": "x", "output": True}], ["row 0", "'output'", "True"]),
        ("d.jsonl", '{"input": "x", "output": "1"}\n{', ["line 2", "not JSON"]),
        ("d.csv", "input,output\na,b,c\n", ["line 2", "columns"]),
        ("d.csv", "input,output\na\n", ["line 2", "columns"]),
        ("d.txt", "x", ["d.txt", "unknown format", ".jsonl"]),
        ("d.parquet", "x", ["d.parquet", "parquet"]),
    ],
)
def test_errors_of_bad_files_name_file_and_row(
    tmp_path: Path, name: str, content: object, reasons: list[str]
) -> None:
    with pytest.raises(DatasetError) as caught:
        load_dataset(write(tmp_path, name, content), labels=LABELS)
    for reason in reasons:
        assert reason in str(caught.value)


def test_a_form_of_a_label_becomes_its_name(tmp_path: Path) -> None:
    labels = LabelSet.model_validate({"bad": ["0", "negative"], "good": ["1"]})
    rows = [{"input": "a", "output": text} for text in ("negative", "0", " 0 ", "bad", "1")]
    data = load_dataset(write(tmp_path, "d.json", rows), labels=labels)
    assert [row.output for row in data.rows] == ["bad", "bad", "bad", "bad", "good"]


def test_a_missing_file_names_near_misses(tmp_path: Path) -> None:
    write(tmp_path, "train.json", GOOD)
    with pytest.raises(DatasetError, match=r"no such file.*'train\.json'"):
        load_dataset(str(tmp_path / "trian.json"))


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="UTF-8"):
        load_dataset(str(path))


def test_unlabelled_rows_need_no_output(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "d.json", [{"input": "x"}]), labelled=False)
    assert data.rows == (Row(input="x"),)


@pytest.mark.parametrize(
    "text", ['[{"input": "a"}, {"input": "b"}]', '{"input": "a"}\n{"input": "b"}\n', "a\n\nb\n"]
)
def test_standard_input_may_be_json_lines_or_plain_text(text: str) -> None:
    assert parse_rows(text, "-").inputs == ["a", "b"]


def test_one_class_only_is_refused() -> None:
    data = Dataset(source="d.json", rows=(Row(input="a", output="1"), Row(input="b", output="1")))
    with pytest.raises(DatasetError, match=r"d\.json.*'1'.*'0'"):
        check_training_rows(data, LABELS)


def many(rows: int) -> Dataset:
    made = (Row(input=f"row {i // 2}", output=str(i // 2 % 2)) for i in range(rows))
    return Dataset(source="d.json", rows=tuple(made))


def test_the_split_is_stratified_seeded_and_keeps_copies_together() -> None:
    data = many(200)
    train, held = stratified_split(data, 0.2, seed=3)
    assert (train, held) == stratified_split(data, 0.2, seed=3)
    assert held.rows != stratified_split(data, 0.2, seed=4)[1].rows
    assert Counter(r.output for r in held.rows) == {"0": 20, "1": 20}
    assert not {r.input for r in held.rows} & {r.input for r in train.rows}
    assert len(train) + len(held) == len(data)


def test_a_split_without_enough_rows_is_refused() -> None:
    with pytest.raises(DatasetError, match="cannot split"):
        stratified_split(many(4), 0.1, seed=0)


def test_few_shot_examples_are_seeded_and_interleaved() -> None:
    rows = many(40).rows
    drawn = few_shot_examples(rows, LABELS, 2, seed=1)
    assert [row.output for row in drawn] == ["0", "1", "0", "1"]
    assert drawn == few_shot_examples(rows, LABELS, 2, seed=1)
    with pytest.raises(DatasetError, match="99 examples of '0'"):
        few_shot_examples(rows, LABELS, 99, seed=1)


@pytest.mark.parametrize("source", ["d.parquet", "hf:imdb"])
def test_without_datasets_the_error_names_the_extra(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # an import of it fails
    monkeypatch.chdir(tmp_path)
    Path("d.parquet").touch()
    with pytest.raises(PluginError, match=rf"{source}.*pip install 'tunesmith\[datasets\]'"):
        load_dataset(source)
