"""Problems from files: the project's data sets, and those that lie beside the project."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from recipe.measure.held_out import Problem, Row

__all__ = ["file_problems"]

ROOT = Path(__file__).parents[4]
DATA, SHARED = ROOT / "data", ROOT.parent / "shared" / "data"
DEPARTMENTS = ("billing", "delivery", "technical support", "returns and refunds", "store staff")
SATISFACTION = "Return 1 for a satisfied customer or 0 for an unsatisfied one."
TRAIN_ROWS, TEST_ROWS, INTENTS = 300, 300, 8


def file_problems(shared: Path = SHARED) -> Iterator[Problem]:
    """Yield the problems whose files are there. None of their rows is in the recipe.

    Args:
        shared: Folder with `tutorial` and `public`; what is absent is left out.
    """
    yield _departments()
    yield _shelves()
    yield _grooming()
    if (shared / "tutorial").is_dir():
        yield _tutorial(shared / "tutorial")
    if (shared / "public").is_dir():
        yield from (_sst2(shared / "public"), _banking(shared / "public"), _spam(shared / "public"))


def _departments() -> Problem:
    train, test = _both(DATA / "complaint_departments", "train.json", "test.json")
    told = f"Which department does the message belong to: {', '.join(DEPARTMENTS)}?"
    return Problem("complaint departments", DEPARTMENTS, train, test, told, "{{input}}")


def _shelves() -> Problem:
    train, test = _both(DATA / "lost_property", "train.json", "test.json")
    labels = ("north", "east", "south", "west")
    told = f"Which shelf does the thing belong to: {', '.join(labels)}?"
    return Problem("lost property", labels, train, test, told, "{{input}}")


def _grooming() -> Problem:
    train, test = _both(DATA / "grooming_reviews", "train.json", "test.json")
    template = "Comment: {{input}}\nSatisfaction:\n"
    return Problem("grooming reviews", ("0", "1"), train, test, SATISFACTION, template)


def _tutorial(folder: Path) -> Problem:
    """The test rows begin with an instruction, the training rows do not."""
    names = (f"dog_grooming_reviews_{part}_data.json" for part in ("train", "test"))
    train, test = _both(folder, *names)
    return Problem("the tutorial's files", ("0", "1"), train, test, SATISFACTION, "{{input}}")


def _both(folder: Path, *files: str) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    train, test = (
        tuple({"input": row["input"], "output": str(row["output"])} for row in _json(folder / file))
        for file in files
    )
    return train, test


def _json(file: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def _sst2(folder: Path) -> Problem:
    train, test = (_table(folder / f"sst2_{part}.tsv", 0, 1, "\t") for part in ("train", "test"))
    words = {"0": "negative", "1": "positive"}
    return _public("SST-2", *(_renamed(rows, words) for rows in (train, test)))


def _renamed(rows: list[Row], words: dict[str, str]) -> list[Row]:
    return [{"input": row["input"], "output": words[row["output"]]} for row in rows]


def _banking(folder: Path) -> Problem:
    """Eight of the 77 intents, drawn once."""
    train, test = (_table(folder / f"banking77_{p}.csv", 0, 1, ",")[1:] for p in ("train", "test"))
    chosen = set(Random(0).sample(sorted({row["output"] for row in train}), INTENTS))
    parts = ([row for row in rows if row["output"] in chosen] for rows in (train, test))
    spoken = ([row | {"output": row["output"].replace("_", " ")} for row in part] for part in parts)
    return _public("banking77, 8 intents", *spoken)


def _spam(folder: Path) -> Problem:
    rows = _table(folder / "sms_spam.tsv", 1, 0, "\t")[1:]
    Random(0).shuffle(rows)
    return _public("SMS spam", rows[:TRAIN_ROWS], rows[TRAIN_ROWS:])


def _public(name: str, train: list[Row], test: list[Row]) -> Problem:
    labels = tuple(sorted({row["output"] for row in train}))
    for rows in (train, test):
        Random(0).shuffle(rows)
    told = f"Answer with one of: {', '.join(labels)}."
    return Problem(name, labels, tuple(train[:TRAIN_ROWS]), tuple(test[:TEST_ROWS]), told)


def _table(file: Path, text: int, label: int, delimiter: str) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as lines:
        quoted = delimiter == ","  # in the other tables a quotation mark is text
        reader = csv.reader(
            lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        return [{"input": row[text], "output": row[label]} for row in reader]
