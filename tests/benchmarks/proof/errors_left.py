"""The most frequent error that is left, and wrong answers that a user would take for labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.labels import LabelSet
from tunesmith.records import Prediction
from tunesmith.run import Run

NEXT_LINE, SAME_LINE = "a label, then more lines", "a label, then more words"
SPELLING, AMONG = "a label in another spelling", "one label among other words"
MENDS = {
    NEXT_LINE: ("generation.stop_sequences",),
    SPELLING: ("labels=",),
    SAME_LINE: ("answer=decision", "generation.", "verbalizer", "template"),
    AMONG: ("answer=decision", "verbalizer", "template"),
}
"""Settings by kind of answer. A report must name one of them."""
READ_ANYWAY = (SAME_LINE, AMONG)
"""Kinds that ``answer: decision`` fixes; a run with decisions has them already fixed."""
_MARKS = " \t\n.,;:!?\"'`*_#()[]{}<>"


@dataclass(frozen=True, slots=True)
class Left:
    """The most frequent kind of error among the answers of one model."""

    wrong: int
    rows: int
    kind: str
    count: int
    """Wrong answers of that kind."""


def commonest_error(predictions: Sequence[Prediction]) -> Left:
    """Return the pair of expected and given label that is wrong most often."""
    wrong = [p for p in predictions if p.label != p.expected]
    kinds = Counter(
        f"{p.expected} taken for {p.label}" if p.label else f"{p.expected} answered with no label"
        for p in wrong
    )
    kind, count = kinds.most_common(1)[0] if kinds else ("none", 0)
    return Left(len(wrong), len(predictions), kind, count)


def kind_of(text: str, labels: LabelSet) -> str | None:
    """Return why a user would take ``text`` for a label; None if not, or if it is parsed as one."""
    if labels.parse(text) is not None:
        return None
    found = {form: name for name in labels for form in (*labels.root[name], name)}
    plain = {_plain(form): name for form, name in found.items()}
    if _plain(text) in plain:
        return SPELLING
    if _plain(text.strip().partition("\n")[0]) in plain:
        return NEXT_LINE
    if any(re.match(rf"{re.escape(form)}(?!\w)", _plain(text)) for form in plain if form):
        return SAME_LINE
    named = {name for form, name in plain.items() if _holds(_plain(text), form)}
    return AMONG if len(named) == 1 else None


def _plain(text: str) -> str:
    bare = re.sub(r"^\s*[-\u2022]\s+", "", text)  # not the sign of a number
    return " ".join(bare.replace("_", " ").lower().split()).strip(_MARKS)


def _holds(text: str, form: str) -> bool:
    # A digit or a single letter in a sentence is seldom a label.
    return len(form) > 1 and re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text) is not None


def uncorrected(run: Run) -> dict[str, int]:
    """Return the number of unparsable answers that a user would take for labels, by kind.

    Empty if the report of the run names a setting that fixes each kind.
    """
    labels = LabelSet.model_validate(run.record.experiment["labels"])
    kinds = Counter(kind for p in run.predictions() if (kind := _counted(p, labels)))
    report = _text(run.directory / "report.md")
    read = READ_ANYWAY if run.record.answer == "decision" else ()
    return {
        kind: count
        for kind, count in kinds.items()
        if kind not in read and not _names(report, MENDS[kind])
    }


def counted_kinds(run: Run) -> dict[str, int]:
    """Return the number of answers that only a user would take for a label, by kind."""
    labels = LabelSet.model_validate(run.record.experiment["labels"])
    return dict(Counter(kind for p in run.predictions() if (kind := _counted(p, labels))))


def _counted(prediction: Prediction, labels: LabelSet) -> str | None:
    written = prediction.read_as("text")
    if written is None or written.label is not None or not prediction.text:
        return None
    return kind_of(prediction.text, labels)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _names(report: str, settings: Sequence[str]) -> bool:
    return any(setting in report for setting in settings)


def sentence(left: Left, title: str) -> str:
    """Return a sentence on the most frequent error."""
    if not left.wrong:
        return f"{title}: no error is left."
    return (
        f"{title}: {left.wrong} of {left.rows} answers are wrong; the most common kind is "
        f"{left.kind} ({left.count})."
    )


def total(kinds: Sequence[Mapping[str, int]]) -> int:
    """Return the number of answers in all."""
    return sum(sum(found.values()) for found in kinds)
