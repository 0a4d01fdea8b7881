"""Files as people have them: delimiters, headers, class names, repeated names, odd characters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith import load_dataset
from tunesmith.dataset import parse_rows
from tunesmith.errors import DatasetError
from tunesmith.records import Row

ROWS = (Row(input="fine, thanks", output="good"), Row(input="oh no", output="bad"))
PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "public"


def write(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_bytes(content.encode())
    return str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.CSV", 'input,output\n"fine, thanks",good\noh no,bad\n'),
        ("a.csv", "input;output\nfine, thanks;good\noh no;bad\n"),
        ("a.csv", "sep=;\ninput;output\nfine, thanks;good\noh no;bad\n"),
        ("a.csv", "\ufeffinput\toutput\r\nfine, thanks\tgood\r\noh no\tbad\r\n"),
        ("a.csv", "input|output\nfine, thanks|good\noh no|bad\n"),
        ("a.tsv", "input\toutput\nfine, thanks\tgood\noh no\tbad\n"),
        ("a.tsv", 'input\toutput\n"fine, thanks"\tgood\n\noh no\tbad'),
        (
            "a.ndjson",
            '{"input": "fine, thanks", "output": "good"}\n{"input":"oh no","output":"bad"}',
        ),
    ],
)
def test_a_table_is_read_whatever_separates_it(tmp_path: Path, name: str, content: str) -> None:
    assert load_dataset(write(tmp_path, name, content)).rows == ROWS


def test_a_delimiter_other_than_a_comma_is_said(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.csv", "input;output\na;x\nb;y\n"))
    assert [note.partition(": ")[2] for note in data.notes] == ["semicolons separate the columns"]


def test_quotation_marks_in_tsv_are_text_if_every_line_has_all_columns(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.tsv", 'input\toutput\n"hi" he said\tx\nb "c\ty\n'))
    assert data.inputs == ['"hi" he said', 'b "c']


def test_a_quoted_tsv_cell_may_hold_a_line_end(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.tsv", 'input\toutput\n"two\nlines"\tx\nb\ty\n'))
    assert data.inputs == ["two\nlines", "b"]


def test_a_first_line_whose_label_other_rows_have_is_a_row(tmp_path: Path) -> None:
    content = "what a film\t1\nso dull\t0\nlovely\t1\nawful\t0\nbrilliant\t1\n"
    data = load_dataset(write(tmp_path, "a.tsv", content))
    assert (len(data), data.rows[0]) == (5, Row(input="what a film", output="1"))
    assert (
        "no header; the first line is read as a row, and the columns are called 'column 1'"
        in data.notes[0]
    )


def test_a_cell_has_any_length(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.csv", f"input,output\n{'x' * 200_000},a\nb,b\n"))
    assert len(data.inputs[0]) == 200_000


def test_an_error_names_the_line_on_which_the_record_starts(tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", 'input,output\n"one\ntwo\nthree",a\n"four\nfive"\n')
    with pytest.raises(
        DatasetError, match=r"a\.csv, line 5: the number of columns is 1, in the first line 2"
    ):
        load_dataset(source)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="columns 2 and 3 are both named 'output'"):
        load_dataset(write(tmp_path, "a.csv", "input,output,output\na,b,c\n"))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, name: str) -> None:
    row = '{"input": "a", "output": "x", "output": "y"}'
    with pytest.raises(DatasetError, match="the key 'output' twice, with 'x' and 'y'; keep one"):
        load_dataset(write(tmp_path, name, f"[{row}]" if name == "a.json" else row))


@pytest.mark.parametrize("field", ["input", "output"])
def test_half_of_a_character_is_refused(tmp_path: Path, field: str) -> None:
    row = json.dumps([{"input": "a", "output": "b", field: "good \ud83d"}])
    with pytest.raises(
        DatasetError, match=rf"row 0, field '{field}': character 5, .* is half of an emoji"
    ):
        load_dataset(write(tmp_path, "a.json", row))


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x1c"])
def test_characters_that_python_calls_line_ends_are_text(tmp_path: Path, separator: str) -> None:
    text = f"one{separator}two"
    lines = json.dumps({"input": text, "output": "a"}, ensure_ascii=False) + "\n"
    assert load_dataset(write(tmp_path, "a.jsonl", lines)).inputs == [text]
    assert parse_rows(f"{text}\nthree\n", "stdin").inputs == [text, "three"]


def test_a_plain_line_may_start_with_a_bracket() -> None:
    assert parse_rows("[tag] great\n", "stdin").inputs == ["[tag] great"]


def test_white_space_at_the_ends_of_a_label_is_removed_and_said(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.csv", "input,output\na,good \nb, bad\nc,good\n"))
    assert [row.output for row in data.rows] == ["good", "bad", "good"]
    assert (
        "white space at the ends of labels was removed in 2 rows: 'line 2', 'line 3'"
        in (data.notes[0])
    )


@pytest.mark.parametrize("value", [1.5, ["a"], True])
def test_a_label_is_text_or_a_whole_number(tmp_path: Path, value: object) -> None:
    source = write(tmp_path, "a.json", json.dumps([{"input": "a", "output": value}]))
    with pytest.raises(DatasetError, match=r"row 0, field 'output': .* is not a label; it must be"):
        load_dataset(source)


def test_numbers_and_texts_as_labels_of_one_file_are_refused(tmp_path: Path) -> None:
    rows = [{"input": "a", "output": 1}, {"input": "b", "output": "1"}]
    with pytest.raises(DatasetError, match=r"row 1, field 'output': '1' is text, and 1 .*row 0"):
        load_dataset(write(tmp_path, "a.json", json.dumps(rows)))


def test_parquet_keeps_the_names_of_classes(tmp_path: Path) -> None:
    from datasets import ClassLabel, Features, Value
    from datasets import Dataset as HuggingFace

    features = Features({"input": Value("string"), "output": ClassLabel(names=["bad", "good"])})
    table = HuggingFace.from_dict(
        {"input": ["fine, thanks", "oh no"], "output": [1, 0]}, features=features
    )
    path = tmp_path / "a.parquet"
    table.to_parquet(str(path))
    assert load_dataset(str(path)).rows == ROWS


@pytest.mark.parametrize(
    ("file", "rows", "labels"),
    [
        ("sst2_train.tsv", 6920, 2),
        ("banking77_train.csv", 10003, 77),
        ("sms_spam.tsv", 5574, 2),
    ],
)
def test_public_files_are_read_as_they_are_published(file: str, rows: int, labels: int) -> None:
    if not (PUBLIC / file).is_file():
        pytest.skip(f"{file} is not on this machine")
    data = load_dataset(str(PUBLIC / file))
    assert (len(data), len({row.output for row in data.rows})) == (rows, labels)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_header_with_usual_names_is_one_even_if_rows_have_them(tmp_path: Path, name: str) -> None:
    table = "input\toutput\none\toutput\ntwo\toutput\ninput\tother\n"
    data = load_dataset(write(tmp_path, name, table))
    assert [row.output for row in data.rows] == ["output", "output", "other"]


def test_a_tsv_file_with_two_readings_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, "a.tsv", 'input\toutput\n"a\tb\nc"\tx\nd\ty\n')
    with pytest.raises(DatasetError, match=r"a\.tsv, line 2: .* this is one row or several"):
        load_dataset(source)


def test_a_mark_that_no_cell_closes_is_text(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path, "a.tsv", 'input\toutput\n"a b\tx\nc "d" e\ty\n'))
    assert data.inputs == ['"a b', 'c "d" e']


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "sep=;\n", "no columns below the first line. Write rows into the file"),
        ("a.csv", "sep=\r\n1,2\n", "line 2: the number of columns is 2, in the first line 1"),
        ("a.json", "[" * 2000, "too many brackets inside each other"),
        ("a.jsonl", '{"output": ' + "9" * 5000 + "}", "line 1: a number has 5000 digits; write it"),
        ("a.jsonl", '{"a": 1', "line 1: not JSON: .* Write one object on one line"),
        ("a.jsonl", "null", "line 1: expected an object .* Correct the row, or remove it"),
        ("a.json", '[{"input": "a", "output": ""}]', "is not a label; .* Correct the row"),
        ("a.parquet", "no", "cannot be read as parquet: .* save the rows as .jsonl"),
    ],
)
def test_a_broken_file_is_refused_with_a_remedy(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        load_dataset(write(tmp_path, name, content))


def test_a_message_does_not_repeat_long_names(tmp_path: Path) -> None:
    names = json.dumps([{"x" * 5000: "a", "y" * 5000: "b"}])
    with pytest.raises(DatasetError) as caught:
        load_dataset(write(tmp_path, "a.json", names), input_field="text")
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_a_message_about_a_cell_cuts_the_long_name_of_its_column(tmp_path: Path) -> None:
    rows = json.dumps([{"x" * 5000: "", "output": "b"}])
    with pytest.raises(DatasetError, match="must be text that is not empty") as caught:
        load_dataset(write(tmp_path, "a.json", rows), input_field="x" * 5000)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_labels_of_many_digits_are_sorted_as_texts(tmp_path: Path) -> None:
    rows = [{"input": "a", "output": "9" * 5000}, {"input": "b", "output": "10"}]
    assert load_dataset(write(tmp_path, "a.json", json.dumps(rows))).outputs == ["10", "9" * 5000]
