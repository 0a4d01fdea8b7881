"""The symptoms of a run, each with its numbers and the next command to try."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tunesmith.evaluation.metrics import Evaluation
from tunesmith.labels import LabelSet
from tunesmith.methods import render
from tunesmith.records import LearningCurve, ModelRole, Prediction, Record
from tunesmith.runs.record import RunRecord
from tunesmith.runs.unparsed import LABEL_KINDS, Way, setting_text, ways_of

Kind = Literal[
    "loss is flat", "loss rose", "best epoch is the first", "below majority", "one label always",
    "no label",
]  # fmt: skip

FLAT = 0.02
"""A relative change of the training loss that counts as none. The means of two epochs over a few
hundred rows differ by as much if nothing is learned; tuning that learns lowers the loss by tens of
percent in its first epochs."""
STEPS_APART = 0.1
"""The same for single steps, whose losses scatter more."""
JUMP = 0.5
"""From this relative rise above the loss of the first step on, a step has gone astray. That loss is
the untuned model's; the rows of a step make it scatter less."""
GUESS = math.log(2)
"""The loss of guessing between two labels. A model with a higher one writes no label reliably."""
FEW_STEPS = 50
"""With fewer optimizer steps, more of them are tried before another learning rate."""
ALWAYS = 0.95
"""From this share of one label among the answers on, it counts as the only one."""
UNPARSABLE = 0.2
"""From this share on, answers that are no label are a symptom."""
COMMON = 0.8
"""From this share of them on, one way's own remedy comes first."""
SHOWN = 3
"""Raw answers that are shown."""


class Symptom(Record):
    """A symptom of a run, with a remedy."""

    kind: Kind
    seen: str
    """The observation, with its numbers."""
    remedy: str
    """The remedy in words."""
    command: str
    """The command to try next; ``FILE`` is the experiment file. Empty if there is none."""
    role: ModelRole
    """The model that shows it."""
    answers: tuple[str, ...] = ()
    """Raw answers that are no label, the first few."""
    ways: tuple[Way, ...] = ()
    """The ways in which answers are no label, the commonest first."""

    @property
    def line(self) -> str:
        """The symptom on one line."""
        then = f" To try: {self.remedy}, {self.command}" if self.command else f" {self.remedy}."
        return f"{self.seen}{then}"


class _Finding(NamedTuple):
    """A symptom whose remedy is not yet a command."""

    kind: Kind
    seen: str
    remedy: _Remedy
    role: ModelRole = "tuned"
    answers: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()


_Remedy = tuple[str, Mapping[str, Any]]
"""In words, and as settings."""
_NO_SETTING: _Remedy = "look at the data", {}
_NOTHING: _Remedy = "No setting is known to help", {}


def diagnose(record: RunRecord, predictions: Sequence[Prediction] = ()) -> tuple[Symptom, ...]:
    """Return the symptoms of ``record``, the worst for its own model first.

    Without its predictions, texts that are no label are not examined.
    """
    command = f"tunesmith run FILE --backend {record.backend}"
    # The method of a trial is one of many in its file.
    method = record.experiment["method"] if record.alone else None
    return tuple(_symptom(one, command, method) for one in _findings(record, predictions))


def diagnose_curve(
    curve: LearningCurve, settings: Mapping[str, Any], command: str = "tunesmith run FILE"
) -> tuple[Symptom, ...]:
    """Return the symptoms of a learning curve.

    Args:
        curve: of one tuning.
        settings: hyper-parameters by name, as far as they are known: ``learning_rate``,
            ``num_epochs``, ``accumulate_steps``.
        command: that tunes again; ``--set`` is added to it.
    """
    return tuple(_symptom(one, command) for one in _of_curve(curve, settings))


def needs_answers(record: RunRecord) -> bool:
    """Return whether :func:`diagnose` would look into the answers of ``record``."""
    found = [record.evaluations, record.other_reading.evaluations if record.other_reading else {}]
    return any(evaluation.unparsable for one in found for evaluation in one.values())


def _symptom(found: _Finding, command: str, method: Mapping[str, Any] | None = None) -> Symptom:
    """Return ``found`` with the command; it holds all of ``method`` if the file has another."""
    remedy, settings = found.remedy
    if method is not None and settings and "method.name" not in settings:
        own = {k.partition(".")[2]: v for k, v in settings.items() if k.startswith("method.")}
        rest = {k: v for k, v in settings.items() if not k.startswith("method.")}
        settings = {"method": {**method, **own}, **rest}
    words = [command, *(f"--set {setting_text(*pair)}" for pair in settings.items())]
    then = " ".join(words) if settings else ""
    if found.remedy is _NO_SETTING:
        then = "tunesmith audit FILE"
    return Symptom(**{**found._asdict(), "remedy": remedy, "command": then})


def _findings(record: RunRecord, predictions: Sequence[Prediction]) -> Iterator[_Finding]:
    if record.primary in record.evaluations and record.kind != "constant":
        yield from _of_own_model(record, record.evaluations[record.primary])
    if record.model is not None:
        yield from _of_curve(record.model.curve, record.model.method)
    for model in sorted(record.evaluations, reverse=True):
        answers = [p for p in predictions if p.model == model]
        yield from _no_label(record, model, answers)


def _of_curve(curve: LearningCurve, settings: Mapping[str, Any]) -> Iterator[_Finding]:
    if (jumped := _jump(curve)) is not None:
        # Whatever came after: if the loss is flat now, larger steps would be the wrong remedy.
        yield _Finding("loss rose", jumped, _slower(settings))
        return
    ends = _ends(curve)
    if ends is None:
        return
    first, last, place, apart = ends
    seen = f"the training loss went from {first:.3g} to {last:.3g} {place}"
    if last > first * (1 + apart):
        rose = f"{seen}: it ended higher than it began."
        yield _Finding("loss rose", rose, _slower(settings))
    elif last > first * (1 - FLAT):
        yield _Finding("loss is flat", f"{seen}: nothing was learned.", _more(curve, settings))
    if curve.best_epoch == 1 and len(curve.epochs) > 1:
        seen = (
            f"of {len(curve.epochs)} epochs the first has the lowest validation loss: what came "
            "after made it worse."
        )
        yield _Finding("best epoch is the first", seen, _slower(settings))


def _jump(curve: LearningCurve) -> str | None:
    """Return the observation that steps were too large and the model never recovered, or None."""
    if not curve.steps:
        return None
    first, highest = curve.steps[0], max(curve.steps, key=lambda step: step.loss)
    quarter = max(1, len(curve.steps) // 4)
    last = curve.epochs[-1].loss if curve.epochs else (
        sum(step.loss for step in curve.steps[-quarter:]) / quarter
    )  # fmt: skip
    if highest.loss <= first.loss * (1 + JUMP) or last <= GUESS:
        return None
    return (
        f"the training loss jumped from {first.loss:.3g} to {highest.loss:.3g} at step "
        f"{highest.step} and ended at {last:.3g}; guessing between two labels has {GUESS:.2f}."
    )


def _ends(curve: LearningCurve) -> tuple[float, float, str, float] | None:
    """Return first and last loss, their place in words, and the least change that counts."""
    losses = [epoch.loss for epoch in curve.epochs]
    if len(losses) > 1:
        return losses[0], losses[-1], f"in {len(losses)} epochs", FLAT
    steps = [step.loss for step in curve.steps]
    quarter = len(steps) // 4
    if quarter < 2:
        return None
    first, last = (sum(part) / quarter for part in (steps[:quarter], steps[-quarter:]))
    return first, last, f"from the first to the last {quarter} of {len(steps)} steps", STEPS_APART


def _slower(settings: Mapping[str, Any]) -> _Remedy:
    rate = settings.get("learning_rate")
    if not rate:
        return _NO_SETTING
    return "take a lower learning rate", {"method.learning_rate": _rounded(rate / 10)}


def _more(curve: LearningCurve, settings: Mapping[str, Any]) -> _Remedy:
    """Return the remedy if nothing was learned: more steps if there were few, else larger ones."""
    steps, rate = len(curve.steps), settings.get("learning_rate")
    if steps and steps < FEW_STEPS:
        more = {"method.accumulate_steps": 1} if settings.get("accumulate_steps", 1) > 1 else {
            "method.num_epochs": min(1000, 4 * int(settings.get("num_epochs") or 5))
        }  # fmt: skip
        return f"take more optimizer steps than {steps}", more
    if not rate:
        return _NO_SETTING
    return "take a higher learning rate", {"method.learning_rate": _rounded(min(10.0, 10 * rate))}


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _retuned(record: RunRecord) -> _Remedy:
    """Return the remedy for a model that answers badly."""
    if record.model is None:
        if record.primary == "tuned" or record.experiment["method"]["name"] == "few_shot":
            return _NO_SETTING
        return "add solved examples", {"method.name": "few_shot"}
    curve, settings = record.model.curve, record.model.method
    flat = any(one.kind == "loss is flat" for one in _of_curve(curve, settings))
    return _more(curve, settings) if flat else _slower(settings)


def _of_own_model(record: RunRecord, own: Evaluation) -> Iterator[_Finding]:
    role, name = record.primary, f"the {record.model_name(record.primary)}"
    measured = next((b.evaluation for b in record.baselines if b.kind == "constant"), None)
    most = measured.correct if measured else max(one.support for one in own.labels.values())
    if own.correct < most:
        right = f"is right on {own.correct} of {own.rows} rows"
        seen = f"{name} {right}, always saying one label on {most}."
        formal = own.unparsable > UNPARSABLE * own.rows and record.answer == "text"
        decide = "judge it by label scores", {"answer": "decision"}
        remedy = decide if formal and record.other_reading is not None else _retuned(record)
        yield _Finding("below majority", seen, remedy, role)
    # A column more than labels counts the answers that are none.
    said = dict(zip(own.labels, map(sum, zip(*own.confusion, strict=True)), strict=False))
    label, times = max(said.items(), key=lambda item: item[1])
    there = own.labels[label].support
    if times >= ALWAYS * own.rows and there <= times - (1 - ALWAYS) * own.rows:
        seen = f"{name} answers {label!r} on {times} of {own.rows} rows; {there} have that label."
        yield _Finding("one label always", seen, _retuned(record), role)


def _no_label(
    record: RunRecord, role: ModelRole, predictions: Sequence[Prediction]
) -> Iterator[_Finding]:
    written = [(p.text, p.read_as("text")) for p in predictions if p.text is not None]
    texts = [text for text, read in written if read is not None and read.label is None]
    labels = LabelSet.model_validate(record.experiment["labels"])
    # If the verdict is about decisions already, that is no remedy.
    decides = record.answer == "text" and any(p.probabilities for p in predictions)
    template = _template(record)
    # The rows themselves may end in a line break.
    if template and all(render(template[1], p.input).endswith("\n") for p in predictions):
        template = None
    ways = ways_of(texts, labels, decides=decides, template=template)
    alike = any(way.kind in LABEL_KINDS for way in ways)
    if alike or len(texts) > UNPARSABLE * len(predictions):
        weight = "; the verdict is about decisions, not about these" * (record.answer == "decision")
        seen = (
            f"{len(texts)} of {len(predictions)} answers that the {record.model_name(role)} wrote "
            f"are no label{weight}."
        )
        shown = tuple(dict.fromkeys(texts))[:SHOWN]
        yield _Finding("no label", seen, _mended(record, role, ways, decides), role, shown, ways)


def _mended(record: RunRecord, role: ModelRole, ways: Sequence[Way], decides: bool) -> _Remedy:
    """Return the best remedy: that of the commonest way, or decisions if no way is common."""
    way = next((way for way in ways if way.settings), None)
    untold = role == "base" and record.primary == "tuned" and record.base_input == "bare"
    if untold and (way is None or way.kind not in LABEL_KINDS):
        return "use the text that the tuned model reads", {"base_input": "same"}
    common = way is not None and way.count >= COMMON * sum(one.count for one in ways)
    if decides and not common:
        return "read the answer as a decision", {"answer": "decision"}
    if way is not None:
        return way.remedy, way.settings
    return _retuned(record) if record.answer == "text" else _NOTHING


def _template(record: RunRecord) -> tuple[str, str] | None:
    """Return the key and the text of the template; None if the method has none."""
    method = record.model.method if record.model else record.experiment["method"]
    keys = (key for key in ("verbalizer", "template") if key in method)
    return next(((f"method.{key}", str(method[key])) for key in keys), None)
