"""A backend that many threads ask: each row has the answer that it has alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tunesmith.backends.shared import Item, SharedBackend
from tunesmith.errors import ClosedError, NotFoundError
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend

TEXTS = [f"text {number}" for number in range(12)]
LABELS = ("0", "1")
PARAMS = GenerationParams(max_new_tokens=3)


@pytest.fixture
def calls() -> list[int]:
    return []


@pytest.fixture
def shared(calls: list[int]) -> Iterator[SharedBackend]:
    made = SharedBackend(FakeBackend(), calls.append)
    yield made
    made.close()


def test_rows_of_one_request_are_classified_in_one_call(
    shared: SharedBackend, calls: list[int]
) -> None:
    expected = shared.backend.predictor.classify(FAKE_MODEL, TEXTS, LABELS)
    asked = shared.classify([Item(FAKE_MODEL, text, LABELS) for text in TEXTS])
    assert [one.result() for one in asked] == expected
    assert calls == [len(TEXTS)]
    assert shared.statistics.rows == len(TEXTS)


def test_threads_get_their_own_texts(shared: SharedBackend) -> None:
    expected = shared.backend.predictor.generate(FAKE_MODEL, TEXTS, PARAMS)
    with ThreadPoolExecutor(len(TEXTS)) as pool:
        found = pool.map(lambda text: shared.generate(FAKE_MODEL, text, PARAMS).result(), TEXTS)
    assert list(found) == expected


def test_other_labels_and_a_text_are_other_calls(shared: SharedBackend, calls: list[int]) -> None:
    asked = [Item(FAKE_MODEL, "a", LABELS), Item(FAKE_MODEL, "a", ("1", "2"))]
    found = [one.result() for one in shared.classify(asked)]
    assert [list(one.probabilities) for one in found] == [["0", "1"], ["1", "2"]]
    shared.generate(FAKE_MODEL, "a", PARAMS).result()
    assert calls == [1, 1, 1]


def test_an_unknown_model_is_refused_at_once(shared: SharedBackend) -> None:
    with pytest.raises(NotFoundError):
        shared.classify([Item("no/model", "a", LABELS)])


def test_a_closed_one_answers_no_more(shared: SharedBackend) -> None:
    shared.close()
    with pytest.raises(ClosedError):
        shared.classify([Item(FAKE_MODEL, "a", LABELS)])
    assert shared.backend.predictor.classify(FAKE_MODEL, ["a"], LABELS)  # that stays open
