"""The verdict of a run in plain words, and how much it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.comparison import Comparison, correct, p_text
from tunesmith.plugins import registry
from tunesmith.records import Prediction, Reading, Record
from tunesmith.report import formatting as words
from tunesmith.report import paired
from tunesmith.runs.judgment import Judgment, Opponent, compared, judge
from tunesmith.runs.record import RunRecord

_BEATEN = {"established": "beaten", "not established": "open", "wrong direction": "beats it"}


class Headline(Record):
    """The verdict in words."""

    lead: str
    sentence: str
    explanation: str
    """The counts of rows, and the test."""
    remarks: tuple[str, ...] = ()
    """Reservations, a sentence or two each."""
    tone: str
    """``good``, ``bad`` or ``plain``."""


class Against(Record):
    """A line of the table of opponents."""

    opponent: Opponent
    comparison: Comparison
    """The run's own model with it, corrected for the number of opponents."""
    about: bool
    """Whether the first line of the report is about it."""

    @property
    def verdict(self) -> str:
        """In words, of the opponent."""
        return "by format" if self.opponent.by_format else _BEATEN[self.comparison.verdict]


def against(record: RunRecord, found: Judgment) -> tuple[Against, ...]:
    """Return the opponents of a run's own model, the most accurate first."""
    comparisons = compared(record)
    several = correct(comparisons) if len(comparisons) > 1 else comparisons
    return tuple(
        Against(opponent=opponent, comparison=comparison, about=place == found.about)
        for place, (opponent, comparison) in enumerate(zip(found.opponents, several, strict=True))
    )


def headline(record: RunRecord) -> Headline:
    """Return the verdict of ``record`` in words: about the strongest of its opponents."""
    found = judge(record)
    lines = against(record, found)
    about = next((line for line in lines if line.about), None)
    why = _measured(record)
    if about is not None:
        own = f"the {found.own}"
        why = paired.explained(about.comparison, own, about.opponent.name, len(lines))
    remarks = tuple(_remarks(record, found, lines, about.comparison if about else None))
    return Headline(
        lead=found.lead, sentence=found.sentence, tone=found.tone, explanation=why, remarks=remarks
    )


def _remarks(
    record: RunRecord, found: Judgment, lines: Sequence[Against], about: Comparison | None
) -> Iterator[str]:
    if found.rows_needed is not None:
        yield paired.needed(found.rows_needed)
    for one in (line.opponent for line in lines if line.opponent.by_format and not line.about):
        yield (
            f"The difference to {one.name} is one of format: "
            f"{one.unparsable} of its {one.rows} answers are no label."
        )
    if about is not None:
        yield from paired.agreement(about)
    yield from _no_label(record)
    yield from _other_reading(record)
    if about is not None:
        yield from paired.two_accuracies(about)


def _no_label(record: RunRecord) -> Iterator[str]:
    said = [
        f"{e.unparsable} of the {words.count(e.rows - e.correct, 'wrong answer')} of the "
        f"{record.model_name(role)}"
        for role, e in sorted(record.evaluations.items(), reverse=True)
        if e.unparsable
    ]
    # A base model that reads no instruction seldom answers with a label.
    base = record.evaluations.get("base")
    why = ""
    if base and base.unparsable and record.primary == "tuned" and record.base_input == "bare":
        why = (
            " The untuned model read each input unchanged; base_input: same gives it the text "
            "that the tuned model reads."
        )
    if said:
        yield f"No label at all: {', '.join(said)}.{why}"


def _other_reading(record: RunRecord) -> Iterator[str]:
    if (other := record.other_reading) is None:
        return
    said = [
        f"the {record.model_name(role)} is right on {e.correct} of {e.rows}"
        + f" ({e.unparsable} no label)" * bool(e.unparsable)
        for role, e in sorted(other.evaluations.items(), reverse=True)
    ]
    how = "written text" if other.answer == "text" else "label scores"
    yield f"By {how} instead, {' and '.join(said)}."


def reading_words(answer: Reading) -> str:
    """Return how answers were read, in a sentence."""
    if answer == "decision":
        return "An answer is the most probable label."
    return "An answer is what the model wrote, if that is a label."


def classifier_baselines() -> tuple[str, ...]:
    """Return the titles of the simple classifiers that plugins measure every run against."""
    entries = registry().methods().values()
    return tuple(e.title or e.name for e in entries if e.baseline and e.kind == "classifier")


def baseline_words(record: RunRecord) -> str:
    """Return whether the run's own model beats the best simple classifier; empty without one."""
    found = judge(record)
    one = next((o for o in found.opponents if o.kind == "classifier"), None)
    if one is None:
        return ""
    cheap = next(b for b in record.baselines if b.method == one.method)
    verdict = {
        "established": f"the {found.own} beats it",
        "not established": f"the {found.own} is not shown to beat it",
        "wrong direction": f"it beats the {found.own}",
    }[one.verdict]
    if one.by_format:
        verdict = "the difference is one of format"
    return (
        f"{cheap.long_title} is right on {one.correct} of {words.rows(one.rows)} "
        f"after {words.duration(cheap.seconds)}; {verdict} "
        f"({words.points(one.difference)}, {p_text(one.corrected_p)})."
    )


def _measured(record: RunRecord) -> str:
    if record.alone:
        return "Only its own model was asked; its opponents are in the ladder or benchmark."
    if record.primary == "tuned":
        return (
            f"The backend {record.backend} has no base model that answers beside it, so nothing "
            "says what tuning was worth."
        )
    method = record.experiment["method"]["name"]
    return f"Nothing was tuned: the method {method} only prompts the base model."


def development_words(base_model: str) -> str:
    """Return the warning about a base model for development."""
    return f"{base_model} is a small stand-in for development, not a Granite checkpoint."


def warnings(record: RunRecord) -> tuple[str, ...]:
    """Return the reasons not to take the numbers at face value."""
    found = []
    if record.stand_in:
        found.append(f"{record.stand_in} answered in place of {record.base_model}.")
    if record.emulated:
        found.append("This run was emulated: it used the provider's interface, not its models.")
    if record.scripted:
        found.append(f"{record.scripted} answers were scripted for a test: no model gave them.")
    if record.is_development(record.base_model):
        found.append(development_words(record.base_model))
    problems = record.audit.notes if record.audit else ()
    return (*found, *(f"Data: {note}." for note in problems))


class CalibrationWords(Record):
    """A calibration in two paragraphs."""

    temperature: str
    """The fitted temperature and its effect."""
    abstaining: str
    """The probability from which on the model should answer, and the result."""


def calibrated(found: Calibration) -> CalibrationWords:
    """Return ``found`` in words."""
    temperature = (
        f"Temperature {found.temperature:.3g}, fitted on "
        f"{words.count(found.fitted_rows, 'validation row')}: expected calibration error "
        f"{found.before.ece:.3f} before, {found.after.ece:.3f} after, on "
        f"{words.count(found.rows, 'test row')}."
    )
    if found.at_bound:
        temperature += (
            " The temperature is at the end of its range: the validation rows do not determine it."
        )
    return CalibrationWords(temperature=temperature, abstaining=_abstaining(found))


def _abstaining(found: Calibration) -> str:
    target = words.percent(found.target_accuracy)
    if found.threshold is None or found.held_out is None:
        return f"No threshold brings the answered validation rows to {target}."
    answered = words.count(found.held_out.covered, "validation row")
    chosen = (
        f"The {answered} answered at a calibrated probability of {found.threshold:.2f} or more "
        f"reach {words.percent(found.held_out.accuracy)} (target {target})."
    )
    if found.test is None:
        return f"{chosen} No test row is answered there."
    return (
        f"{chosen} On the test rows that answers {found.test.covered} of {found.rows} and is right "
        f"on {words.percent(found.test.accuracy)} of them (95% interval "
        f"{words.span(found.test.accuracy_interval)})."
    )


def probability_words(record: RunRecord, predictions: Sequence[Prediction]) -> str:
    """Say which probabilities the predictions hold; empty if they hold none."""
    if not any(p.probabilities for p in predictions):
        return ""
    if record.calibration is None and record.base_calibration is None:
        return (
            "The probabilities are raw: there were no validation rows to calibrate them on; "
            "data.validation=0.15 reserves a part of the training rows for that."
        )
    return "The probabilities are calibrated on the validation rows."
