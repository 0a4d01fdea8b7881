"""The verdict of a run in plain words, and how much it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunesmith.comparison import Comparison, format_p, p_text
from tunesmith.records import Record
from tunesmith.report import words
from tunesmith.runs import Baseline, RunRecord
from tunesmith.statistics import ALPHA, overlap_range

TUNED, BASE = "tuned model", "base model"
TFIDF = "tfidf_logreg"
_DEVELOPMENT_MODEL = "tunesmith/micro-granite"


class Headline(Record):
    """The verdict in words."""

    lead: str
    sentence: str
    explanation: str
    """What the rows say and what the test makes of it."""
    remarks: tuple[str, ...] = ()
    """What else a reader should know before believing it: a sentence or two each."""
    tone: str
    """``good``, ``bad`` or ``plain``."""


def headline(record: RunRecord) -> Headline:
    """Return the verdict of ``record`` in words."""
    if record.comparison is None:
        return _measured(record)
    found = record.comparison
    lead, sentence, tone = {
        "established": ("Established:", f"the {TUNED} beats the {BASE}.", "good"),
        "not established": (
            "Not established:",
            f"these {found.rows} rows do not show that the {TUNED} beats the {BASE}.",
            "plain",
        ),
        "wrong direction": ("Wrong direction:", f"the {TUNED} is worse than the {BASE}.", "bad"),
    }[found.verdict]
    interval = "" if found.interval is None else f" (95% interval {_interval(found)})"
    explanation = (
        f"The {TUNED} is right on {found.first_correct} of {found.rows} test rows, the {BASE} on "
        f"{found.second_correct}: a difference of {words.points(found.difference)}{interval}. "
        f"Only the {TUNED} is right on {words.rows(found.first_only)}, only the {BASE} on "
        f"{words.rows(found.second_only)}; exact McNemar {p_text(found.p_value)}."
    )
    remarks = tuple(_remarks(record, found))
    return Headline(
        lead=lead, sentence=sentence, explanation=explanation, remarks=remarks, tone=tone
    )


def _interval(found: Comparison) -> str:
    return words.signed_span(found.interval or ())


def _remarks(record: RunRecord, found: Comparison) -> Iterator[str]:
    if found.rows_needed is not None:
        yield (
            f"If the difference is real and of this size, about {words.rows(found.rows_needed)} "
            "would establish it with 80% power."
        )
    yield from _agreement(found)
    yield from _no_label(record)
    yield from _two_accuracies(found)


def _agreement(found: Comparison) -> Iterator[str]:
    if found.agreement is not None:
        kappa = "" if found.kappa is None else f" (Cohen's kappa {found.kappa:.2f})"
        same = words.percent(found.agreement)
        yield f"The two give the same answer to {same} of the rows{kappa}."


def _no_label(record: RunRecord) -> Iterator[str]:
    tuned, base = record.evaluations["tuned"], record.evaluations["base"]
    said = [
        f"{e.unparsable} of the {words.count(e.rows - e.correct, 'wrong answer')} of the {model}"
        for model, e in ((TUNED, tuned), (BASE, base))
        if e.unparsable
    ]
    if not said:
        return
    # A base model that was not told the task loses rows for a reason that is not its judgment.
    untold = (
        f" The {BASE} read each input as it stands; the method zero_shot shows what it does with "
        "a hard prompt."
    )
    yield f"No label at all: {', '.join(said)}.{untold if base.unparsable else ''}"


def _two_accuracies(found: Comparison) -> Iterator[str]:
    # Worth a sentence only where who publishes the two accuracies alone leaves it open.
    least, most = overlap_range(found.first_correct, found.second_correct, found.rows)
    if found.seeds == 1 and least < ALPHA <= most:
        yield (
            f"From the two accuracies alone p could be anything from {format_p(least)} to "
            f"{format_p(most)}; the rows decide."
        )


def cheap_truth(baselines: Sequence[Baseline]) -> str:
    """Say whether the run's own model beats TF-IDF; empty where that was not measured."""
    found = next((b for b in baselines if b.method == TFIDF), None)
    if found is None:
        return ""
    model = TUNED if found.comparison.first == "tuned" else BASE
    verdict = {
        "established": f"the {model} beats it",
        "not established": f"the {model} is not shown to beat it",
        "wrong direction": f"it beats the {model}",
    }[found.comparison.verdict]
    return (
        f"TF-IDF with logistic regression is right on {found.evaluation.correct} of "
        f"{words.rows(found.evaluation.rows)} after {words.duration(found.seconds)}; {verdict} "
        f"({words.points(found.comparison.difference)}, {p_text(found.comparison.p_value)})."
    )


def _measured(record: RunRecord) -> Headline:
    role, evaluation = next(iter(record.evaluations.items()))
    method = record.experiment["method"]["name"]
    why = (
        f"The backend {record.backend} has no base model that answers beside it, so nothing says "
        f"what tuning was worth."
        if role == "tuned"
        else f"Nothing was tuned: the method {method} only prompts the base model."
    )
    name = TUNED if role == "tuned" else BASE
    sentence = f"the {name} is right on {evaluation.correct} of {words.rows(evaluation.rows)}."
    return Headline(
        lead="Measured, not compared:", sentence=sentence, explanation=why, tone="plain"
    )


def development(base_model: str) -> list[str]:
    """Say so where ``base_model`` is the embedded one."""
    if base_model != _DEVELOPMENT_MODEL:
        return []
    return [f"{base_model} is a small stand-in for development, not a Granite checkpoint."]


def warnings(record: RunRecord) -> tuple[str, ...]:
    """Return what stands in the way of taking the numbers at their word."""
    found = []
    if record.stand_in:
        found.append(f"{record.stand_in} answered in place of {record.base_model}.")
    if record.emulated:
        found.append(
            "This run was emulated: it speaks the provider's interface, not for its models."
        )
    found += development(record.base_model)
    problems = record.audit.notes if record.audit else ()
    return (*found, *(f"Data: {note}." for note in problems))
