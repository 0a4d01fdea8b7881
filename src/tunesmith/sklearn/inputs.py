"""Checks what a caller gives as ``X`` and ``y``, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from tunesmith.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def texts_of(X: Any) -> list[str]:  # noqa: N803  # scikit-learn's name
    """Return the texts of ``X``: a list, an array of one dimension or a column of a table.

    Raises:
        DatasetError: ``X`` is no list of texts, or a row of it is missing, empty or not text.
    """
    one_column = getattr(X, "ndim", 1) == 1
    if isinstance(X, str | bytes) or not isinstance(X, Iterable) or not one_column:
        raise DatasetError(
            f"X: expected a list of texts, found {_shown(X)}; give one text a row, e.g. a list of "
            "strings or one column of a table, X['text']"
        )
    texts = [_text(row, value) for row, value in enumerate(X)]
    if not texts:
        raise DatasetError("X: no rows; give at least one text")
    return texts


def _shown(value: Any) -> str:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return f"{kind} of shape {shape}" if shape is not None else kind


def _text(row: int, value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return str(value)  # a plain one, also of numpy's own string type
    raise DatasetError(
        f"X, row {row}: {value!r:.60} is no text, or an empty one; leave the row out, or fill in "
        "missing texts, e.g. with X.fillna('none')"
    )


def classes_of(y: Any, rows: int) -> tuple[NDArray[Any], list[int]]:
    """Return the sorted classes, and for each row the index of its class.

    Args:
        y: one label a row: text, integers or booleans.
        rows: the number of texts.

    Raises:
        DatasetError: a label is missing, there are not as many as texts, or all are the same.
        ValueError: ``y`` has more than one column, or numbers that are no classes.
    """
    if y is None:
        raise DatasetError("y: this classifier requires y to be passed, but the target y is None")
    labels = column_or_1d(y, warn=True)
    if len(labels) != rows:
        raise DatasetError(
            f"X has {rows} rows, and y has inconsistent numbers of samples: {len(labels)} labels; "
            "give one label a row"
        )
    _check_labels(labels)
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DatasetError(
            f"y: all {rows} rows are of one class, {classes[0]}; a classifier needs rows of two "
            "classes or more"
        )
    return classes, indices.tolist()


def _check_labels(labels: NDArray[Any]) -> None:
    values = labels.tolist()
    for row, label in enumerate(values):
        missing = isinstance(label, float) and math.isnan(label)
        if missing or not isinstance(label, str | int | float):
            raise DatasetError(
                f"y, row {row}: {label!r:.60} is no label (Input y contains NaN, or what is "
                "neither text nor a number); leave the row out"
            )
    if len({isinstance(label, str) for label in values}) > 1:
        raise DatasetError("y: some labels are text and some are numbers; make all of them text")
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)


def names_of(classes: NDArray[Any]) -> list[str]:
    """Return the text of each class: ``1`` for 1 and for 1.0."""
    return [_name(label) for label in classes.tolist()]


def _name(label: str | int | float) -> str:
    whole = isinstance(label, float) and label.is_integer()
    return str(int(label)) if whole else str(label)
