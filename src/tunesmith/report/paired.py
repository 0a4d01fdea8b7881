"""Two models on the same rows, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, get_args

from tunesmith.evaluation.comparison import Comparison, format_p, p_text
from tunesmith.evaluation.statistics import ALPHA, overlap_range
from tunesmith.records import ModelRole
from tunesmith.report import formatting as words
from tunesmith.runs.judgment import Tone


class PairedVerdict(NamedTuple):
    """Whether the first of two models beats the second."""

    lead: str
    sentence: str
    tone: Tone


def verdict(found: Comparison) -> PairedVerdict:
    """Return the verdict of ``found`` under the names of its models."""
    first, second = called(found.first), called(found.second)
    if found.by_format and found.labeled is not None:
        kept = words.rows(found.labeled.rows)
        sentence = f"{found.labeled.verdict} on the {kept} to which both gave a label."
        return PairedVerdict("A difference of format:", sentence, "plain")
    if found.verdict == "established":
        return PairedVerdict("Established:", f"{first} beats {second}.", "good")
    if found.verdict == "wrong direction":
        return PairedVerdict("Wrong direction:", f"{second} beats {first}.", "bad")
    if found.difference == 0:
        return PairedVerdict("Not established:", "both are right equally often.", "plain")
    ahead, behind = (first, second) if found.difference > 0 else (second, first)
    sentence = f"{ahead} is ahead, but is not shown to beat {behind}."
    return PairedVerdict("Not established:", sentence, "plain")


def called(name: str) -> str:
    """Return the name of a model as it is inside a sentence."""
    return f"the {name} model" if name in get_args(ModelRole) else name


def explained(found: Comparison, first: str, second: str, number: int = 1) -> str:
    """Return the counts of rows, the difference and the test; ``number`` comparisons were made.

    ``first`` and ``second`` are the models as they are named inside a sentence.
    """
    level, holm = "95%", ""
    if found.corrected_p is not None:
        level = "corrected" if found.corrected_p > found.p_value else level
        holm = f", {p_text(found.corrected_p)} after Holm over {number} comparisons"
    interval = f" ({level} interval {words.signed_span(found.interval)})" if found.interval else ""
    of, alone, test = f"{found.rows} test rows", "Only {} is right on {}", "exact McNemar"
    if found.seeds > 1:
        of = f"{found.rows * found.seeds} answers ({found.seeds} seeds, {found.rows} rows)"
        alone, test = "On more seeds, {} is right on {}", "exact sign-flip and score test"
    only = alone.format(first, words.rows(found.first_only))
    start = f"The {first.removeprefix('the ')}" if first.startswith("the ") else first
    return (
        f"{start} is right on {found.first_correct} of {of}, {second} on {found.second_correct}: "
        f"a difference of {words.points(found.difference)}{interval}. {only}, only {second} on "
        f"{words.rows(found.second_only)}; {test} {p_text(found.p_value)}{holm}."
    )


def needed(rows: int) -> str:
    """Return how many rows would establish a difference, in a sentence."""
    return (
        f"If the difference is real and of this size, about {words.rows(rows)} "
        "would establish it with 80% power."
    )


def agreement(found: Comparison) -> Iterator[str]:
    """Yield how often the two give the same answer, if it was counted."""
    if found.agreement is not None:
        kappa = "" if found.kappa is None else f" (Cohen's kappa {found.kappa:.2f})"
        same = words.percent(found.agreement)
        yield f"The two give the same answer to {same} of the rows{kappa}."


def two_accuracies(found: Comparison) -> Iterator[str]:
    """Yield what the two accuracies alone say, if they leave the verdict open."""
    if found.seeds > 1:
        return
    least, most = overlap_range(found.first_correct, found.second_correct, found.rows)
    if least < ALPHA <= most:
        yield (
            f"From the two accuracies alone p could be anything from {format_p(least)} to "
            f"{format_p(most)}; the rows decide."
        )
