"""Calibration: whether the probabilities of a model hold, and when it should abstain.

A temperature is fitted on held-out rows (Guo et al. 2017, arXiv:1706.04599). Every reported number
comes from test rows, on which nothing was fitted. A temperature never changes which label is the
most probable. Here, probabilities are of shape ``[rows, labels]``, and ``expected`` is the index of
each row's label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import TYPE_CHECKING, Literal

from tunesmith.evaluation.statistics import wilson_interval
from tunesmith.records import ModelRole, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Part = Literal["validation", "test"]
BINS = 15
TARGET_ACCURACY = 0.95
COLDEST, HOTTEST = 0.05, 20.0
"""Bounds of the temperature. It ends at one of them if held-out rows do not determine it: if all
of them are right, every sharper distribution fits better."""
_TINY = 1e-12


class ReliabilityBin(Record):
    """Rows whose highest probability falls into one interval."""

    rows: int
    confidence: float
    """Mean of the highest probability."""
    accuracy: float
    """Share of rows whose most probable label is the expected one."""


class ProbabilityScores(Record):
    """Scores of probabilities on the rows that they were computed for."""

    ece: float
    """See :func:`expected_calibration_error`."""
    nll: float
    """Mean negative log-likelihood of the expected label, in nats."""
    brier: float
    """Mean over rows of the summed squared error over all labels (Brier 1950), 0 to 2."""
    bins: tuple[ReliabilityBin, ...]


class CoveragePoint(Record):
    """The result if rows below a threshold of the highest probability are not answered."""

    threshold: float
    covered: int
    """Rows that are answered."""
    coverage: float
    """Their share of all rows."""
    accuracy: float
    """Share of the answered rows whose most probable label is right."""
    accuracy_interval: tuple[float, float]
    """Wilson's 95 % interval."""


class Calibration(Record):
    """A temperature and a threshold from held-out rows, with their results on test rows."""

    temperature: float
    """Above 1, the model was overconfident."""
    fitted_rows: int
    """Validation rows behind temperature and threshold."""
    rows: int
    """Test rows behind all other numbers."""
    before: ProbabilityScores
    after: ProbabilityScores
    curve: tuple[CoveragePoint, ...]
    """On test rows, calibrated; coverage falls along it."""
    target_accuracy: float
    threshold: float | None
    """The smallest at which the answered held-out rows reach ``target_accuracy``; None if no
    threshold does."""
    held_out: CoveragePoint | None
    """Validation rows at ``threshold``, which was chosen on them."""
    test: CoveragePoint | None
    """Test rows at ``threshold``; None also if no test row is answered."""

    @property
    def at_bound(self) -> bool:
        """Whether the held-out rows do not determine the temperature."""
        return not 1.01 * COLDEST < self.temperature < HOTTEST / 1.01

    def apply(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Return the calibrated probabilities of one row."""
        (row,) = tempered([list(probabilities.values())], self.temperature).tolist()
        return dict(zip(probabilities, row, strict=True))


class ScoredRow(Record):
    """One line of ``probabilities.jsonl``."""

    part: Part
    model: ModelRole = "tuned"
    row: int
    """Index in its part, from 0."""
    expected: str | None
    label: str
    """The most probable one. The text of the model is in ``predictions.jsonl``."""
    probabilities: dict[str, float]
    """As the backend gave them."""
    calibrated: dict[str, float] | None = None
    """At the temperature of the run."""


def tempered(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return ``p ** (1 / temperature)``, each row normalized again, ``[rows, labels]``."""
    import numpy as np
    from scipy.special import softmax

    logits = np.log(np.maximum(np.asarray(probabilities, dtype=float), _TINY))
    return np.asarray(softmax(logits / temperature, axis=-1))


def negative_log_likelihood(probabilities: ArrayLike, expected: Sequence[int]) -> float:
    """Return the mean of ``-log p`` of the expected label, in nats."""
    import numpy as np

    rows = np.asarray(probabilities, dtype=float)
    return float(-np.log(np.maximum(rows[np.arange(len(rows)), expected], _TINY)).mean())


def fit_temperature(probabilities: ArrayLike, expected: Sequence[int]) -> float:
    """Return the temperature with the least negative log-likelihood of held-out rows."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda t: negative_log_likelihood(tempered(probabilities, exp(t)), expected),
        bounds=(log(COLDEST), log(HOTTEST)),
        method="bounded",
    )
    return exp(float(found.x))


def reliability(
    probabilities: ArrayLike, expected: Sequence[int], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Sort rows by their highest probability into ``bins`` intervals of equal width.

    The intervals are ``(i / bins, (i + 1) / bins]``; those without rows are left out.
    """
    import numpy as np

    confidence, right = _judged(probabilities, expected)
    places = np.ceil(confidence * bins).clip(1, bins)
    return tuple(
        ReliabilityBin(
            rows=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for inside in (places == place for place in np.unique(places))
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1 (Guo et al. 2017, equation 3).

    The gap of a bin is the difference between its mean confidence and its accuracy, weighted by
    its share of the rows. With few rows it is above 0 even for a model that is calibrated.
    """
    gaps = sum(b.rows * abs(b.confidence - b.accuracy) for b in bins)
    return gaps / sum(b.rows for b in bins)


def coverage_point(
    probabilities: ArrayLike, expected: Sequence[int], threshold: float
) -> CoveragePoint | None:
    """Return coverage and accuracy at ``threshold``; None if no row is answered."""
    confidence, right = _judged(probabilities, expected)
    answered = confidence >= threshold
    covered, correct = int(answered.sum()), int(right[answered].sum())
    if not covered:
        return None
    return CoveragePoint(
        threshold=threshold,
        covered=covered,
        coverage=covered / len(right),
        accuracy=correct / covered,
        accuracy_interval=wilson_interval(correct, covered),
    )


def coverage_curve(probabilities: ArrayLike, expected: Sequence[int]) -> tuple[CoveragePoint, ...]:
    """Return a point for each hundredth of threshold from 0 at which fewer rows are answered."""
    points: list[CoveragePoint] = []
    for percent in range(100):
        point = coverage_point(probabilities, expected, percent / 100)
        if point and (not points or point.covered < points[-1].covered):
            points.append(point)
    return tuple(points)


def calibrate(
    held_out: tuple[ArrayLike, Sequence[int]],
    test: tuple[ArrayLike, Sequence[int]],
    target_accuracy: float = TARGET_ACCURACY,
) -> Calibration:
    """Fit temperature and threshold on held-out rows and report them on test rows.

    Each part is the probabilities and the expected indices of its rows.
    """
    temperature = fit_temperature(*held_out)
    fitted = (tempered(held_out[0], temperature), held_out[1])
    reported = (tempered(test[0], temperature), test[1])
    reaching = (p for p in coverage_curve(*fitted) if p.accuracy >= target_accuracy)
    chosen = next(reaching, None)
    return Calibration(
        temperature=temperature,
        fitted_rows=len(held_out[1]),
        rows=len(test[1]),
        before=_scores(*test),
        after=_scores(*reported),
        curve=coverage_curve(*reported),
        target_accuracy=target_accuracy,
        threshold=chosen.threshold if chosen else None,
        held_out=chosen,
        test=coverage_point(*reported, chosen.threshold) if chosen else None,
    )


def calibrate_rows(rows: Sequence[ScoredRow]) -> tuple[Calibration, list[ScoredRow]]:
    """Calibrate on the validation rows among ``rows``; return the rows calibrated, too."""
    calibration = calibrate(_arrays(rows, "validation"), _arrays(rows, "test"))
    return calibration, [
        row.model_copy(update={"calibrated": calibration.apply(row.probabilities)}) for row in rows
    ]


def _arrays(rows: Sequence[ScoredRow], part: Part) -> tuple[list[list[float]], list[int]]:
    found = [(row.probabilities, str(row.expected)) for row in rows if row.part == part]
    places = [list(probabilities).index(label) for probabilities, label in found]
    return [list(probabilities.values()) for probabilities, _ in found], places


def _judged(
    probabilities: ArrayLike, expected: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    import numpy as np

    rows = np.asarray(probabilities, dtype=float)
    return rows.max(-1), rows.argmax(-1) == np.asarray(expected)


def _scores(probabilities: ArrayLike, expected: Sequence[int]) -> ProbabilityScores:
    import numpy as np

    rows = np.asarray(probabilities, dtype=float)
    bins = reliability(rows, expected)
    wanted = np.eye(rows.shape[1])[list(expected)]
    return ProbabilityScores(
        ece=expected_calibration_error(bins),
        nll=negative_log_likelihood(rows, expected),
        brier=float(((rows - wanted) ** 2).sum(-1).mean()),
        bins=bins,
    )
