"""Charts as SVG text that follows the theme of the page: one rendering, light and dark.

Every color is drawn as a marker and replaced by a CSS variable of ``templates/theme.css``. Text
stays text. Figures are made through matplotlib's object API, so no global state is left behind,
and the same input gives the same bytes. Widths are in CSS pixels.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tunesmith.evaluation.calibration import Calibration
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import LearningCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 720, 340
"""The text column of a page, and a phone."""

INK, MUTED, LINE, ACCENT, PAPER = "#010101", "#010102", "#010103", "#010104", "#010105"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent", PAPER: "paper"}
_POINTS_PER_INCH = 72
_FONT_SIZE = 12
_DASHED = (0, (2, 3))
_RING: dict[str, Any] = {"mfc": "none", "mec": INK, "mew": 1.8}

UNAVAILABLE = (
    "The chart is missing because matplotlib is not installed; "
    "install it with: pip install 'tunesmith[charts]'"
)


@dataclass(frozen=True)
class Standing:
    """One line of the scoreboard."""

    name: str
    """Short, for the chart."""
    title: str
    """In full, for the table."""
    evaluation: Evaluation
    seconds: float | None
    kind: str
    """``tuned``, ``base``, ``other`` (one of these in the other reading) or ``baseline``."""


@dataclass(frozen=True)
class Point:
    """One line of a plot of intervals."""

    name: str
    accuracy: float
    interval: tuple[float, float]
    mark: str = "plain"
    """``recommended`` (a filled diamond), ``best`` (a filled dot) or ``plain`` (a ring)."""
    tag: str = ""
    """Text beside the name, so that a reader need not remember the shapes."""
    beside: str = ""
    """Text at the right on a wide page: time and cost."""
    reach: tuple[float, float] | None = None
    """The least and the greatest accuracy over seeds."""

    @property
    def color(self) -> str:
        """The color of its mark, which may also be the kind of a standing."""
        colors = {"recommended": ACCENT, "tuned": ACCENT, "best": INK, "base": INK}
        return colors.get(self.mark, MUTED)


def available() -> bool:
    """Return whether matplotlib, which draws all charts, is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def scoreboard(standings: Sequence[Standing], width: int = WIDE) -> str:
    """Draw accuracy (dot) and Wilson's 95 % interval (line) of each standing, first on top."""
    scores = [standing.evaluation for standing in standings]
    figure, axes = _blank(width, 58 + 34 * len(standings))
    axes.axvline(100 * scores[0].accuracy, color=ACCENT, lw=1, alpha=0.35, zorder=1)
    for place, (one, score) in enumerate(zip(standings, scores, strict=True)):
        _draw_point(axes, place, Point(one.name, score.accuracy, score.accuracy_interval, one.kind))
    axes.set_ylim(len(standings) - 0.5, -0.5)
    low = min(score.accuracy_interval[0] for score in scores)
    _accuracy_axis(axes, low, [one.name for one in standings], wide=width > NARROW)
    said = "; ".join(f"{one.title} {one.evaluation.accuracy:.1%}" for one in standings)
    return _svg(figure, f"scoreboard-{width}", f"Accuracy with 95% intervals: {said}.")


def intervals(points: Sequence[Point], width: int = WIDE, majority: float | None = None) -> str:
    """Draw accuracy and its 95 % interval of each point, at least one, first on top.

    The accuracy of the majority class, if it is given, is a dashed line.
    """
    wide = width > NARROW
    figure, axes = _blank(width, 64 + (38 if wide else 48) * len(points))
    for place, point in enumerate(points):
        _draw_point(axes, place, point, beside=wide)
        if not wide:
            name = f"{point.name}, {point.tag}" if point.tag else point.name
            _annotate(axes, name, (0, place), (0, 11), va="bottom", color=INK)
    axes.set_ylim(len(points) - 0.4, -0.8 if majority is not None else -0.6)
    ends = [end for point in points for end in (*point.interval, *(point.reach or ()))]
    names = [f"{p.name}\n{p.tag}".rstrip() if wide else "" for p in points]
    low = min(ends if majority is None else [*ends, majority])
    _accuracy_axis(axes, low, names, wide=wide)
    if majority is not None:
        axes.axvline(100 * majority, color=MUTED, lw=1.2, ls=_DASHED, zorder=1)
        _annotate(axes, "majority class", (100 * majority, 1), (5, -1), va="top", color=MUTED)
    said = "; ".join(
        f"{p.name}{f' ({p.tag})' if p.tag else ''} {p.accuracy:.1%}, "
        f"{p.interval[0]:.1%} to {p.interval[1]:.1%}"
        for p in points
    )
    return _svg(figure, f"intervals-{width}", f"Accuracy with 95% intervals: {said}.")


def learning_curve(curve: LearningCurve, width: int = WIDE) -> str:
    """Draw the losses over epochs: each step light, each epoch strong, the best epoch marked.

    ``curve`` has at least one step or epoch.
    """
    figure, axes = _plane(width, 280, "epoch", "loss, nats per label token")
    _draw_losses(axes, curve)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", integer=True)
    _legend(figure, 3 if width > NARROW else 2)
    losses = [e.loss for e in curve.epochs] or [s.loss for s in curve.steps]
    said = f"Learning curve: the training loss went from {losses[0]:.3g} to {losses[-1]:.3g}."
    return _svg(figure, f"curve-{width}", said)


def reliability(calibration: Calibration, width: int = WIDE) -> str:
    """Draw accuracy over confidence, a dot for each bin of test rows; the diagonal is the ideal."""
    confidence = "confidence: mean highest probability, in percent"
    figure, axes = _plane(width, 320, confidence, "accuracy, in percent")
    axes.plot([0, 100], [0, 100], color=LINE, lw=1.5, zorder=1)
    before, after = calibration.before, calibration.after
    style: dict[str, Any] = {"marker": "o", "lw": 1.6, "markersize": 8, "markeredgewidth": 1.8}
    for name, scores, color, fill in (
        ("before calibration", before, MUTED, PAPER),
        ("after calibration", after, ACCENT, ACCENT),
    ):
        places = _percents(one.confidence for one in scores.bins)
        rates = _percents(one.accuracy for one in scores.bins)
        axes.plot(places, rates, color=color, markerfacecolor=fill, label=name, **style)
    axes.set_xlim(0, 102)
    axes.set_ylim(-2, 102)
    _legend(figure, 2)
    said = (
        f"Reliability on {calibration.rows} test rows: the expected calibration error is "
        f"{before.ece:.3f} before and {after.ece:.3f} after."
    )
    return _svg(figure, f"reliability-{width}", said)


def coverage(calibration: Calibration, width: int = WIDE) -> str:
    """Draw the accuracy of the answered test rows, with Wilson's interval, over their share."""
    answered = "answered test rows, in percent"
    figure, axes = _plane(width, 280, answered, "accuracy of the answered, in percent")
    shares = _percents(point.coverage for point in calibration.curve)
    low, high = zip(*(point.accuracy_interval for point in calibration.curve), strict=True)
    axes.fill_between(shares, _percents(low), _percents(high), color=ACCENT, alpha=0.15, lw=0)
    rates = _percents(point.accuracy for point in calibration.curve)
    axes.plot(shares, rates, color=ACCENT, lw=2, marker="o", markersize=4)
    axes.axhline(100 * calibration.target_accuracy, color=MUTED, lw=1, ls=_DASHED)
    if (chosen := calibration.test) is not None:
        axes.plot(100 * chosen.coverage, 100 * chosen.accuracy, "o", markersize=11, **_RING)
    axes.set_xlim(0, 102)
    axes.set_ylim(top=101)
    first, last = calibration.curve[0], calibration.curve[-1]
    said = (
        f"Coverage: accuracy is {first.accuracy:.1%} where {first.coverage:.0%} of the test rows "
        f"are answered and {last.accuracy:.1%} where {last.coverage:.0%} are."
    )
    return _svg(figure, f"coverage-{width}", said)


def standalone(svg: str) -> str:
    """Return a chart as an SVG file that brings its own theme."""
    head, body = svg.split(">", 1)
    return f"{head}>\n<style>\n{theme()}</style>{body}\n"


def theme() -> str:
    """Return the CSS variables that the charts are drawn with."""
    return files("tunesmith").joinpath("templates/theme.css").read_text(encoding="utf-8")


def _percents(rates: Iterable[float]) -> list[float]:
    return [100 * rate for rate in rates]


def _blank(width: int, height: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    size = (width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    figure = Figure(figsize=size, layout="constrained", facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=_FONT_SIZE, labelcolor=MUTED, pad=6)
    axes.xaxis.label.set_fontsize(_FONT_SIZE)
    axes.yaxis.label.set_fontsize(_FONT_SIZE)
    axes.set_axisbelow(True)
    return figure, axes


def _plane(width: int, height: int, x: str, y: str) -> tuple[Figure, Axes]:
    """Return a blank chart with the names of its axes; a narrow one is less high."""
    figure, axes = _blank(width, height if width > NARROW else height - 40)
    axes.grid(axis="y", color=LINE, lw=0.8)
    axes.set_xlabel(x, color=MUTED)
    axes.set_ylabel(y, color=MUTED)
    return figure, axes


def _accuracy_axis(axes: Axes, low: float, names: Sequence[str], *, wide: bool) -> None:
    axes.set_xlim(10 * int(10 * low), 101)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(axis="y", labelcolor=INK, pad=8)
    axes.locator_params(axis="x", integer=True, nbins=7 if wide else 4)
    axes.set_xlabel("accuracy on the test rows, in percent", color=MUTED)
    axes.grid(axis="x", color=LINE, lw=0.8)


def _legend(figure: Figure, columns: int) -> None:
    figure.legend(
        loc="outside upper left", ncols=columns, frameon=False, labelcolor=INK,
        fontsize=_FONT_SIZE, handlelength=1.6, columnspacing=1.6, borderaxespad=0.2,
    )  # fmt: skip


def _annotate(
    axes: Axes, text: str, at: tuple[float, float], offset: tuple[int, int], **style: Any
) -> None:
    """Write beside a place on an axis; the other coordinate is 0 or 1, an end of the frame."""
    frame = ("data", "axes fraction") if style["va"] == "top" else ("axes fraction", "data")
    axes.annotate(
        text, at, xycoords=frame, xytext=offset, textcoords="offset points", parse_math=False,
        **{"fontsize": _FONT_SIZE, **style},
    )  # fmt: skip


def _draw_point(axes: Axes, place: int, point: Point, *, beside: bool = False) -> None:
    color, at = point.color, (1, place)
    low, high = _percents(point.interval)
    if point.reach is not None:
        reach = _percents(point.reach)
        axes.plot(reach, [place, place], color=color, lw=9, alpha=0.3, solid_capstyle="butt")
    axes.plot([low, high], [place, place], color=color, lw=2.4, solid_capstyle="round", zorder=2)
    axes.plot(
        100 * point.accuracy, place, "D" if point.mark == "recommended" else "o", markersize=10,
        color=color, markerfacecolor=PAPER if color == MUTED else color, markeredgewidth=2.4,
        zorder=3, clip_on=False,  # a mark at 0 % is on the frame
    )  # fmt: skip
    style = {"va": "center", "color": color, "fontsize": 13}
    style["fontweight"] = "bold" if color == ACCENT else "normal"
    _annotate(axes, f"{100 * point.accuracy:.1f}%", at, (12, 0), **style)
    if beside:
        _annotate(axes, point.beside, at, (68, 0), va="center", color=MUTED)


def _draw_losses(axes: Axes, curve: LearningCurve) -> None:
    # Dots on many epochs would hide the line.
    dots: dict[str, Any] = {"marker": "o", "markersize": 4} if len(curve.epochs) <= 30 else {}
    means = {e.epoch: e.loss for e in curve.epochs}
    checked = {e.epoch: e.validation_loss for e in curve.epochs if e.validation_loss is not None}
    if curve.steps:
        axes.plot(*_steps(curve), color=ACCENT, lw=1.2, alpha=0.6, label="training, each step")
    for losses, color, lw, name in (
        (means, ACCENT, 2.4, "training, epoch mean"),
        (checked, INK, 2, "validation"),
    ):
        if losses:
            axes.plot(list(losses), list(losses.values()), color=color, lw=lw, label=name, **dots)
    if curve.best_epoch is not None:
        _mark_best(axes, curve.best_epoch, checked.get(curve.best_epoch))


def _steps(curve: LearningCurve) -> tuple[list[float], list[float]]:
    # A step is drawn at the fraction of its epoch that ends with it: one axis for steps and epochs.
    in_epoch = Counter(step.epoch for step in curve.steps)
    seen: Counter[int] = Counter()
    places = []
    for step in curve.steps:
        seen[step.epoch] += 1
        places.append(step.epoch - 1 + seen[step.epoch] / in_epoch[step.epoch])
    return places, [step.loss for step in curve.steps]


def _mark_best(axes: Axes, epoch: int, loss: float | None) -> None:
    axes.axvline(epoch, color=MUTED, lw=1, ls=_DASHED)
    if loss is not None:
        axes.plot(epoch, loss, "o", markersize=10, **_RING)
    side, right = ("right", -6) if epoch > sum(axes.get_xlim()) / 2 else ("left", 6)
    text = f"best epoch: {epoch}"
    _annotate(axes, text, (epoch, 1), (right, -4), ha=side, va="top", color=MUTED)


def _svg(figure: Figure, name: str, description: str) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    box = re.search(r'viewBox="[^"]*"', svg)
    # Groups carry ids that repeat from chart to chart, and nothing refers to them.
    body = re.sub(r'<g id="[^"]*"', "<g", svg[svg.index("</style>") :].split("</defs>", 1)[1])
    for marker, variable in _VARIABLES.items():
        body = body.replace(marker, f"var(--{variable})")
    body = re.sub(r'font-family: [^;"]*', "font-family: inherit", body)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label="{escape(description)}" stroke-linejoin="round" '
        f"{box[0] if box else ''}>\n{body.strip()}"
    )
