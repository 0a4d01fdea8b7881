"""Checks of the data set `data/complaint_departments` against what its card states."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data" / "complaint_departments"
LABELS = ("billing", "delivery", "technical support", "returns and refunds", "store staff")
ROWS_PER_LABEL = {"train.json": 50, "test.json": 25}
INPUT = re.compile(r"Message: (?P<message>\S[^\n]*\S)\nDepartment:\n")
MAX_JACCARD = 0.6

each_file = pytest.mark.parametrize("name", sorted(ROWS_PER_LABEL))


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one file of the data set."""
    rows: list[dict[str, str]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return rows


def message_of(row: dict[str, str]) -> str:
    """Return the customer's message without the prompt around it."""
    match = INPUT.fullmatch(row["input"])
    assert match is not None, f"input does not follow the card's schema: {row['input']!r}"
    return match["message"]


def all_messages() -> list[str]:
    """Return the messages of both files."""
    return [message_of(row) for name in sorted(ROWS_PER_LABEL) for row in read_rows(name)]


def token_set(message: str) -> frozenset[str]:
    """Return the lower-case runs of letters, digits and apostrophes."""
    return frozenset(re.findall(r"[a-z0-9']+", message.lower()))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Return the Jaccard index of two token sets, from 0 to 1."""
    return len(a & b) / len(a | b)


@each_file
def test_rows_follow_the_schema(name: str) -> None:
    for row in read_rows(name):
        assert list(row) == ["input", "output"]
        assert message_of(row)
        assert row["output"] in LABELS


@each_file
def test_labels_are_balanced(name: str) -> None:
    counts = Counter(row["output"] for row in read_rows(name))
    assert counts == dict.fromkeys(LABELS, ROWS_PER_LABEL[name])


@each_file
def test_file_layout_is_canonical(name: str) -> None:
    canonical = json.dumps(read_rows(name), indent=2, ensure_ascii=False) + "\n"
    assert (FOLDER / name).read_bytes() == canonical.encode("utf-8")


def test_no_message_occurs_twice() -> None:
    folded = Counter(" ".join(message.casefold().split()) for message in all_messages())
    assert [message for message, count in folded.items() if count > 1] == []


def test_no_two_messages_are_near_duplicates() -> None:
    tokens = [(message, token_set(message)) for message in all_messages()]
    value, first, second = max(
        (jaccard(a, b), left, right) for (left, a), (right, b) in combinations(tokens, 2)
    )
    assert value < MAX_JACCARD, f"Jaccard {value:.3f}: {first!r} and {second!r}"


@each_file
def test_card_states_the_hash(name: str) -> None:
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| `{name}` | `{digest}` |" in card
