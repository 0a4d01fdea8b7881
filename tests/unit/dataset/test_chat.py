"""Rows in the chat format of OpenAI's fine-tuning files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith import load_dataset
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"


def chats(folder: Path, *rows: list[tuple[str, Any]]) -> str:
    path = folder / "a.jsonl"
    documents = [{"messages": [{"role": r, "content": c} for r, c in row]} for row in rows]
    path.write_text("\n".join(map(json.dumps, documents)))
    return str(path)


def test_the_user_asks_and_the_assistant_answers(tmp_path: Path) -> None:
    first = [(SYSTEM, "Classify."), (USER, "hi"), (ASSISTANT, "good")]
    source = chats(tmp_path, first, [(SYSTEM, "Classify."), (USER, "no"), (ASSISTANT, " bad")])
    data = load_dataset(source)
    assert data.rows == (Row(input="hi", output="good"), Row(input="no", output="bad"))
    assert "the text is the user's message, the label the assistant's answer" in data.notes[0]
    assert "is the same in all rows, and is left out: 'Classify.'" in data.notes[1]


def test_a_system_message_that_differs_is_part_of_the_text(tmp_path: Path) -> None:
    rows = [[(SYSTEM, s), (USER, "hi"), (ASSISTANT, s)] for s in ("a", "b")]
    assert load_dataset(chats(tmp_path, *rows)).inputs == ["a\n\nhi", "b\n\nhi"]


def test_content_in_parts_is_joined(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    source = chats(tmp_path, [(USER, parts), (ASSISTANT, "a")])
    assert load_dataset(source).inputs == ["one two"]


def test_rows_to_predict_need_no_answer(tmp_path: Path) -> None:
    assert load_dataset(chats(tmp_path, [(USER, "hi")]), labelled=False).inputs == ["hi"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([(USER, "hi")], "field 'messages': no answer of the assistant; add one"),
        ([(USER, "hi"), (ASSISTANT, "a"), (ASSISTANT, "b")], "2 answers of the assistant"),
        ([(ASSISTANT, "a")], "no message of the user"),
        ([("tool", "x"), (USER, "hi")], r"messages\[0\], field 'role': .* not 'tool'"),
        ([([], "x"), (USER, "hi")], r"messages\[0\], field 'role': .* not \[\]"),
        ([(USER, [{"type": "image_url"}])], r"messages\[0\], field 'content': write text"),
        ([(USER, None), (ASSISTANT, "a")], r"messages\[0\], field 'content': write text"),
    ],
)
def test_a_row_that_is_no_classification_is_named(
    tmp_path: Path, row: list[tuple[str, Any]], reason: str
) -> None:
    source = chats(tmp_path, [(USER, "hi"), (ASSISTANT, "a")], row)
    with pytest.raises(DatasetError, match=rf"line 2.*{reason}"):
        load_dataset(source)


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        (" ", "a", "content of the user: must be text"),
        ("hi \ud83d", "a", "content of the user: character 3"),
        ("hi", "c", "content of the assistant: 'c' is not one of the labels"),
        ("hi", " ", "content of the assistant: ' ' is not a label"),
        ("hi", "a\ud83d", "content of the assistant: character 1"),
    ],
)
def test_an_error_of_a_row_names_the_field_of_the_file(
    tmp_path: Path, text: str, answer: str, reason: str
) -> None:
    source = chats(tmp_path, [(USER, "hi"), (ASSISTANT, "a")], [(USER, text), (ASSISTANT, answer)])
    with pytest.raises(DatasetError, match=rf"line 2, field 'messages', {reason}"):
        load_dataset(source, labels=LabelSet.model_validate(["a", "b"]))


def test_a_label_that_is_refused_later_names_the_field_of_the_file(tmp_path: Path) -> None:
    data = load_dataset(chats(tmp_path, [(USER, "hi"), (ASSISTANT, "c")]))
    with pytest.raises(DatasetError, match=r"row 0, field 'messages', content of the assistant: "):
        data.labelled_with(LabelSet.model_validate(["a", "b"]))
