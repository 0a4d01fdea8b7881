"""The columns of text and label are found by name and content, said, or asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith import load_dataset
from tunesmith.dataset import Dataset
from tunesmith.errors import DatasetError

FIELDS = {"text": "input_field", "label": "output_field"}
TEXTS = ("what a fine day it is", "no I do not like it", "it could be better", "all is very well")


def table(folder: Path, **columns: Sequence[Any]) -> str:
    names, rows = list(columns), zip(*columns.values(), strict=True)
    path = folder / "a.json"
    path.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    return str(path)


def first(data: Dataset) -> tuple[str, str | None]:
    return data.rows[0].input, data.rows[0].output


@pytest.mark.parametrize("text", ["text", "Sentence", "SMS", "review", "message", "prompt"])
@pytest.mark.parametrize("label", ["label", "Category", "intent", "class", "completion"])
def test_columns_are_found_by_the_names_that_people_give(
    tmp_path: Path, text: str, label: str
) -> None:
    source = table(tmp_path, id=range(4), **{label: list("abab"), text: TEXTS})
    data = load_dataset(source)
    assert first(data) == (TEXTS[0], "a")
    assert data.notes == (f"{source}: the text is column {text!r}, the label is column {label!r}",)


def test_columns_of_other_names_are_found_by_their_content(tmp_path: Path) -> None:
    source = table(tmp_path, key=list("wxyz"), q=TEXTS, verdict=list("abab"), score=[0.1] * 4)
    assert first(load_dataset(source)) == (TEXTS[0], "a")


def test_input_and_output_need_no_word(tmp_path: Path) -> None:
    assert load_dataset(table(tmp_path, output=list("abab"), input=TEXTS, text=TEXTS)).notes == ()


def test_of_a_label_and_its_number_the_word_is_taken(tmp_path: Path) -> None:
    source = table(tmp_path, text=TEXTS, label=[0, 1, 0, 1], label_text=["no", "yes"] * 2)
    assert first(load_dataset(source)) == (TEXTS[0], "no")


@pytest.mark.parametrize(
    ("columns", "names", "what"),
    [
        ({"text": TEXTS, "comment": TEXTS, "label": list("abab")}, "'text' and 'comment'", "text"),
        (
            {"text": TEXTS, "label": list("abab"), "topic": list("ccdd")},
            "'label' and 'topic'",
            "label",
        ),
        ({"q": TEXTS, "r": TEXTS, "label": list("abab")}, "'q' and 'r'", "text"),
        ({"text": TEXTS, "a": list("abab"), "b": list("ccdd")}, "'a' and 'b'", "label"),
    ],
)
def test_columns_that_could_both_be_it_are_named(
    tmp_path: Path, columns: dict[str, Sequence[Any]], names: str, what: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        load_dataset(table(tmp_path, **columns))
    assert f"the columns {names} could be the {what}" in str(caught.value)
    assert f"Name the column: data.{FIELDS[what]} of the experiment" in str(caught.value)


def test_a_named_column_is_not_questioned(tmp_path: Path) -> None:
    source = table(tmp_path, text=TEXTS, label=list("abab"), topic=list("ccdd"))
    assert first(load_dataset(source, output_field="topic")) == (TEXTS[0], "c")


def test_rows_without_labels_need_only_the_text(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path, id=range(4), q=TEXTS), labelled=False)
    assert data.inputs == list(TEXTS)
