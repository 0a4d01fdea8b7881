"""The rows to read: those on which two models disagree, and the remaining errors."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.records import ModelRole, Prediction, Record, decided
from tunesmith.report import formatting as words
from tunesmith.runs.record import RunRecord

SHOWN_DISAGREEMENTS = 40
SHOWN_ERRORS = 20


class Answer(Record):
    """The answer of a model for a row."""

    text: str | None
    """The text that it wrote; None if that reading was left out."""
    label: str | None
    """The answer, in the reading of the run; None if the text is no label."""
    likeliest: str | None = None
    """The most probable label; None if there are no label scores."""
    probability: float | None = None
    """Of that label, calibrated if it can be."""
    right: bool

    @property
    def parts(self) -> tuple[str, str, str]:
        """The answer, a remark on it, and what the model wrote if the answer is a decision."""
        wrote = "" if self.text is None else words.answer(self.text)
        share = f"{self.probability or 0:.2f}"
        tags = ["unparsable"] if self.label is None else []
        if self.probability is not None:
            if self.label is not None and self.label == self.likeliest:
                return self.label, f"{share}, wrote" if wrote else share, wrote
            tags.append(f"most probable: {self.likeliest} {share}")
        return wrote, ", ".join(tags), ""


class Case(Record):
    """A test row with the answer of each model."""

    row: int
    input: str
    expected: str
    answers: dict[ModelRole, Answer]

    def right(self, role: ModelRole) -> bool:
        """Return whether the model of ``role`` answered as expected."""
        return role in self.answers and self.answers[role].right

    @property
    def side(self) -> str:
        """A phrase that names the models that are right."""
        tuned, base = self.right("tuned"), self.right("base")
        if tuned != base:
            return f"only the {'tuned' if tuned else 'base'} model is right"
        return "both are wrong" if len(self.answers) > 1 else "wrong"


class Cases(Record):
    """The rows to read, with uncut texts, and how many there are of each kind."""

    disagreements: tuple[Case, ...]
    all_disagreements: int
    errors: tuple[Case, ...]
    """Of the model that the run is about; those among the disagreements are left out."""
    all_errors: int


def find_cases(record: RunRecord, predictions: Sequence[Prediction]) -> Cases:
    """Return the rows to read of a run that was evaluated; ``predictions`` are in any order."""
    by_row: dict[int, dict[ModelRole, Prediction]] = {}
    for prediction in predictions:
        by_row.setdefault(prediction.row, {})[prediction.model] = prediction
    cases = [_case(answers) for _, answers in sorted(by_row.items())]
    rows = {d.row for d in (record.comparison.disagreements if record.comparison else ())}
    errors = [case for case in cases if case.row not in rows and not case.right(record.primary)]
    return Cases(
        disagreements=_fair_share([case for case in cases if case.row in rows]),
        all_disagreements=len(rows),
        errors=tuple(errors[:SHOWN_ERRORS]),
        all_errors=len(errors),
    )


def _case(predictions: dict[ModelRole, Prediction]) -> Case:
    one = next(iter(predictions.values()))
    answers = {role: _answer(p) for role, p in sorted(predictions.items(), reverse=True)}
    return Case(row=one.row, input=one.input, expected=one.expected or "", answers=answers)


def _answer(prediction: Prediction) -> Answer:
    shares = prediction.calibrated or prediction.probabilities
    likeliest = decided(shares) if shares else None
    return Answer(
        text=prediction.text,
        label=prediction.label,
        likeliest=likeliest,
        probability=shares[likeliest] if shares and likeliest is not None else None,
        right=prediction.label == prediction.expected,
    )


def _fair_share(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return ``SHOWN_DISAGREEMENTS`` rows at most: half lost by tuning, which come first."""
    lost = [case for case in cases if case.right("base")]
    won = [case for case in cases if case.right("tuned")]
    half = SHOWN_DISAGREEMENTS // 2
    lost = lost[: max(half, SHOWN_DISAGREEMENTS - len(won))]
    return (*lost, *won[: SHOWN_DISAGREEMENTS - len(lost)])
