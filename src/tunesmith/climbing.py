"""What a ladder says: which rung to take, and whether the base model need be tuned at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.cells import CellResult
from tunesmith.comparison import Comparison, compare, p_text
from tunesmith.judgment import MAJORITY
from tunesmith.records import Prediction, Record
from tunesmith.runs import Run
from tunesmith.statistics import ALPHA, holm

NOT_NEEDED = "You do not need tuning"
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
    """Whether the best rung beats this one."""

    @property
    def line(self) -> str:
        """The comparison in a few words."""
        verdict = "beaten" if self.established else "not shown to be worse"
        return f"{verdict} ({-self.difference:+.3f}, {p_text(self.corrected_p)})"


class LadderVerdict(Record):
    """Which rung to take."""

    best: str
    """The rung of the highest accuracy; of equals the cheapest."""
    recommended: str
    """The cheapest rung that the best one is not established to beat."""
    comparisons: tuple[RungComparison, ...]
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
    best = max(done, key=_accuracy)
    answers = _answers(folder, best)
    found = [
        compare(answers, _answers(folder, cheaper), (best.cell.name, cheaper.cell.name))
        for cheaper in done[: done.index(best)]
    ]
    corrected = holm([one.p_value for one in found])
    comparisons = tuple(_rung_comparison(one, p) for one, p in zip(found, corrected, strict=True))
    beaten = {one.rung for one in comparisons if one.established}
    chosen = next(result for result in done if result.cell.name not in beaten)
    lead, why = _said(chosen, best, done, comparisons, stopped_at)
    return LadderVerdict(
        best=best.cell.name,
        recommended=chosen.cell.name,
        comparisons=comparisons,
        lead=lead,
        why=why,
        settled=lead != OPEN,
    )


def _rung_comparison(found: Comparison, p_value: float) -> RungComparison:
    return RungComparison(
        rung=found.second,
        difference=found.difference,
        p_value=found.p_value,
        corrected_p=p_value,
        established=p_value < ALPHA and found.difference > 0,
    )


def _answers(folder: Path, result: CellResult) -> list[Prediction]:
    return Run.load(folder / result.cell.directory).answers()


def _accuracy(result: CellResult) -> float:
    return result.evaluation.accuracy if result.evaluation else 0.0


def _named(result: CellResult) -> str:
    return f"{result.cell.name} ({_accuracy(result):.3f})"


def _said(
    chosen: CellResult,
    best: CellResult,
    done: Sequence[CellResult],
    comparisons: Sequence[RungComparison],
    stopped_at: str | None,
) -> tuple[str, str]:
    why = _why(chosen, best, comparisons)
    if stopped_at and not best.cell.tunes:
        return NOT_NEEDED, f"{stopped_at} reaches what was asked for; {why}"
    if not any(result.cell.tunes for result in done):
        return OPEN, why
    if chosen.cell.name == MAJORITY:
        return (
            "You do not need tuning, you need better data",
            f"{why}, and it only ever says the most frequent label",
        )
    return ("Tuning is worth it" if chosen.cell.tunes else NOT_NEEDED), why


def _why(chosen: CellResult, best: CellResult, comparisons: Sequence[RungComparison]) -> str:
    beaten = sum(one.established for one in comparisons)
    if chosen is not best:
        p = next(one.corrected_p for one in comparisons if one.rung == chosen.cell.name)
        return (
            f"{_named(chosen)} is the cheapest rung that {_named(best)}, the best one, is not "
            f"shown to beat ({p_text(p)} after Holm)"
        )
    if not comparisons:
        return f"{_named(best)} is the cheapest rung and no other is more often right"
    cheaper = f"all {beaten} cheaper rungs" if beaten > 1 else "the only cheaper rung"
    return f"{_named(best)} is shown to beat {cheaper}"
