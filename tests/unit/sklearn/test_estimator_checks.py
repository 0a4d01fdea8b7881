"""scikit-learn's own checks of an estimator. They give rows of numbers, which are read as words.

scikit-learn skips its checks for an estimator of texts. Here a subclass turns each number into a
word; everything else is the real estimator over a real backend.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tunesmith.sklearn import SoftPromptClassifier

NOT_RUN = {
    "check_array_api_input": "needs SCIPY_ARRAY_API=1 before scipy is imported",
}
"""The checks that are skipped, each with its reason. None is expected to fail."""


def words(numbers: np.ndarray) -> list[str]:
    halves = np.round(2 * numbers).astype(int)
    return [" ".join(f"x{i}is{v}".replace("-", "m") for i, v in enumerate(row)) for row in halves]


class OfNumbers(SoftPromptClassifier):
    def fit(self, X: Any, y: Any) -> OfNumbers:  # noqa: N803
        return super().fit(words(validate_data(self, X)), y)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        check_is_fitted(self)
        return super().predict_proba(words(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        return tags


@pytest.fixture(autouse=True)
def own_runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_check_of_scikit_learn_passes_but_those_listed() -> None:
    estimator = OfNumbers(method="tfidf_logreg", backend="sklearn")
    results = check_estimator(estimator, on_skip=None)  # the first failure is raised
    assert len(results) > 50
    skipped = {result["check_name"] for result in results if result["status"] != "passed"}
    assert skipped <= NOT_RUN.keys()


def test_an_estimator_of_texts_says_so() -> None:
    tags = SoftPromptClassifier().__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.estimator_type == "classifier"
