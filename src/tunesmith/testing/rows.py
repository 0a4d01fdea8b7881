"""Rows for the tuning and the predictions of the conformance suite, written for it."""

from __future__ import annotations

from tunesmith.records import Row


def _rows(*pairs: tuple[str, str]) -> tuple[Row, ...]:
    """Return the rows of pairs of a good and a bad comment, labels 1 and 0."""
    labeled = [(text, label) for pair in pairs for text, label in zip(pair, "10", strict=True)]
    return tuple(Row(input=text, output=label) for text, label in labeled)


TRAIN = _rows(
    ("The staff was friendly and kind.", "The staff was rude and slow."),
    ("A great visit, my dog came home happy.", "A bad visit, my dog came home hurt."),
    ("Gentle hands and a clean room.", "Rough hands and a dirty room."),
    ("The best salon in town, we love it.", "The worst salon in town, never again."),
    ("Happy dog, happy owner, great price.", "Late again, and a broken promise."),
    ("They were kind, patient and friendly.", "They were rude, loud and careless."),
    ("A lovely cut and a gentle bath.", "A poor cut and a dirty bath."),
    ("Clean, quick and good with puppies.", "Slow, late and bad with puppies."),
)
VALIDATION = _rows(
    ("A friendly room and a happy dog.", "A dirty room and a hurt dog."),
    ("Great cut, kind staff.", "Bad cut, rude staff."),
)
TEST = _rows(
    ("Great!", "Rude and late."),
    (
        "My dog was happy and the room was clean.",
        "My dog was hurt and the room was dirty, the worst visit ever.",
    ),
    ("We love the kind staff there.", "Bad."),
)
