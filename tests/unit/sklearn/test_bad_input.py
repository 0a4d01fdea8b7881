"""Bad input gives an error that names the row and the remedy, and nothing is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from tunesmith.errors import (
    DatasetError,
    ExperimentError,
    PluginError,
    TuningError,
    UnsupportedError,
)
from tunesmith.sklearn import SoftPromptClassifier

Reviews = tuple[list[str], list[int]]
TEXTS, LABELS = ["good", "bad", "fine", "poor"], [1, 0, 1, 0]


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_an_estimator_that_is_not_fitted_says_so(
    method: str, words: SoftPromptClassifier, folder: Path
) -> None:
    with pytest.raises(NotFittedError, match=r"not fitted yet\. Call 'fit'"):
        getattr(words, method)(TEXTS)
    with pytest.raises(NotFittedError):
        words.score(TEXTS, LABELS)
    with pytest.raises(NotFittedError):
        _ = words.adapter_
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["good", None, "fine", "poor"], r"X, row 1: None is no text.*leave the row out"),
        (["good", "bad", float("nan"), "poor"], r"X, row 2: nan is no text.*fillna"),
        (["good", "bad", "fine", " "], r"X, row 3: ' ' is no text, or an empty one"),
        ([1, 2, 3, 4], r"X, row 0: 1 is no text"),
        ([["good"], ["bad"], ["fine"], ["poor"]], r"X, row 0: \['good'\] is no text"),
        (np.array([["good"], ["bad"]]), r"found ndarray of shape \(2, 1\); .*one column"),
        ("good", "expected a list of texts, found str"),
        (5, "expected a list of texts, found int"),
        ([], "X: no rows"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(
    texts: Any, message: str, words: SoftPromptClassifier, folder: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        words.fit(texts, LABELS)
    assert list(folder.iterdir()) == []
    words.fit(TEXTS, LABELS)
    with pytest.raises(DatasetError, match=message):
        words.predict(texts)


def test_a_table_is_refused_and_one_of_its_columns_is_asked_for(
    words: SoftPromptClassifier,
) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"text": TEXTS})
    with pytest.raises(DatasetError, match=r"found DataFrame of shape \(4, 1\); .*X\['text'\]"):
        words.fit(table, LABELS)
    table.loc[1, "text"] = pandas.NA
    with pytest.raises(DatasetError, match="X, row 1: <NA> is no text"):
        words.fit(table["text"], LABELS)
    with pytest.raises(DatasetError, match="y, row 1: <NA> is no label"):
        words.fit(TEXTS, table["text"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "requires y to be passed"),
        ([1, 0, 1], "X has 4 rows, and y has inconsistent numbers of samples: 3 labels"),
        ([1, None, 1, 0], "y, row 1: None is no label.*leave the row out"),
        ([1, 0, float("nan"), 0], "y, row 2: nan is no label.*leave the row out"),
        (np.array([1, "a", 1, "a"], dtype=object), "some labels are text and some are numbers"),
        ([1, 0, float("inf"), 0], "Input y contains infinity"),
        ([0.5, 1.5, 0.1, 0.2], "Unknown label type: continuous"),
        ([1, 1, 1, 1], "all 4 rows are of one class, 1; .*two classes or more"),
        ([[1, 0]] * 4, "y should be a 1d array"),
        (["a", "b ", "a", "b "], "the form 'b ' of 'b ' is empty or has white space"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    labels: Any, message: str, words: SoftPromptClassifier, folder: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        words.fit(TEXTS, labels)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"method__c": -1.0}, ExperimentError, "method.c: Input should be greater"),
        ({"method": "prompt_tuning"}, UnsupportedError, "it offers: majority, tfidf_logreg"),
        ({"backend": "sklern"}, PluginError, "no backend 'sklern'.*Did you mean 'sklearn'"),
        ({"options": {"devise": "cpu"}}, ExperimentError, "no option 'devise'"),
        ({"random_state": -1}, ExperimentError, "seed: Input should be greater"),
        ({"random_state": "x"}, ValueError, "cannot be used to seed"),
        ({"label_words": {0: "no", 1: "no"}}, ExperimentError, "'no' is a form of both"),
        (
            {"backend": "local", "method": {"early_stopping_patience": 1}},
            ExperimentError,
            "needs rows that are held out; set validation_fraction",
        ),
        ({"validation_fraction": 0.1}, DatasetError, "cannot split off 0.1 of 4 distinct rows"),
    ],
)
def test_a_wrong_parameter_is_refused_at_fit_and_what_was_learned_stays(
    params: dict[str, Any],
    error: type[Exception],
    message: str,
    words: SoftPromptClassifier,
    folder: Path,
) -> None:
    words.fit(TEXTS, LABELS)
    before, files = words.predict_proba(TEXTS), sorted(folder.rglob("*"))
    original = words.get_params(deep=False)
    words.set_params(**params)
    with pytest.raises(error, match=message):
        words.fit(TEXTS, LABELS)
    words.set_params(**original)
    assert (words.predict_proba(TEXTS) == before).all()
    assert sorted(folder.rglob("*")) == files


@pytest.mark.usefixtures("fake_plugin")
def test_a_secret_is_no_parameter_and_never_printed() -> None:
    classifier = SoftPromptClassifier(backend="fake", options={"api_key": "s3cret"})
    with pytest.raises(ExperimentError, match="'api_key' of backend 'fake' is a secret") as caught:
        classifier.fit(TEXTS, LABELS)
    assert "s3cret" not in str(caught.value)


@pytest.mark.usefixtures("fake_plugin")
def test_a_tuning_that_fails_leaves_the_estimator_unfitted() -> None:
    classifier = SoftPromptClassifier("tunesmith/fake", backend="fake", options={"fail": "tune"})
    with pytest.raises(TuningError, match="set to fail at 'tune'"):
        classifier.fit(TEXTS, LABELS)
    with pytest.raises(NotFittedError):
        classifier.predict(TEXTS)


SCORELESS = """
from tunesmith.hookspecs import BackendEntry, hookimpl
from tunesmith.testing.fake import FakeBackend

class Scoreless(FakeBackend):
    declares = {"label_scores": False}

@hookimpl
def register_backends():
    return [BackendEntry("fake", "for tests", "only_fake_plugin:Scoreless")]
"""


@pytest.mark.usefixtures("fake_plugin")
def test_a_backend_without_label_scores_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site" / "only_fake_plugin.py").write_text(SCORELESS)
    with pytest.raises(UnsupportedError, match="'fake' has no label scores for tuned models"):
        SoftPromptClassifier("tunesmith/fake", backend="fake").fit(TEXTS, LABELS)


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import tunesmith.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PluginError: tunesmith.sklearn needs scikit-learn" in done.stderr
    assert "pip install 'tunesmith[sklearn]'" in done.stderr
