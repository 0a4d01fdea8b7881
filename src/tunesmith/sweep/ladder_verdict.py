"""The verdict of a ladder: the step to take, and whether the base model must be tuned at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.evaluation.comparison import Comparison, compare, correct, p_text
from tunesmith.evaluation.readings import common_reading, read_as
from tunesmith.plugins import method_entry
from tunesmith.records import Prediction
from tunesmith.runs.run import Run
from tunesmith.sweep.records import LadderVerdict, StepComparison, TrialResult

NOT_NEEDED = "You do not need tuning"
UNDECIDED = "Whether tuning is worth it is open"
OPEN = "No language model was tuned, so whether tuning would help is open"


def judge(
    folder: Path, results: Sequence[TrialResult], stopped_at: str | None
) -> LadderVerdict | None:
    """Compare the best step with every cheaper one; None if no step is done.

    Only these comparisons are made: the fewer there are, the less Holm's correction takes away.

    Args:
        folder: the directory of the ladder.
        results: the steps, cheapest first.
        stopped_at: the step that was good enough, if the ladder stopped early.
    """
    done = [result for result in results if result.status == "done"]
    if not done:
        return None
    said = [Run.load(folder / result.trial.directory).answers() for result in done]
    answer = common_reading(said)
    steps = [_Step(result, read_as(one, answer)) for result, one in zip(done, said, strict=True)]
    best = max(steps, key=_accuracy)
    found = [
        compare(best.answers, cheaper.answers, (best.name, cheaper.name))
        for cheaper in steps[: steps.index(best)]
    ]
    comparisons = tuple(_step_comparison(one) for one in correct(found))
    beaten = {one.step for one in comparisons if one.established}
    chosen = next(step for step in steps if step.name not in beaten)
    missing = [r.trial.name for r in results[: results.index(chosen.result)]
               if r.status in ("waiting", "failed")]  # fmt: skip
    lead, why = _reasons(chosen, best, steps, comparisons, stopped_at, missing)
    return LadderVerdict(
        best=best.name,
        recommended=chosen.name,
        comparisons=comparisons,
        answer=answer,
        lead=lead,
        why=why,
        settled=lead not in (OPEN, UNDECIDED),
    )


@dataclass(frozen=True)
class _Step:
    """A step that is done, and its answers in the common reading."""

    result: TrialResult
    answers: list[Prediction]

    @property
    def name(self) -> str:
        return self.result.trial.name

    @property
    def trains(self) -> bool:
        return self.result.trial.trains_base_model

    @property
    def constant(self) -> bool:
        entry = method_entry(self.name)
        return entry is not None and entry.kind == "constant"


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


def _accuracy(step: _Step) -> float:
    return sum(p.label == p.expected for p in step.answers) / len(step.answers)


def _named(step: _Step) -> str:
    return f"{step.name} ({_accuracy(step):.3f})"


def _reasons(
    chosen: _Step,
    best: _Step,
    done: Sequence[_Step],
    comparisons: Sequence[StepComparison],
    stopped_at: str | None,
    missing: Sequence[str],
) -> tuple[str, str]:
    why = _why(chosen, best, comparisons)
    if stopped_at and not best.trains:
        return NOT_NEEDED, f"{stopped_at} reaches the accuracy that was asked for; {why}"
    if not any(step.trains for step in done):
        return OPEN, why
    if chosen.constant:
        return (
            "You do not need tuning, you need better data",
            f"{why}, and it answers every row with the most frequent label",
        )
    if not chosen.trains:
        return NOT_NEEDED, why
    untuned = {step.name for step in done if not step.trains}
    formal = [one for one in comparisons if one.by_format and one.step in untuned]
    if formal:
        return UNDECIDED, f"{why}, but {_formal(formal)}"
    if missing:
        return UNDECIDED, f"{why}, but cheaper steps have no result: {', '.join(missing)}"
    return "Tuning is worth it", why


def _formal(found: Sequence[StepComparison]) -> str:
    said = (f"{one.step} answers {one.unparsable} times with no label" for one in found)
    return f"{', '.join(said)}: a difference of format, which answer: decision leaves out"


def _why(chosen: _Step, best: _Step, comparisons: Sequence[StepComparison]) -> str:
    beaten = sum(one.established and not one.by_format for one in comparisons)
    if chosen is not best:
        p = next(one.corrected_p for one in comparisons if one.step == chosen.name)
        return (
            f"{_named(chosen)} is the cheapest step that {_named(best)}, the best one, is not "
            f"shown to beat ({p_text(p)} after Holm)"
        )
    if not comparisons:
        return f"{_named(best)} is the cheapest step and no other is more often right"
    if not beaten:
        return f"{_named(best)} is right most often"
    cheaper = "the only cheaper step" if len(comparisons) == 1 else f"{beaten} cheaper steps"
    whole = "all " if beaten == len(comparisons) > 1 else ""
    return f"{_named(best)} is shown to beat {whole}{cheaper}"
