"""Rows as scikit-learn has them, and a folder for the adapters of each test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.sklearn import SoftPromptClassifier

DATA = Path(__file__).parents[3] / "data"
Rows = tuple[list[str], list[str]]


def read(name: str, rows: int) -> Rows:
    """The first rows of a data set of the project: texts, and labels as text."""
    found = json.loads((DATA / name / "train.json").read_text(encoding="utf-8"))[:rows]
    return [row["input"] for row in found], [row["output"] for row in found]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a test, so that nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def reviews() -> tuple[list[str], list[int]]:
    """60 reviews with the integer labels 0 and 1."""
    texts, labels = read("grooming_reviews", 60)
    return texts, [int(label) for label in labels]


@pytest.fixture
def complaints() -> Rows:
    """90 complaints with the department that each is for, as text."""
    return read("complaint_departments", 90)


@pytest.fixture
def words() -> SoftPromptClassifier:
    """An estimator that is fitted in milliseconds: TF-IDF with logistic regression."""
    return SoftPromptClassifier(method="tfidf_logreg", backend="sklearn")
