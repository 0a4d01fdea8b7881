"""Whatever a file holds: its rows are read as they were written, or refused with a remedy.

What tunesmith writes (rows, answers, experiments) is read back equal.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_counts import count, examples
from property_experiments import PlainLabels, experiments, plain_labels
from property_files import File, files, pairs_of
from property_refusals import assert_it_helps, attempted
from property_scores import assert_scores
from property_texts import HALF, label_sets, texts

from tunesmith import Experiment, load_dataset
from tunesmith.audit import audit_data
from tunesmith.cli.answers import AnswersFile, FullRows
from tunesmith.cli.init import Asked, experiment_text
from tunesmith.dataset import Dataset, DataSpec, dataset_of, parse_rows
from tunesmith.dataset.files import read_table
from tunesmith.dataset.reading import Fields, rows_of, streamed_rows
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.metrics import evaluate
from tunesmith.experiment_file import parse_overrides
from tunesmith.labels import LabelSet
from tunesmith.records import Prediction
from tunesmith.runs.run import read_predictions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples, which write over each other's files."""
    return tmp_path_factory.mktemp("files")


@examples(few=100, many=40_000)
@given(file=files())
def test_a_file_is_read_as_it_was_written_or_refused(folder: Path, part: int, file: File) -> None:
    path = folder / file.name
    path.write_bytes(file.content)
    data = attempted(load_dataset, str(path), **file.fields)
    if isinstance(data, TunesmithError):
        assert not (file.acceptable and file.clear), data
        assert_it_helps(str(data), str(path))
        count("files", "refused")
        return
    assert file.acceptable
    assert [(row.input, row.output) for row in data.rows] == file.rows
    assert_audited(data)
    kept = DataSpec(train=data).saved_in(folder)
    assert kept.read(kept.train).rows == data.rows
    count("files", "accepted")


def assert_audited(data: Dataset) -> None:
    """Count what the audit counts, another way."""
    part = (found := audit_data(data)).train
    assert part.labels == Counter(row.output for row in data.rows)
    assert (part.rows, part.unlabelled) == (len(data), 0)
    lengths = [len(text) for text in data.inputs]
    assert (part.characters.minimum, part.characters.maximum) == (min(lengths), max(lengths))
    normal = [" ".join(unicodedata.normalize("NFC", text).split()) for text in data.inputs]
    if not (part.frame.prefix or part.frame.suffix):
        assert found.duplicate_train_rows == len(normal) - len(set(normal))
        outputs = {(text, row.output) for text, row in zip(normal, data.rows, strict=True)}
        again = Counter(text for text, _ in outputs)
        assert found.label_conflicts == sum(number > 1 for number in again.values())
    for one in found.findings:
        assert one.message.isprintable(), one.message


_QUESTION = {"role": "user", "content": "x"}
_ANSWER = {"role": "assistant", "content": "y"}
_records = (
    {"input": "a", "output": "b"}, {"input": "a"}, {"input": {"a": 1}, "output": []},
    {"messages": []}, {"messages": [_QUESTION, _ANSWER]}, {"messages": [_QUESTION]},
    {"messages": [{"role": ["user"]}]},
)  # fmt: skip
_fragments = st.sampled_from((
    *map(json.dumps, _records), "input", "output", "text,label", "a,b\n", '"', '""', ",", ";", "\t",
    "|", "\n", "\r", "\r\n", "\n\n", " ", "x", "sep=", "sep=;\n", "sep=\r\n", "[", "]", "{", "}",
    "[[",
    ":", "null", "NaN", "1e999", "-1", "0.5", "true", "\ufeff", "\x00", "\u2028", "9" * 5000,
    "[" * 2000, "\\ud800", '{"input": "a", "output": 1e400}',
))  # fmt: skip


@examples(few=100, many=20_000)
@given(
    suffix=st.sampled_from((".json", ".jsonl", ".csv", ".tsv", ".parquet")),
    text=st.lists(_fragments, max_size=12).map("".join),
    content=st.none() | st.binary(max_size=20),
    labelled=st.sampled_from((True, False, None)),
)
def test_a_broken_file_gives_rows_or_a_refusal(
    folder: Path, part: int, suffix: str, text: str, content: bytes | None, labelled: bool | None
) -> None:
    path = folder / f"broken{suffix}"
    path.write_bytes(text.encode() if content is None else content)
    data = attempted(load_dataset, str(path), labelled=labelled)
    if isinstance(data, TunesmithError):
        assert_it_helps(str(data), str(path))
        count("broken files", "refused")
        return
    assert all(row.input.strip() for row in data.rows)
    assert_rows_survive(data, folder)
    count("broken files", "accepted")


def assert_rows_survive(data: Dataset, folder: Path) -> None:
    kept = DataSpec(train=data).saved_in(folder)
    assert kept.read(kept.train, labelled=None).rows == data.rows


@examples(few=50, many=10_000)
@given(
    pairs=label_sets.flatmap(pairs_of),
    kind=st.sampled_from(("mappings", "pairs", "lists", "columns", "pandas", "arrow")),
)
def test_rows_in_memory_are_those_given(part: int, pairs: list[tuple[str, str]], kind: str) -> None:
    file = File("rows", b"", pairs, {})
    try:
        given_rows = _in_memory(pairs, kind)
    except UnicodeEncodeError:
        count("rows in memory", "not possible")  # pyarrow takes no halves of characters
        return
    data = attempted(dataset_of, given_rows, input_field="input", output_field="output")
    if isinstance(data, TunesmithError):
        assert not file.acceptable, data
        assert_it_helps(str(data), "rows (")
        count("rows in memory", "refused")
        return
    assert [(row.input, row.output) for row in data.rows] == file.rows
    count("rows in memory", "accepted")


def _in_memory(pairs: list[tuple[str, str]], kind: str) -> Any:
    inputs, outputs = [text for text, _ in pairs], [label for _, label in pairs]
    if kind == "mappings":
        return [{"input": text, "output": label} for text, label in pairs]
    if kind == "pairs":
        return pairs
    if kind == "lists":
        return inputs, outputs
    columns = {"input": inputs, "output": outputs}
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame(columns, dtype=object)
    if kind == "arrow":
        import pyarrow as pa

        return pa.table(columns)
    return columns


@examples(few=50, many=5_000)
@given(given_texts=st.lists(texts, min_size=1, max_size=8))
def test_lines_of_stdin_are_texts(part: int, given_texts: list[str]) -> None:
    lines = [text.replace("\n", " ").rstrip("\r") for text in given_texts]
    text = "\n".join(lines)
    data = attempted(parse_rows, text, "stdin")
    if isinstance(data, TunesmithError):
        assert text.lstrip()[0] in "[{", data
        assert_it_helps(str(data), "stdin")
        count("stdin", "refused")
        return
    if text.lstrip()[0] not in "[{":
        assert data.inputs == lines
    count("stdin", "accepted")


@st.composite
def answered(draw: Any) -> tuple[File, list[str], list[str | None], list[str], int]:
    """Draw a file, its labels, an answer and a written text for each row, and a number of rows."""
    file = draw(files().filter(lambda one: one.acceptable and one.clear))
    names = list(dict.fromkeys(label for _, label in file.rows))
    given_labels = [draw(st.sampled_from((*names, None))) for _ in file.pairs]
    written = [draw(texts) if one is None else one for one in given_labels]
    return file, names, given_labels, written, draw(st.integers(0, len(file.pairs)))


@examples(few=50, many=15_000)
@given(given_answers=answered(), suffix=st.sampled_from((".jsonl", ".json", ".csv", ".tsv")))
def test_answers_are_read_as_they_were_written(
    folder: Path, part: int, given_answers: tuple[Any, ...], suffix: str
) -> None:
    file, names, given_labels, written, stopped = given_answers
    source, output = folder / file.name, folder / f"answers{suffix}"
    for old in folder.glob("answers*"):  # of an example that failed
        old.unlink()
    source.write_bytes(file.content)
    fields = Fields(*file.fields.values())
    streamed = streamed_rows(read_table(str(source)), fields, None, True)
    streamed.check()
    rows = attempted(FullRows, streamed)
    if isinstance(rows, TunesmithError):
        assert HALF in file.content.decode("unicode_escape", "surrogatepass")
        assert_it_helps(str(rows), str(source), "'more'")
        count("answers", "refused")
        return
    answers = [
        _prediction(number, row.input, row.output, label, text, names).model_copy(
            update={"columns": others}
        )
        for number, ((row, _, others), label, text) in enumerate(
            zip(rows, given_labels, written, strict=True)
        )
    ]
    first = AnswersFile(output, str(source), "key")
    with first.open() as keep:
        keep(answers[:stopped])
    second = AnswersFile(output, str(source), "key")
    assert second.kept(rows) == stopped
    with second.open() as keep:
        keep(answers[stopped:])
    second.write(second.answers(), rows)
    assert not second.partial.exists()
    _assert_read_back(output, answers, rows_of(read_table(str(source)), fields, None, True))
    count("answers", f"read back from {suffix}")


def _prediction(
    row: int, text: str, expected: str | None, label: str | None, written: str, names: list[str]
) -> Prediction:
    even = {name: 1 / len(names) for name in names}
    return Prediction(
        row=row, model="tuned", input=text, prompt=f"Text: {text}", text=written, label=label,
        expected=expected, probabilities=even,
    )  # fmt: skip


def _assert_read_back(output: Path, answers: list[Prediction], data: Dataset) -> None:
    if output.suffix == ".jsonl":
        assert read_predictions(output) == answers
    elif output.suffix == ".json":
        values = json.loads(output.read_text(encoding="utf-8"))
        assert [Prediction.model_validate(value) for value in values] == answers
    else:
        text_column, label_column = data.columns
        back = load_dataset(str(output), input_field=text_column, output_field=label_column)
        assert back.rows == data.rows
        records = [record for _, record in read_table(str(output)).records]
        assert [r["prediction"] for r in records] == [one.label or "" for one in answers]
        assert [r["written"] for r in records] == [one.text for one in answers]


@examples(few=50, many=10_000)
@given(
    names=label_sets.map(lambda names: [name.strip() for name in names]),
    places=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40),
)
def test_scores_are_right(part: int, names: list[str], places: list[tuple[int, int]]) -> None:
    found = [
        _prediction(n, "x", names[a % len(names)], [*names, None][b % (len(names) + 1)], "y", names)
        for n, (a, b) in enumerate(places)
    ]
    assert_scores(evaluate(found, LabelSet.model_validate(names)), found, names)
    count("scores", "right")


@examples(few=50, many=10_000)
@given(spec=experiments())
def test_an_experiment_file_of_init_says_what_was_given(folder: Path, part: int, spec: Any) -> None:
    target = folder / f"{spec.stem}.yaml"
    text = experiment_text(spec.data, target, spec.labels, Asked(spec.choice), rows=100)
    target.write_text(text, encoding="utf-8")
    read = attempted(Experiment.from_file, target)
    if isinstance(read, TunesmithError):
        assert not spec.acceptable, read
        assert_it_helps(str(read), str(target))
        count("experiment files", "refused")
        return
    assert read.name == target.stem
    assert list(read.labels) == spec.labels
    assert (read.data.input_field, read.data.output_field) == (
        spec.data.input_field, spec.data.output_field
    )  # fmt: skip
    for word, label in zip(spec.words, spec.labels, strict=True):
        assert read.labels.surface(label) == word
    again = Experiment.from_record(json.loads(json.dumps(read.model_dump(mode="json"))))
    assert again == read
    count("experiment files", "read back")


@examples(few=50, many=10_000)
@given(given_labels=plain_labels())
def test_labels_in_yaml_are_the_text_that_is_there_or_refused(
    folder: Path, part: int, given_labels: PlainLabels
) -> None:
    target = folder / "by-hand.yaml"
    target.write_text(given_labels.experiment, encoding="utf-8")
    read = attempted(Experiment.from_file, target)
    if isinstance(read, TunesmithError):
        assert_it_helps(str(read), str(target))
        count("labels in YAML", "refused")
        return
    assert list(read.labels) == given_labels.names
    override = parse_overrides([f"labels={given_labels.flow}"])
    assert LabelSet.model_validate(override["labels"]) == read.labels
    count("labels in YAML", "accepted")
