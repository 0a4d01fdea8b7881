"""A fitted classifier refers to its saved adapter. Neither weights nor connections are in it."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from joblib import Parallel, delayed

from tunesmith.errors import NotFoundError
from tunesmith.sklearn import SoftPromptClassifier

Reviews = tuple[list[str], list[int]]

READ = """
import json, pickle, sys
classifier = pickle.load(open(sys.argv[1], "rb"))
print(json.dumps(classifier.predict_proba(json.load(sys.stdin)).tolist()))
"""


def test_a_pickle_answers_the_same_in_another_process_and_folder(
    words: SoftPromptClassifier, reviews: Reviews, folder: Path
) -> None:
    words.fit(*reviews)
    (folder / "saved.pkl").write_bytes(pickle.dumps(words))
    (folder / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder / "saved.pkl")],
        input=json.dumps(reviews[0]), cwd=folder / "elsewhere",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == words.predict_proba(reviews[0]).tolist()
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_pickle_holds_the_path_and_no_row_or_weight(
    words: SoftPromptClassifier, reviews: Reviews, folder: Path
) -> None:
    saved = pickle.dumps(words.fit(*reviews))
    assert words.adapter_.is_relative_to(folder)
    assert words.adapter_.is_file()
    assert pickle.loads(saved).adapter_ == words.adapter_
    assert not any(text.encode() in saved for text in reviews[0])
    assert len(saved) < 5000


def test_processes_share_a_fitted_classifier(words: SoftPromptClassifier, reviews: Reviews) -> None:
    texts, labels = reviews
    words.fit(texts, labels)
    parts = Parallel(n_jobs=2)(
        delayed(words.predict_proba)(part) for part in (texts[:30], texts[30:])
    )
    assert [row for part in parts for row in part.tolist()] == words.predict_proba(texts).tolist()


def test_threads_share_a_fitted_classifier(words: SoftPromptClassifier, reviews: Reviews) -> None:
    texts, labels = reviews
    expected = words.fit(texts, labels).predict_proba(texts).tolist()
    found = Parallel(n_jobs=4, prefer="threads")(
        delayed(words.predict_proba)(texts) for _ in range(8)
    )
    assert [part.tolist() for part in found] == [expected] * 8


def test_an_adapter_that_is_gone_is_named_and_may_be_elsewhere(
    words: SoftPromptClassifier, reviews: Reviews, folder: Path
) -> None:
    expected = words.fit(*reviews).predict_proba(reviews[0])
    moved = pickle.loads(pickle.dumps(words))
    shutil.move(folder / "runs", folder / "archive")
    moved.store_ = folder / "archive/store/sklearn"
    assert moved.predict_proba(reviews[0]) == pytest.approx(expected)
    lost = pickle.loads(pickle.dumps(words))
    lost.tuned_model_ = lost.tuned_model_.model_copy(update={"id": "0" * 32})
    with pytest.raises(NotFoundError, match=r"Saved as: .*; bring the folder back, .*fit again"):
        lost.predict(reviews[0])
