"""The verdict of a ladder: the step to take, and whether the base model must be tuned at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from tunesmith.evaluation.comparison import Comparison, compare, correct, p_text
from tunesmith.evaluation.readings import common_reading, read_as
from tunesmith.records import Prediction
from tunesmith.runs.run import RunDirectory
from tunesmith.sweep.records import LadderVerdict, StepComparison, Trial, TrialResult

NOT_NEEDED = "You do not need tuning"
UNDECIDED = "Whether tuning is worth it is open"
OPEN = "No language model was tuned, so whether tuning would help is open"


def judge(
    folder: Path, results: Sequence[TrialResult], stopped_at: str | None
) -> LadderVerdict | None:
    """Compare the best step with every cheaper one; None if no step is done.

    Only these comparisons are made: the fewer there are, the less Holm's correction takes away.
    ``results`` are the steps, cheapest first; the ladder stopped early at ``stopped_at``, if given.
    """
    done = [result for result in results if result.status == "done"]
    if not done:
        return None
    said = [RunDirectory.load(folder / result.trial.directory).answers() for result in done]
    answer = common_reading(said)
    steps = [
        _Step(result.trial, read_as(one, answer)) for result, one in zip(done, said, strict=True)
    ]
    best = max(steps, key=lambda step: step.accuracy)
    found = [
        compare(best.answers, other.answers, (best.trial.name, other.trial.name))
        for other in steps[: steps.index(best)]
    ]
    comparisons = tuple(_step_comparison(one) for one in correct(found))
    beaten = {one.step for one in comparisons if one.established}
    chosen = next(step for step in steps if step.trial.name not in beaten)
    cheaper = takewhile(lambda result: result.trial != chosen.trial, results)
    missing = [result.trial.name for result in cheaper if result.open]
    lead, why = _reasons(chosen, best, steps, comparisons, stopped_at, missing)
    return LadderVerdict(
        best=best.trial.name,
        recommended=chosen.trial.name,
        comparisons=comparisons,
        answer=answer,
        lead=lead,
        why=why,
        settled=lead not in (OPEN, UNDECIDED),
    )


class _Step(NamedTuple):
    """A step that is done, and its answers in the common reading."""

    trial: Trial
    answers: list[Prediction]

    @property
    def accuracy(self) -> float:
        return sum(p.label == p.expected for p in self.answers) / len(self.answers)

    def __str__(self) -> str:
        return f"{self.trial.name} ({self.accuracy:.3f})"


def _step_comparison(found: Comparison) -> StepComparison:
    return StepComparison(
        step=found.second,
        difference=found.difference,
        p_value=found.p_value,
        corrected_p=found.p_value if found.corrected_p is None else found.corrected_p,
        established=found.verdict == "established",
        by_format=found.by_format,
        unparsable=found.second_unparsable,
    )


def _reasons(
    chosen: _Step,
    best: _Step,
    done: Sequence[_Step],
    comparisons: Sequence[StepComparison],
    stopped_at: str | None,
    missing: Sequence[str],
) -> tuple[str, str]:
    why = _why(chosen, best, comparisons)
    if stopped_at and not best.trial.trains_base_model:
        return NOT_NEEDED, f"{stopped_at} reaches the accuracy that was asked for; {why}"
    if not any(step.trial.trains_base_model for step in done):
        return OPEN, why
    if chosen.trial.constant:
        return (
            "You do not need tuning, you need better data",
            f"{why}, and it answers every row with the most frequent label",
        )
    if not chosen.trial.trains_base_model:
        return NOT_NEEDED, why
    untuned = {step.trial.name for step in done if not step.trial.trains_base_model}
    formal = [
        f"{one.step} answers {one.unparsable} times with no label"
        for one in comparisons
        if one.by_format and one.step in untuned
    ]
    if formal:
        left_out = "a difference of format, which answer: decision leaves out"
        return UNDECIDED, f"{why}, but {', '.join(formal)}: {left_out}"
    if missing:
        return UNDECIDED, f"{why}, but cheaper steps have no result: {', '.join(missing)}"
    return "Tuning is worth it", why


def _why(chosen: _Step, best: _Step, comparisons: Sequence[StepComparison]) -> str:
    beaten = sum(one.established and not one.by_format for one in comparisons)
    if chosen is not best:
        p = next(one.corrected_p for one in comparisons if one.step == chosen.trial.name)
        why = f"{chosen} is the cheapest step that {best}, the best one, is not shown to beat"
        return f"{why} ({p_text(p)} after Holm)"
    if not comparisons:
        return f"{best} is the cheapest step and no other is more often right"
    if not beaten:
        return f"{best} is right most often"
    cheaper = "the only cheaper step" if len(comparisons) == 1 else f"{beaten} cheaper steps"
    whole = "all " if beaten == len(comparisons) > 1 else ""
    return f"{best} is shown to beat {whole}{cheaper}"
