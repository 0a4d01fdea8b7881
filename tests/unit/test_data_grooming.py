"""Checks of the dog-grooming review data set: schema, balance, duplicates, card sums."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data" / "grooming_reviews"
FILES = {"train.json": 760, "test.json": 320}
ROW = re.compile(r"(?P<comment>\S[^\n]*\S)")
MAX_JACCARD = 0.6
MAX_WORDS = 110


def _rows(name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return rows


def _comments(name: str) -> list[str]:
    matches = [ROW.fullmatch(row["input"]) for row in _rows(name)]
    return [match["comment"] for match in matches if match is not None]


def _all_comments() -> list[str]:
    return [comment for name in FILES for comment in _comments(name)]


def _tokens(comment: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9']+", comment.lower()))


def _length_shares(comments: list[str]) -> tuple[float, float, float]:
    words = [len(comment.split()) for comment in comments]
    terse = sum(count <= 8 for count in words)
    long = sum(count >= 31 for count in words)
    total = len(words)
    return terse / total, (total - terse - long) / total, long / total


@pytest.mark.parametrize("name", FILES)
def test_every_row_has_the_two_fields_of_the_schema(name: str) -> None:
    for index, row in enumerate(_rows(name)):
        assert set(row) == {"input", "output"}, f"{name} row {index}: fields {sorted(row)}"
        assert ROW.fullmatch(row["input"]), f"{name} row {index}: input {row['input']!r}"
        assert row["output"] in {"0", "1"}, f"{name} row {index}: output {row['output']!r}"


@pytest.mark.parametrize(("name", "total"), FILES.items())
def test_labels_are_exactly_balanced(name: str, total: int) -> None:
    counts = Counter(row["output"] for row in _rows(name))
    assert counts == {"0": total // 2, "1": total // 2}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("label", ["0", "1"])
def test_each_label_has_the_length_mix_of_the_card(name: str, label: str) -> None:
    rows = zip(_comments(name), _rows(name), strict=True)
    comments = [comment for comment, row in rows if row["output"] == label]
    assert _length_shares(comments) == pytest.approx((0.25, 0.45, 0.30), abs=0.001)
    assert max(len(comment.split()) for comment in comments) <= MAX_WORDS


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_written_in_the_stated_layout(name: str) -> None:
    text = json.dumps(_rows(name), indent=2, ensure_ascii=False) + "\n"
    assert (FOLDER / name).read_bytes() == text.encode("utf-8")


def test_no_two_comments_are_equal_once_normalized() -> None:
    normalized = Counter(
        " ".join(re.findall(r"[a-z0-9]+", comment.lower())) for comment in _all_comments()
    )
    assert [text for text, count in normalized.items() if count > 1] == []


def test_no_two_comments_share_most_of_their_words() -> None:
    comments = _all_comments()
    worst = max(
        (len(first & second) / len(first | second), i, j)
        for (i, first), (j, second) in itertools.combinations(enumerate(map(_tokens, comments)), 2)
    )
    similarity, i, j = worst
    message = f"{comments[i]!r} and {comments[j]!r}: Jaccard {similarity:.3f}"
    assert similarity < MAX_JACCARD, message


@pytest.mark.parametrize("name", FILES)
def test_the_card_states_the_sum_of_the_file(name: str) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    stated = dict(re.findall(r"^\| `([\w.]+)` \| `([0-9a-f]{64})` \|$", card, re.MULTILINE))
    assert stated.get(name) == digest
