"""The report of one run: a page that stands alone, verdict first.

No script, no request, light and dark. Whatever a data set or a model said is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tunesmith import charts
from tunesmith.atomic import write_atomically
from tunesmith.charts import Standing
from tunesmith.comparison import format_p, p_text
from tunesmith.errors import RunError
from tunesmith.evaluation import Evaluation
from tunesmith.records import LearningCurve, ModelRole, Prediction
from tunesmith.runs import LEARNING_CURVE, REPORT, Baseline, Run, RunRecord

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

SHOWN_DISAGREEMENTS = 40
SHOWN_ERRORS = 20
SHOWN_CHARACTERS = 800

TUNED, BASE = "tuned model", "base model"
TFIDF = "tfidf_logreg"
_TITLES = {"majority": "Majority class", TFIDF: "TF-IDF + logistic regression"}
_NAMES = {"majority": "Majority", TFIDF: "TF-IDF"}
# C0 and C1 except tab and line feed, and what turns the direction of the text around it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DEVELOPMENT_MODEL = "tunesmith/micro-granite"


@dataclass(frozen=True)
class Headline:
    """The verdict in words."""

    lead: str
    sentence: str
    explanation: str
    tone: str
    """``good``, ``bad`` or ``plain``."""


@dataclass(frozen=True)
class Case:
    """A test row with what each model said about it."""

    row: int
    input: str
    expected: str
    answers: Mapping[ModelRole, Prediction]

    def right(self, role: ModelRole) -> bool:
        """Return whether the model of ``role`` answered, and answered as expected."""
        answer = self.answers.get(role)
        return answer is not None and answer.label == self.expected

    @property
    def side(self) -> str:
        """Say who is right."""
        tuned, base = self.right("tuned"), self.right("base")
        if tuned != base:
            return f"only the {TUNED if tuned else BASE} is right"
        return "both are wrong" if len(self.answers) > 1 else "wrong"


def write(run: Run) -> None:
    """Write ``report.html`` and, where there is a curve, ``learning_curve.svg`` of ``run``.

    Raises:
        RunError: the run has no evaluation or no readable predictions.
        OSError: the run directory cannot be written.
    """
    page = render(run.record, run.predictions())
    curve = _curve(run.record)
    if curve:
        svg = charts.standalone(charts.learning_curve(curve))
        write_atomically(run.directory / LEARNING_CURVE, svg)
    write_atomically(run.directory / REPORT, page)


def render(record: RunRecord, predictions: Sequence[Prediction]) -> str:
    """Return the report as one HTML page; the same arguments give the same text.

    Args:
        record: of a run that was evaluated.
        predictions: all that it made, in any order.

    Raises:
        RunError: the record holds no evaluation.
    """
    if not record.evaluations:
        raise RunError(f"run {record.name!r} holds no evaluation; there is nothing to report")
    primary = record.primary
    differing, remaining = _cases(record, predictions, primary)
    standings = _standings(record)
    curve = _curve(record)
    page = _environment().get_template("report.html").render(
        record=record,
        primary=primary,
        evaluations=dict(sorted(record.evaluations.items(), reverse=True)),
        model_name=TUNED if primary == "tuned" else BASE,
        headline=headline(record),
        warnings=_warnings(record),
        standings=standings,
        cheap_truth=cheap_truth(record.baselines),
        board=_both_widths(charts.scoreboard, standings),
        curve=_both_widths(charts.learning_curve, curve) if curve else None,
        curve_words=_curve_in_words(record, curve) if curve else "",
        differing=differing,
        remaining=remaining,
        method=record.model.method if record.model else record.experiment["method"],
        generation=_given(record.experiment.get("generation")),
        details={k: v for k, v in _details(record).items() if k != "notes"},
        provenance=_provenance(record),
        times={stage: _duration(seconds) for stage, seconds in record.seconds.items()},
    )  # fmt: skip
    return re.sub(r"\n\s*\n+", "\n", page).strip() + "\n"


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
    explanation = (
        f"The {TUNED} is right on {found.first_correct} of {found.rows} test rows, the {BASE} on "
        f"{found.second_correct}: a difference of {_points(found.difference)}. Only the {TUNED} "
        f"is right on {_rows(found.first_only)}, only the {BASE} on {_rows(found.second_only)}; "
        f"exact McNemar {p_text(found.p_value)}.{_untold(record)}"
    )
    return Headline(lead, sentence, explanation, tone)


def _untold(record: RunRecord) -> str:
    # A base model that was not told the task loses rows for a reason that is not its judgment.
    unparsable = record.evaluations["base"].unparsable
    if not unparsable:
        return ""
    return (
        f" {unparsable} answers of the {BASE}, which read each input as it stands, are no label; "
        "the method zero_shot shows what it does with a hard prompt."
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
        f"{_rows(found.evaluation.rows)} after {_duration(found.seconds)}; {verdict} "
        f"({_points(found.comparison.difference)}, {p_text(found.comparison.p_value)})."
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
    sentence = f"the {name} is right on {evaluation.correct} of {_rows(evaluation.rows)}."
    return Headline("Measured, not compared:", sentence, why, "plain")


def _warnings(record: RunRecord) -> list[str]:
    warnings = []
    if record.stand_in:
        warnings.append(f"{record.stand_in} answered in place of {record.base_model}.")
    if record.emulated:
        warnings.append(
            "This run was emulated: it speaks the provider's interface, not for its models."
        )
    if record.base_model == _DEVELOPMENT_MODEL:
        warnings.append(
            f"{record.base_model} is a small stand-in for development, not a Granite checkpoint."
        )
    return warnings


def _standings(record: RunRecord) -> list[Standing]:
    spent = record.seconds
    tuning = [spent[stage] for stage in ("tune", "deploy", "predict tuned") if stage in spent]
    times = {"tuned": sum(tuning) if tuning else None, "base": spent.get("predict base")}
    own = [
        Standing(role.title(), f"{role.title()} model", evaluation, times[role], role)
        for role, evaluation in sorted(record.evaluations.items(), reverse=True)
    ]
    cheap = [
        Standing(
            _NAMES.get(b.method, b.method), _TITLES.get(b.method, b.method), b.evaluation,
            b.seconds, "baseline",
        )
        for b in sorted(record.baselines, key=lambda b: -b.evaluation.accuracy)
    ]  # fmt: skip
    return own + cheap


def _cases(
    record: RunRecord, predictions: Sequence[Prediction], primary: ModelRole
) -> tuple[list[Case], list[Case]]:
    """Return the disagreements to show and the errors that are not among them, uncut."""
    by_row: dict[int, dict[ModelRole, Prediction]] = {}
    for prediction in predictions:
        by_row.setdefault(prediction.row, {})[prediction.model] = prediction
    cases = [_case(row, answers) for row, answers in sorted(by_row.items())]
    found = record.comparison.disagreements if record.comparison else ()
    rows = {d.row for d in found}
    differing = _fair_share([case for case in cases if case.row in rows])
    remaining = [case for case in cases if case.row not in rows and not case.right(primary)]
    return differing, remaining


def _case(row: int, answers: Mapping[ModelRole, Prediction]) -> Case:
    any_answer = next(iter(answers.values()))
    return Case(row, any_answer.input, any_answer.expected or "", answers)


def _fair_share(cases: Sequence[Case]) -> list[Case]:
    """Cut to ``SHOWN_DISAGREEMENTS``: what tuning lost first, and neither side crowded out."""
    lost = [case for case in cases if case.right("base")]
    won = [case for case in cases if case.right("tuned")]
    half = SHOWN_DISAGREEMENTS // 2
    lost = lost[: max(half, SHOWN_DISAGREEMENTS - len(won))]
    return lost + won[: SHOWN_DISAGREEMENTS - len(lost)]


def _curve(record: RunRecord) -> LearningCurve | None:
    curve = record.model.curve if record.model else LearningCurve()
    return curve if curve.steps or curve.epochs else None


def _curve_in_words(record: RunRecord, curve: LearningCurve) -> str:
    steps = _details(record).get("optimizer_steps") or len(curve.steps)
    epochs = f" in {_count(len(curve.epochs), 'epoch')}" if curve.epochs else ""
    words = [f"{_count(steps, 'optimizer step')}{epochs}."]
    if len(curve.epochs) > 1:
        first, last = curve.epochs[0], curve.epochs[-1]
        words.append(f"The training loss went from {first.loss:.3g} to {last.loss:.3g}.")
    if curve.best_epoch is not None:
        words.append(f"Validation chose epoch {curve.best_epoch}; its prompt was kept.")
    return " ".join(words)


def _details(record: RunRecord) -> dict[str, Any]:
    return record.model.details if record.model else {}


def _provenance(record: RunRecord) -> dict[str, Any]:
    seed = record.experiment.get("seed")
    facts = {
        "seed": f"{seed}, {'honored' if record.seed_honored else 'not honored by the backend'}",
        "started": f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "job": record.job_id,
        **record.provenance,
    }
    if git := record.provenance.get("git"):
        facts["git"] = f"{git['commit']}{', with changes' if git.get('dirty') else ''}"
    return _given(facts)


def _given(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (settings or {}).items() if value is not None}


def _both_widths(draw: Any, what: Any) -> dict[str, Markup]:
    from markupsafe import Markup

    # Safe: our own charts, whose text matplotlib escapes.
    return {
        "wide": Markup(draw(what, charts.WIDE)),  # noqa: S704
        "narrow": Markup(draw(what, charts.NARROW)),  # noqa: S704
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tunesmith"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "percent": _percent, "points": _points, "duration": _duration, "plain": _plain,
        "answer": _answer, "cut": _cut, "interval": _interval,
    }  # fmt: skip
    environment.globals |= {
        "format_p": format_p, "count": _count, "share": _share, "zip": zip,
        "SHOWN_ERRORS": SHOWN_ERRORS,
    }  # fmt: skip
    return environment


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}%"


def _interval(evaluation: Evaluation) -> str:
    low, high = evaluation.accuracy_interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f} points".replace("-", "\N{MINUS SIGN}")


def _rows(number: int) -> str:
    return _count(number, "row")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _share(cell: int, line: Sequence[int]) -> int:
    """Return the percentage of a confusion row that a cell holds."""
    return round(100 * cell / sum(line)) if any(line) else 0


def _plain(value: Any) -> str:
    """Return a setting as a reader would write it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(v)}" for key, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _answer(text: str) -> str:
    """Return generated text on one line, with what cannot be seen made visible."""
    return _cut(text, 160).replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}") or "(nothing)"


def _cut(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return at most ``limit`` characters of ``text``; no control character reaches the page."""
    clean = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.strip(" "))
    if len(clean) <= limit:
        return clean
    return f"{clean[:limit]}… (and {len(clean) - limit:,} more characters)"
