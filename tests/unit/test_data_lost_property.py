"""Checks of the data set `data/lost_property` against what its card states."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data" / "lost_property"
ROWS_PER_LABEL = {"train.json": 80, "test.json": 80}
INPUT = re.compile(r"Note: \S[^\n]*\S\nShelf:\n")

each_file = pytest.mark.parametrize("name", sorted(ROWS_PER_LABEL))


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    """What `generate.py` defines."""
    return runpy.run_path(str(FOLDER / "generate.py"))


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one file of the data set."""
    rows: list[dict[str, str]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return rows


def words(texts: list[str]) -> set[str]:
    """Return the lower-case words of some texts."""
    return set(re.findall(r"[a-z]+", " ".join(texts).lower())) - {"of"}


@each_file
def test_rows_follow_the_schema(name: str) -> None:
    for row in read_rows(name):
        assert list(row) == ["input", "output"]
        assert INPUT.fullmatch(row["input"])


@each_file
def test_labels_are_balanced(name: str) -> None:
    counts = Counter(row["output"] for row in read_rows(name))
    assert counts == dict.fromkeys(("north", "east", "south", "west"), ROWS_PER_LABEL[name])


@each_file
def test_the_generator_writes_the_file(name: str, generator: dict[str, Any]) -> None:
    assert generator["rows"](name.removesuffix(".json")) == read_rows(name)


@each_file
def test_the_card_has_the_files_sum(name: str) -> None:
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| `{name}` | `{digest}` |" in card


def test_no_word_that_names_a_thing_is_in_both_files(generator: dict[str, Any]) -> None:
    train, test = (
        words([lists[place] for lists in generator["THINGS"].values()]) for place in (0, 1)
    )
    assert train & test == set()
    # Nor does a sentence of one file name a thing of the other.
    assert words(generator["FRAMES"]["train"]) & test == set()
    assert words(generator["FRAMES"]["test"]) & train == set()


def test_no_input_is_in_both_files_or_twice() -> None:
    inputs = [row["input"] for name in ROWS_PER_LABEL for row in read_rows(name)]
    assert len(set(inputs)) == len(inputs)


def test_each_shelf_has_two_kinds(generator: dict[str, Any]) -> None:
    assert set(Counter(generator["SHELVES"].values()).values()) == {2}
