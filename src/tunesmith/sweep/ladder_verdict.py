"""What a ladder says: which rung to take, and whether the base model need be tuned at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.evaluation.comparison import Comparison, compare, p_text, verdict_of
from tunesmith.evaluation.readings import common_reading, read_as
from tunesmith.evaluation.statistics import holm
from tunesmith.records import Prediction, Reading, Record
from tunesmith.runs.judgment import MAJORITY
from tunesmith.runs.run import Run
from tunesmith.sweep.trial import CellResult

NOT_NEEDED = "You do not need tuning"
FORMAT = "Whether tuning is worth it is open"
OPEN = "Nothing was tuned, so whether tuning would help is open"
CAUTION = (
    "not shown to beat is not the same as equal: more test rows may tell the rungs apart; and the "
    "best rung was chosen on the rows that it is judged by, which flatters it: confirm the choice "
    "on rows that no rung has seen"
)


class RungComparison(Record):
    """The best rung against a cheaper one, on the same rows."""

    rung: str
    """The cheaper one."""
    difference: float
    """Accuracy of the best less that of this one."""
    p_value: float
    """Two-sided, of the exact McNemar test."""
    corrected_p: float
    """After Holm, over all cheaper rungs."""
    established: bool
    """Whether the best rung is shown to be right more often."""
    by_format: bool = False
    """Whether that is a difference of format: it would not be without answers that are no label."""
    unparsable: int | None = None
    """Answers of the cheaper rung that are no label."""

    @property
    def line(self) -> str:
        """The comparison in a few words."""
        verdict = "beaten" if self.established else "not shown to be worse"
        if self.established and self.by_format:
            verdict = "a difference of format"
        return f"{verdict} ({-self.difference:+.3f}, {p_text(self.corrected_p)})"


class LadderVerdict(Record):
    """Which rung to take."""

    best: str
    """The rung of the highest accuracy; of equals the cheapest."""
    recommended: str
    """The cheapest rung that the best one is not established to beat."""
    comparisons: tuple[RungComparison, ...]
    answer: Reading = "text"
    """The reading of answers in which the rungs were compared."""
    lead: str
    """The recommendation in a few words."""
    why: str
    settled: bool
    """Whether it says if tuning is needed; that is open where nothing was tuned."""
    caution: str = CAUTION

    @property
    def sentence(self) -> str:
        """Recommendation and reason."""
        return f"{self.lead}: {self.why}."


def judge(
    folder: Path, results: Sequence[CellResult], stopped_at: str | None
) -> LadderVerdict | None:
    """Compare the best rung with every cheaper one; None where no rung is done.

    Only these comparisons are made: the fewer there are, the less Holm's correction takes away.

    Args:
        folder: the directory of the ladder.
        results: the rungs, cheapest first.
        stopped_at: the rung that was good enough, where climbing stopped early.
    """
    done = [result for result in results if result.status == "done"]
    if not done:
        return None
    said = [Run.load(folder / result.cell.directory).answers() for result in done]
    answer = common_reading(said)
    rungs = [_Rung(result, read_as(one, answer)) for result, one in zip(done, said, strict=True)]
    best = max(rungs, key=_accuracy)
    found = [
        compare(best.answers, cheaper.answers, (best.name, cheaper.name))
        for cheaper in rungs[: rungs.index(best)]
    ]
    comparisons = tuple(_rung_comparison(one) for one in _corrected(found))
    beaten = {one.rung for one in comparisons if one.established}
    chosen = next(rung for rung in rungs if rung.name not in beaten)
    lead, why = _said(chosen, best, rungs, comparisons, stopped_at)
    return LadderVerdict(
        best=best.name,
        recommended=chosen.name,
        comparisons=comparisons,
        answer=answer,
        lead=lead,
        why=why,
        settled=lead not in (OPEN, FORMAT),
    )


@dataclass(frozen=True)
class _Rung:
    """A rung that is done, and its answers in the common reading."""

    result: CellResult
    answers: list[Prediction]

    @property
    def name(self) -> str:
        return self.result.cell.name

    @property
    def tunes(self) -> bool:
        return self.result.cell.tunes


def _corrected(found: list[Comparison]) -> list[Comparison]:
    corrected = holm([one.p_value for one in found])
    return [
        one.model_copy(update={"corrected_p": p, "verdict": verdict_of(p, one.difference)})
        for one, p in zip(found, corrected, strict=True)
    ]


def _rung_comparison(found: Comparison) -> RungComparison:
    return RungComparison(
        rung=found.second,
        difference=found.difference,
        p_value=found.p_value,
        corrected_p=found.p_value if found.corrected_p is None else found.corrected_p,
        established=found.verdict == "established",
        by_format=found.by_format,
        unparsable=found.second_unparsable,
    )


def _accuracy(rung: _Rung) -> float:
    return sum(p.label == p.expected for p in rung.answers) / len(rung.answers)


def _named(rung: _Rung) -> str:
    return f"{rung.name} ({_accuracy(rung):.3f})"


def _said(
    chosen: _Rung,
    best: _Rung,
    done: Sequence[_Rung],
    comparisons: Sequence[RungComparison],
    stopped_at: str | None,
) -> tuple[str, str]:
    why = _why(chosen, best, comparisons)
    if stopped_at and not best.tunes:
        return NOT_NEEDED, f"{stopped_at} reaches what was asked for; {why}"
    if not any(rung.tunes for rung in done):
        return OPEN, why
    if chosen.name == MAJORITY:
        return (
            "You do not need tuning, you need better data",
            f"{why}, and it only ever says the most frequent label",
        )
    if not chosen.tunes:
        return NOT_NEEDED, why
    untuned = {rung.name for rung in done if not rung.tunes}
    formal = [one for one in comparisons if one.by_format and one.rung in untuned]
    if formal:
        return FORMAT, f"{why}, but {_formal(formal)}"
    return "Tuning is worth it", why


def _formal(found: Sequence[RungComparison]) -> str:
    said = (f"{one.rung} answers {one.unparsable} times with no label" for one in found)
    return f"{', '.join(said)}: a difference of format, which answer: decision leaves out"


def _why(chosen: _Rung, best: _Rung, comparisons: Sequence[RungComparison]) -> str:
    beaten = sum(one.established and not one.by_format for one in comparisons)
    if chosen is not best:
        p = next(one.corrected_p for one in comparisons if one.rung == chosen.name)
        return (
            f"{_named(chosen)} is the cheapest rung that {_named(best)}, the best one, is not "
            f"shown to beat ({p_text(p)} after Holm)"
        )
    if not comparisons:
        return f"{_named(best)} is the cheapest rung and no other is more often right"
    if not beaten:
        return f"{_named(best)} is right most often"
    cheaper = "the only cheaper rung" if len(comparisons) == 1 else f"{beaten} cheaper rungs"
    whole = "all " if beaten == len(comparisons) > 1 else ""
    return f"{_named(best)} is shown to beat {whole}{cheaper}"
