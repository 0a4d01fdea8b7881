"""The classifier of texts: its answers, its parameters, and its life in scikit-learn's tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tunesmith.methods import PromptTuning
from tunesmith.progress import Progress
from tunesmith.records import TuningEvent
from tunesmith.sklearn import SoftPromptClassifier
from tunesmith_sklearn.methods import TfidfLogreg

Reviews = tuple[list[str], list[int]]
Complaints = tuple[list[str], list[str]]


def lowered(texts: list[str]) -> list[str]:
    return [text.lower() for text in texts]


def test_probabilities_are_those_of_the_method_in_the_order_of_the_classes(
    words: SoftPromptClassifier, complaints: Complaints
) -> None:
    texts, departments = complaints
    plain = TfidfLogreg().classifier(0).fit(texts[:60], departments[:60])
    words.fit(texts[:60], departments[:60])
    assert words.classes_.tolist() == sorted(set(departments[:60]))
    assert words.classes_.tolist() == plain.classes_.tolist()
    assert words.predict_proba(texts[60:]) == pytest.approx(plain.predict_proba(texts[60:]))
    assert words.predict(texts[60:]).tolist() == plain.predict(texts[60:]).tolist()
    assert words.score(texts[60:], departments[60:]) == plain.score(texts[60:], departments[60:])


@pytest.mark.parametrize(
    "labels",
    [(-1, 7), (False, True), ("no", "yes"), (10, 9), (1.0, 2.0)],
    ids=["integers", "booleans", "text", "numbers by size", "whole floats"],
)
def test_answers_are_of_the_type_of_the_labels(
    words: SoftPromptClassifier, reviews: Reviews, labels: tuple[Any, Any]
) -> None:
    texts, numbers = reviews
    given = np.array([labels[number] for number in numbers])
    words.fit(texts, given)
    found = words.predict(texts)
    assert found.dtype == given.dtype
    assert words.classes_.tolist() == sorted(labels)
    assert (found == given).all()  # these methods learn 60 rows by heart
    best = words.predict_proba(texts).argmax(axis=1)
    assert (words.classes_[best] == found).all()


def test_texts_may_be_a_list_an_array_or_a_column(
    words: SoftPromptClassifier, reviews: Reviews
) -> None:
    pandas = pytest.importorskip("pandas")
    texts, labels = reviews
    table = pandas.DataFrame({"text": texts, "label": labels})
    expected = words.fit(texts, labels).predict_proba(texts[:5])
    for given in (np.array(texts), np.array(texts, dtype=object), tuple(texts), table["text"]):
        found = words.fit(given, table["label"]).predict_proba(given[:5])
        assert found == pytest.approx(expected)


def test_equal_seeds_give_equal_classifiers(words: SoftPromptClassifier, reviews: Reviews) -> None:
    words.set_params(random_state=np.random.RandomState(3))
    seeds = [words.fit(*reviews).random_state.get_state()[2] for _ in range(2)]
    assert seeds[0] != seeds[1]  # a generator is drawn from anew at each fit, as elsewhere
    fixed = [clone(words).set_params(random_state=np.int64(5)).fit(*reviews) for _ in range(2)]
    first, second = (one.predict_proba(reviews[0]) for one in fixed)
    assert (first == second).all()


@pytest.mark.parametrize(
    "method",
    [
        {"name": "tfidf_logreg", "c": 2.0},
        PromptTuning(learning_rate=0.1),
        "linear_probe",
        {"learning_rate": 0.1},
    ],
)
def test_a_clone_has_the_parameters_and_nothing_learned(
    method: Any, words: SoftPromptClassifier, reviews: Reviews
) -> None:
    words.fit(*reviews)
    words.set_params(method=method, label_words={0: "bad", 1: "good"}, options={"store": "x"})
    copy = clone(words)
    assert copy.get_params() == words.get_params()
    assert copy.method is not words.method or isinstance(method, str)
    assert not hasattr(copy, "classes_")
    assert not hasattr(copy, "adapter_")


def test_settings_of_the_method_are_nested_parameters() -> None:
    classifier = SoftPromptClassifier()
    assert "method__rank" not in classifier.get_params()
    classifier.set_params(method="lora", method__rank=4, method__learning_rate=0.001)
    assert classifier.method == {"name": "lora", "rank": 4, "learning_rate": 0.001}
    assert classifier.get_params()["method__rank"] == 4
    assert "method__rank" not in classifier.get_params(deep=False)
    again = SoftPromptClassifier().set_params(**classifier.get_params())
    assert again.get_params() == classifier.get_params()
    typed = SoftPromptClassifier(method=PromptTuning(num_epochs=3))
    assert typed.set_params(method__batch_size=8).get_params()["method__num_epochs"] == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method__learning_rat": 1}, "no setting 'learning_rat'.*Did you mean 'learning_rate'"),
        ({"method": "lore", "method__rank": 1}, "no method 'lore'.*Did you mean 'lora'"),
        ({"metod": "lora"}, "Invalid parameter 'metod'"),
    ],
)
def test_a_parameter_that_does_not_exist_is_refused(params: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SoftPromptClassifier().set_params(**params)


@pytest.mark.parametrize("jobs", [1, 2], ids=["one process", "two processes"])
def test_cross_validation(words: SoftPromptClassifier, reviews: Reviews, jobs: int) -> None:
    plain = TfidfLogreg().classifier(0)
    found = cross_val_score(words, *reviews, cv=3, n_jobs=jobs, error_score="raise")
    assert found == pytest.approx(cross_val_score(plain, *reviews, cv=3))


def test_a_grid_search_in_a_pipeline_sets_the_settings_of_the_method(
    words: SoftPromptClassifier, reviews: Reviews, folder: Path
) -> None:
    pipeline = make_pipeline(FunctionTransformer(lowered), words)
    grid = {
        "softpromptclassifier__method__c": [0.001, 10.0],
        "softpromptclassifier__method__ngram_max": [1, 2],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*reviews)
    best = search.best_estimator_[-1]
    assert best.method == {
        "name": "tfidf_logreg",
        "c": search.best_params_["softpromptclassifier__method__c"],
        "ngram_max": search.best_params_["softpromptclassifier__method__ngram_max"],
    }
    assert best.tuned_model_.method["c"] == best.method["c"]
    assert search.score(*reviews) > 0.9
    saved = list((folder / "runs/store/sklearn/models").iterdir())
    assert len(saved) == 2 * 4 + 1  # two folds of four settings, and the best one on all rows


def test_no_deployment_is_left_behind(
    words: SoftPromptClassifier, reviews: Reviews, folder: Path
) -> None:
    words.fit(*reviews).predict(reviews[0])
    assert list((folder / "runs/store/sklearn/deployments").iterdir()) == []


class Recording(Progress):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def tuning(self, event: TuningEvent) -> None:
        self.seen.append(event.status)

    def predicted(self, done: int, total: int) -> None:
        self.seen.append((done, total))


def test_progress_gets_the_tuning_and_the_answered_rows(
    words: SoftPromptClassifier, reviews: Reviews
) -> None:
    shown = Recording()
    words.set_params(progress=shown).fit(*reviews)
    assert shown.seen == ["running", "completed"]
    words.predict(reviews[0] * 2)
    assert shown.seen[2:] == [(64, 120), (120, 120)]
