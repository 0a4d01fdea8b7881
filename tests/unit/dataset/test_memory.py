"""Rows in memory, in each form that people have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no stubs
import pytest
from datasets import ClassLabel, DatasetDict, Features, Value
from datasets import Dataset as HuggingFace

from tunesmith.dataset import DataSpec, dataset_of, load_data
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row

TEXTS, LABELS = ["very good", "oh so bad"], ["good", "bad"]
ROWS = tuple(Row(input=text, output=label) for text, label in zip(TEXTS, LABELS, strict=True))
FRAME = pd.DataFrame({"text": TEXTS, "label": LABELS})
NAMED = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
HUGGING_FACE = HuggingFace.from_dict({"text": TEXTS, "label": [1, 0]}, features=NAMED)


@pytest.mark.parametrize(
    "value",
    [
        list(ROWS),
        [{"input": t, "output": o} for t, o in zip(TEXTS, LABELS, strict=True)],
        list(zip(TEXTS, LABELS, strict=True)),
        (TEXTS, LABELS),
        (np.array(TEXTS), np.array(LABELS)),
        {"text": TEXTS, "label": LABELS},
        FRAME,
        FRAME.assign(label=pd.Categorical(LABELS)),
        FRAME.set_index(pd.Index([7, 9])),
        HUGGING_FACE,
        HuggingFace.from_pandas(FRAME).data.table,
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_form_gives_the_same_rows(value: Any) -> None:
    assert dataset_of(value).rows == ROWS


def test_whole_numbers_of_numpy_are_labels() -> None:
    data = dataset_of((np.array(["a", "b"]), np.array([1, 0])))
    assert [row.output for row in data.rows] == ["1", "0"]


def test_texts_alone_need_no_labels() -> None:
    assert dataset_of(["a", "b"], labelled=False).inputs == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: FRAME.assign(label=["good", None]), r"row 1, field 'label': .*missing.*dropna"),
        (lambda: FRAME.assign(label=[1, None]), r"row 1, field 'label': .*missing.*dropna"),
        (lambda: FRAME.assign(text=["a", pd.NA]), r"row 1, field 'text': .*missing.*dropna"),
        (
            lambda: FRAME.assign(label=pd.Categorical(["good", None])),
            r"row 1, field 'label': .*missing",
        ),
        (lambda: FRAME.assign(label=["good", 1]), r"row 0, field 'label': .*astype\(str\)"),
        (lambda: FRAME.assign(label=[1.0, 2]), r"row 0, field 'label': 1\.0 .*astype\(int\)"),
        (lambda: FRAME.assign(label=[0.5, 1]), r"row 0, field 'label': 0\.5 .*remove it$"),
        (lambda: FRAME.assign(text=[1, 2]), r"row 0.*'text'"),
        (lambda: pd.concat([FRAME, FRAME["label"]], axis=1), "two columns are named 'label'"),
        (lambda: {"text": ["a"], "label": [0, 1]}, "unequal lengths"),
        (lambda: DatasetDict(train=HUGGING_FACE, test=HUGGING_FACE), "'train', 'test'; give one"),
        (
            lambda: HuggingFace.from_dict({"text": ["a"], "label": [-1]}, features=NAMED),
            r"-1 .*0 to 1",
        ),
        (lambda: 5, "not rows; give a list of"),
        (list, "no rows"),
    ],
)
def test_the_row_and_the_field_that_are_wrong_are_named(
    make: Callable[[], Any], reason: str
) -> None:
    with pytest.raises(DatasetError, match=rf"data\.train \(.*{reason}"):
        dataset_of(make(), "data.train")


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_text_in_a_list_is_named(missing: object) -> None:
    with pytest.raises(DatasetError, match=r"row 1, field 'input': the value is missing"):
        dataset_of(["a", missing], labelled=False)


def test_an_experiments_data_may_be_in_memory_and_be_written_for_its_run(tmp_path: Path) -> None:
    spec = DataSpec.model_validate({"train": FRAME, "test": (TEXTS, LABELS)})
    labels = LabelSet.model_validate(LABELS)
    kept = spec.saved_in(tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "test.jsonl",
        "train.jsonl",
    ]
    ours, theirs = (load_data(one, labels, seed=0) for one in (spec, kept))
    assert ours.train.rows == theirs.train.rows == ROWS
    assert ours.test_rows().rows == theirs.test_rows().rows == ROWS


def test_a_form_of_a_label_becomes_its_name() -> None:
    spec = DataSpec.model_validate({"train": (["a", "b"], ["0", "1"])})
    labels = LabelSet.model_validate({"bad": ["0"], "good": ["1"]})
    rows = load_data(spec, labels, 0, test=False).train.rows
    assert [row.output for row in rows] == ["bad", "good"]


def test_rows_in_memory_have_the_labels_of_the_experiment() -> None:
    spec = DataSpec.model_validate({"train": FRAME})
    with pytest.raises(DatasetError, match=r"row 1, field 'label': 'bad' is not one of"):
        load_data(spec, LabelSet.model_validate(["good", "fine"]), 0, test=False)
