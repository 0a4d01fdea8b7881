"""Rows for the tuning and the predictions of the conformance suite, written for it."""

from __future__ import annotations

from tunesmith.records import Row

_GOOD = (
    "The staff was friendly and kind.",
    "A great visit, my dog came home happy.",
    "Gentle hands and a clean room.",
    "The best salon in town, we love it.",
    "Happy dog, happy owner, great price.",
    "They were kind, patient and friendly.",
    "A lovely cut and a gentle bath.",
    "Clean, quick and good with puppies.",
)
_BAD = (
    "The staff was rude and slow.",
    "A bad visit, my dog came home hurt.",
    "Rough hands and a dirty room.",
    "The worst salon in town, never again.",
    "Late again, and a broken promise.",
    "They were rude, loud and careless.",
    "A poor cut and a dirty bath.",
    "Slow, late and bad with puppies.",
)


def _rows(good: tuple[str, ...], bad: tuple[str, ...]) -> tuple[Row, ...]:
    pairs = zip(good, bad, strict=True)
    return tuple(
        Row(input=text, output=label)
        for pair in pairs
        for label, text in zip(("1", "0"), pair, strict=True)
    )


TRAIN = _rows(_GOOD, _BAD)
VALIDATION = _rows(
    ("A friendly room and a happy dog.", "Great cut, kind staff."),
    ("A dirty room and a hurt dog.", "Bad cut, rude staff."),
)
TEST = _rows(
    ("Great!", "My dog was happy and the room was clean.", "We love the kind staff there."),
    ("Rude and late.", "My dog was hurt and the room was dirty, the worst visit ever.", "Bad."),
)
