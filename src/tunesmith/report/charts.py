"""Charts as SVG text that follows the theme of the page: one rendering, light and dark.

Every color is drawn as a marker and replaced by a CSS variable of ``templates/theme.css``. Text
stays text. Figures are made through matplotlib's object API, so no global state is left behind,
and the same input gives the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tunesmith.evaluation.calibration import Calibration, ReliabilityBin
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import LearningCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 720, 340
"""Widths in CSS pixels: the text column of a page, and a phone."""

INK, MUTED, LINE, ACCENT, PAPER = "#010101", "#010102", "#010103", "#010104", "#010105"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent", PAPER: "paper"}
_POINTS_PER_INCH = 72
_FONT_SIZE = 12
_ROW_HEIGHT = 34

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


def available() -> bool:
    """Return whether matplotlib, which draws all charts, is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def scoreboard(standings: Sequence[Standing], width: int = WIDE) -> str:
    """Draw accuracy (dot) and Wilson's 95 % interval (line) of each standing, first on top.

    Args:
        standings: from top to bottom.
        width: of the chart, in CSS pixels.
    """
    figure, axes = _blank(width, 58 + _ROW_HEIGHT * len(standings))
    axes.axvline(100 * standings[0].evaluation.accuracy, color=ACCENT, lw=1, alpha=0.35, zorder=1)
    for place, standing in enumerate(standings):
        _draw_standing(axes, place, standing)
    low = min(s.evaluation.accuracy_interval[0] for s in standings)
    axes.set_ylim(len(standings) - 0.5, -0.5)
    _accuracy_axis(axes, low, [s.name for s in standings], wide=width > NARROW)
    said = "; ".join(f"{s.title} {s.evaluation.accuracy:.1%}" for s in standings)
    return _svg(figure, f"scoreboard-{width}", f"Accuracy with 95% intervals: {said}.")


def intervals(points: Sequence[Point], width: int = WIDE, majority: float | None = None) -> str:
    """Draw accuracy and its 95 % interval of each point, first on top.

    Args:
        points: at least one, from top to bottom.
        width: of the chart, in CSS pixels.
        majority: accuracy of the majority class, drawn as a dashed line.
    """
    wide = width > NARROW
    figure, axes = _blank(width, 64 + (38 if wide else 48) * len(points))
    for place, point in enumerate(points):
        _draw_point(axes, place, point, wide=wide)
    ends = [end for point in points for end in (*point.interval, *(point.reach or ()))]
    axes.set_ylim(len(points) - 0.4, -0.8 if majority is not None else -0.6)
    names = [f"{p.name}\n{p.tag}" if p.tag else p.name for p in points]
    low = min([*ends, *([] if majority is None else [majority])])
    _accuracy_axis(axes, low, names if wide else [""] * len(names), wide=wide)
    if majority is not None:
        _draw_majority(axes, 100 * majority)
    return _svg(figure, f"intervals-{width}", _points_in_words(points))


def learning_curve(curve: LearningCurve, width: int = WIDE) -> str:
    """Draw the losses over epochs: each step light, each epoch strong, the best epoch marked.

    Args:
        curve: with at least one step or epoch.
        width: of the chart, in CSS pixels.
    """
    figure, axes = _blank(width, 280 if width > NARROW else 240)
    _draw_losses(axes, curve)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="y", color=LINE, lw=0.8)
    axes.set_xlabel("epoch", color=MUTED)
    axes.set_ylabel("loss, nats per label token", color=MUTED)
    _legend(figure, 3 if width > NARROW else 2)
    return _svg(figure, f"curve-{width}", _curve_in_words(curve))


def reliability(calibration: Calibration, width: int = WIDE) -> str:
    """Draw accuracy over confidence, a dot for each bin of test rows; the diagonal is the ideal.

    Args:
        calibration: of a run.
        width: of the chart, in CSS pixels.
    """
    figure, axes = _blank(width, 320 if width > NARROW else 280)
    axes.plot([0, 100], [0, 100], color=LINE, lw=1.5, zorder=1)
    _draw_bins(axes, calibration.before.bins, MUTED, PAPER, "before")
    _draw_bins(axes, calibration.after.bins, ACCENT, ACCENT, "after")
    axes.set_xlim(0, 102)
    axes.set_ylim(-2, 102)
    axes.grid(axis="y", color=LINE, lw=0.8)
    axes.set_xlabel("confidence: mean highest probability, in percent", color=MUTED)
    axes.set_ylabel("accuracy, in percent", color=MUTED)
    _legend(figure, 2)
    return _svg(
        figure, f"reliability-{width}",
        f"Reliability on {calibration.rows} test rows: the expected calibration error is "
        f"{calibration.before.ece:.3f} before and {calibration.after.ece:.3f} after.",
    )  # fmt: skip


def coverage(calibration: Calibration, width: int = WIDE) -> str:
    """Draw the accuracy of the answered test rows, with Wilson's interval, over their share.

    Args:
        calibration: of a run.
        width: of the chart, in CSS pixels.
    """
    figure, axes = _blank(width, 280 if width > NARROW else 240)
    shares = [100 * point.coverage for point in calibration.curve]
    low, high = zip(*(point.accuracy_interval for point in calibration.curve), strict=True)
    axes.fill_between(
        shares, [100 * x for x in low], [100 * x for x in high], color=ACCENT, alpha=0.15, lw=0
    )
    rates = [100 * point.accuracy for point in calibration.curve]
    axes.plot(shares, rates, color=ACCENT, lw=2, marker="o", markersize=4)
    axes.axhline(100 * calibration.target_accuracy, color=MUTED, lw=1, ls=(0, (2, 3)))
    if calibration.test is not None:
        chosen = 100 * calibration.test.coverage, 100 * calibration.test.accuracy
        axes.plot(*chosen, "o", markersize=11, mfc="none", mec=INK, mew=1.8)
    axes.set_xlim(0, 102)
    axes.set_ylim(top=101)
    axes.grid(axis="y", color=LINE, lw=0.8)
    axes.set_xlabel("answered test rows, in percent", color=MUTED)
    axes.set_ylabel("accuracy of the answered, in percent", color=MUTED)
    return _svg(figure, f"coverage-{width}", _coverage_in_words(calibration))


def standalone(svg: str) -> str:
    """Return a chart as an SVG file that brings its own theme."""
    head, body = svg.split(">", 1)
    return f"{head}>\n<style>\n{theme()}</style>{body}\n"


def theme() -> str:
    """Return the CSS variables that the charts are drawn with."""
    return files("tunesmith").joinpath("templates/theme.css").read_text(encoding="utf-8")


def _blank(width: int, height: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH),
        layout="constrained", facecolor="none",
    )  # fmt: skip
    axes = figure.add_subplot(facecolor="none")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=_FONT_SIZE, labelcolor=MUTED, pad=6)
    axes.xaxis.label.set_fontsize(_FONT_SIZE)
    axes.yaxis.label.set_fontsize(_FONT_SIZE)
    axes.set_axisbelow(True)
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


def _draw_bins(
    axes: Axes, bins: Sequence[ReliabilityBin], color: str, fill: str, name: str
) -> None:
    axes.plot(
        [100 * one.confidence for one in bins], [100 * one.accuracy for one in bins], "o-",
        color=color, lw=1.6, markersize=8, markerfacecolor=fill, markeredgewidth=1.8,
        label=f"{name} calibration",
    )  # fmt: skip


def _coverage_in_words(calibration: Calibration) -> str:
    first, last = calibration.curve[0], calibration.curve[-1]
    return (
        f"Coverage: accuracy is {first.accuracy:.1%} where {first.coverage:.0%} of the test rows "
        f"are answered and {last.accuracy:.1%} where {last.coverage:.0%} are."
    )


def _draw_standing(axes: Axes, place: int, standing: Standing) -> None:
    color = {"tuned": ACCENT, "base": INK}.get(standing.kind, MUTED)
    low, high = (100 * bound for bound in standing.evaluation.accuracy_interval)
    accuracy = 100 * standing.evaluation.accuracy
    axes.plot([low, high], [place, place], color=color, lw=2.4, solid_capstyle="round", zorder=2)
    axes.plot(
        accuracy, place, "o", markersize=10, color=color, markeredgewidth=2.4, zorder=3,
        clip_on=False,  # a mark at 0 % is on the frame
        markerfacecolor=PAPER if standing.kind in ("baseline", "other") else color,
    )  # fmt: skip
    axes.annotate(
        f"{accuracy:.1f}%", (1, place), xycoords=("axes fraction", "data"), xytext=(12, 0),
        textcoords="offset points", va="center", color=color, fontsize=13,
        fontweight="bold" if standing.kind == "tuned" else "normal",
    )  # fmt: skip


def _draw_losses(axes: Axes, curve: LearningCurve) -> None:
    # Dots on many epochs would hide the line.
    dots: dict[str, Any] = {"marker": "o", "markersize": 4} if len(curve.epochs) <= 30 else {}
    if curve.steps:
        axes.plot(*_steps(curve), color=ACCENT, lw=1.2, alpha=0.6, label="training, each step")
    if curve.epochs:
        losses = [(e.epoch, e.loss) for e in curve.epochs]
        axes.plot(
            *zip(*losses, strict=True), color=ACCENT, lw=2.4, label="training, epoch mean", **dots
        )
    checked = [(e.epoch, e.validation_loss) for e in curve.epochs if e.validation_loss is not None]
    if checked:
        axes.plot(*zip(*checked, strict=True), color=INK, lw=2, label="validation", **dots)
    if curve.best_epoch is not None:
        _mark_best(axes, curve.best_epoch, dict(checked).get(curve.best_epoch))


def _steps(curve: LearningCurve) -> tuple[list[float], list[float]]:
    # A step is drawn at the fraction of its epoch that ends with it: one axis for steps and epochs.
    in_epoch: dict[int, int] = {}
    places = []
    for step in curve.steps:
        in_epoch[step.epoch] = in_epoch.get(step.epoch, 0) + 1
        places.append((step.epoch, in_epoch[step.epoch]))
    return [e - 1 + k / in_epoch[e] for e, k in places], [step.loss for step in curve.steps]


def _mark_best(axes: Axes, epoch: int, loss: float | None) -> None:
    axes.axvline(epoch, color=MUTED, lw=1, ls=(0, (2, 3)))
    if loss is not None:
        axes.plot(epoch, loss, "o", markersize=10, mfc="none", mec=INK, mew=1.8)
    left = epoch > sum(axes.get_xlim()) / 2
    axes.annotate(
        f"best epoch: {epoch}", (epoch, 1), xycoords=("data", "axes fraction"),
        xytext=(-6 if left else 6, -4), textcoords="offset points",
        ha="right" if left else "left", va="top", color=MUTED, fontsize=_FONT_SIZE,
    )  # fmt: skip


def _draw_point(axes: Axes, place: int, point: Point, *, wide: bool) -> None:
    color = {"recommended": ACCENT, "best": INK}.get(point.mark, MUTED)
    low, high = (100 * bound for bound in point.interval)
    if point.reach is not None:
        reach = [100 * bound for bound in point.reach]
        axes.plot(reach, [place, place], color=color, lw=9, alpha=0.3, solid_capstyle="butt")
    axes.plot([low, high], [place, place], color=color, lw=2.4, solid_capstyle="round", zorder=2)
    axes.plot(
        100 * point.accuracy, place, "D" if point.mark == "recommended" else "o", markersize=10,
        color=color, markerfacecolor=PAPER if point.mark == "plain" else color,
        markeredgewidth=2.4, zorder=3, clip_on=False,
    )  # fmt: skip
    texts = [(12, 0, f"{100 * point.accuracy:.1f}%", color, 13)]
    if wide:
        texts.append((68, 0, point.beside, MUTED, _FONT_SIZE))
    for right, up, said, shade, size in texts:
        axes.annotate(
            said, (1, place), xycoords=("axes fraction", "data"), xytext=(right, up),
            textcoords="offset points", va="center", color=shade, fontsize=size, parse_math=False,
            fontweight="bold" if point.mark == "recommended" and right == 12 else "normal",
        )  # fmt: skip
    if not wide:
        axes.annotate(
            f"{point.name}, {point.tag}" if point.tag else point.name, (0, place),
            xycoords=("axes fraction", "data"), xytext=(0, 11), textcoords="offset points",
            va="bottom", color=INK, fontsize=_FONT_SIZE, parse_math=False,
        )  # fmt: skip


def _draw_majority(axes: Axes, rate: float) -> None:
    axes.axvline(rate, color=MUTED, lw=1.2, ls=(0, (2, 3)), zorder=1)
    axes.annotate(
        "majority class", (rate, 1), xycoords=("data", "axes fraction"), xytext=(5, -1),
        textcoords="offset points", va="top", color=MUTED, fontsize=_FONT_SIZE,
    )  # fmt: skip


def _points_in_words(points: Sequence[Point]) -> str:
    said = (
        f"{p.name}{f' ({p.tag})' if p.tag else ''} {p.accuracy:.1%}, {p.interval[0]:.1%} to "
        f"{p.interval[1]:.1%}"
        for p in points
    )
    return f"Accuracy with 95% intervals: {'; '.join(said)}."


def _curve_in_words(curve: LearningCurve) -> str:
    losses = [e.loss for e in curve.epochs] or [s.loss for s in curve.steps]
    return f"Learning curve: the training loss went from {losses[0]:.3g} to {losses[-1]:.3g}."


def _svg(figure: Figure, name: str, description: str) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _themed(buffer.getvalue(), description)


def _themed(svg: str, description: str) -> str:
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
