"""Tasks of kinds that no training text is about, with rows for tuning and other rows for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from recipe.teachable.sources import message, sentence
from recipe.teachable.words import Intent, Kind, read_intents, read_kinds

__all__ = ["Problem", "Row", "held_out_problems"]

HERE = Path(__file__).parent
TRAIN_ROWS, TEST_ROWS = 96, 160
SEED = 20261129
Row = dict[str, str]


@dataclass(frozen=True)
class Problem:
    """A task to measure with.

    Attributes:
        name: Of the table's row.
        labels: All label texts.
        train: Rows with `input` and `output`.
        test: Likewise, with no thing or sentence of `train`.
        told: Instruction for the untuned model; it names the labels, and what they stand for if
            that is no secret.
        template: Around each input.
    """

    name: str
    labels: tuple[str, ...]
    train: tuple[Row, ...]
    test: tuple[Row, ...]
    told: str
    template: str = "Text: {{input}}\nLabel:\n"


@dataclass(frozen=True)
class _Class:
    label: str
    write: Callable[[Random, bool], str]


def held_out_problems() -> list[Problem]:
    """Return the problems, the same in every call."""
    kinds = read_kinds(HERE / "things.txt")
    houses = dict(zip((kind.names[0] for kind in kinds), ("A", "A", "B", "B"), strict=True))
    return [
        _things("things by name", kinds, {name: name for name in houses}),
        _things("things by a house rule", kinds, houses),
        _sentences("requests", read_intents(HERE / "requests.txt")),
        _sentences("tense", read_intents(HERE / "tense.txt")),
        _sentences("tone", read_intents(HERE / "tone.txt")),
    ]


def _things(name: str, kinds: Sequence[Kind], labels: dict[str, str]) -> Problem:
    classes = [_Class(labels[kind.names[0]], _about(kind.things)) for kind in kinds]
    return _problem(name, classes, "Name the kind of thing.")


def _about(things: Sequence[str]) -> Callable[[Random, bool], str]:
    return lambda rng, test: sentence(rng, _half(things, test))


def _sentences(name: str, intents: Sequence[Intent]) -> Problem:
    classes = [_Class(intent.name, _saying(intent.sentences)) for intent in intents]
    meanings = " ".join(f"{intent.name}: {intent.meaning}." for intent in intents)
    return _problem(name, classes, meanings)


def _saying(sentences: Sequence[str]) -> Callable[[Random, bool], str]:
    return lambda rng, test: message(rng, _half(sentences, test))


def _half(items: Sequence[str], second: bool) -> Sequence[str]:
    middle = len(items) // 2
    return items[middle:] if second else items[:middle]


def _problem(name: str, classes: Sequence[_Class], told: str) -> Problem:
    rng = Random(f"{SEED}/{name}")
    labels = tuple(dict.fromkeys(one.label for one in classes))
    train, test = (
        tuple(_row(rng, classes[n % len(classes)], part) for n in range(rows))
        for part, rows in ((False, TRAIN_ROWS), (True, TEST_ROWS))
    )
    return Problem(name, labels, train, test, f"{told} Answer with one of: {', '.join(labels)}.")


def _row(rng: Random, one: _Class, test: bool) -> Row:
    return {"input": one.write(rng, test), "output": one.label}
