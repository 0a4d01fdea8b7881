"""What went wrong in a run, with the numbers that show it and the next command to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tunesmith.labels import LabelSet
from tunesmith.records import LearningCurve, ModelRole, Prediction, Record
from tunesmith.runs.judgment import MAJORITY
from tunesmith.runs.unparsed import LABEL_KINDS, Way, setting_text, ways_of

if TYPE_CHECKING:
    from tunesmith.evaluation.metrics import Evaluation
    from tunesmith.runs.record import RunRecord

Kind = Literal[
    "loss is flat", "loss rose", "best epoch is the first", "below majority", "one label always",
    "no label",
]  # fmt: skip

FLAT = 0.02
"""A change of the training loss, as a share, that is none: the means of two epochs over a few
hundred rows differ by as much where nothing is learned; tuning that learns takes tens of percent
off in its first epochs."""
STEPS_APART = 0.1
"""The same for single steps, whose losses scatter more."""
FEW_STEPS = 50
"""Optimizer steps below which more of them come before another learning rate."""
ALWAYS = 0.95
"""Share of one label among the answers from which on a model says it always."""
UNPARSABLE = 0.2
"""Share of answers that are no label from which on a run says so."""
COMMON = 0.8
"""Share of the answers without a label from which on one way's own remedy comes first."""
SHOWN = 3
"""Raw answers that are shown."""


class Symptom(Record):
    """Something that a run shows, and what to try."""

    kind: Kind
    seen: str
    """What was seen, with its numbers."""
    remedy: str
    """What to change, in words."""
    command: str
    """The command to try next; ``FILE`` is the experiment file. Empty if there is none."""
    role: ModelRole
    """The model that shows it."""
    answers: tuple[str, ...] = ()
    """Raw answers that are no label, the first few."""
    ways: tuple[Way, ...] = ()
    """How answers that are no label go wrong, the commonest first."""

    @property
    def line(self) -> str:
        """The symptom on one line."""
        then = f" To try: {self.remedy}, {self.command}" if self.command else f" {self.remedy}."
        return f"{self.seen}{then}"


def diagnose(record: RunRecord, predictions: Sequence[Prediction] = ()) -> tuple[Symptom, ...]:
    """Return what ``record`` shows, what is worst for its own model first.

    Args:
        record: of a run that was evaluated, or not yet.
        predictions: all that it made; without them, texts that are no label are not told apart.
    """
    return tuple(_symptoms(record, predictions))


def diagnose_curve(
    curve: LearningCurve,
    settings: Mapping[str, Any],
    command: str = "tunesmith run FILE",
) -> tuple[Symptom, ...]:
    """Return what a learning curve shows.

    Args:
        curve: of one tuning.
        settings: hyper-parameters by name, as far as they are known: ``learning_rate``,
            ``num_epochs``, ``accumulate_steps``.
        command: that tunes again; ``--set`` is added to it.
    """
    return tuple(_of_curve(curve, settings, _Command(command)))


def needs_answers(record: RunRecord) -> bool:
    """Return whether :func:`diagnose` would look into the answers of ``record``."""
    found = [record.evaluations, record.other_reading.evaluations if record.other_reading else {}]
    return any(evaluation.unparsable for one in found for evaluation in one.values())


def _symptoms(record: RunRecord, predictions: Sequence[Prediction]) -> Iterator[Symptom]:
    role, command = record.primary, _command(record)
    own = record.evaluations.get(role)
    if own is not None and record.experiment["method"]["name"] != MAJORITY:
        yield from _below_majority(record, own, command)
        yield from _one_label(record, own, command)
    if record.model is not None:
        yield from _of_curve(record.model.curve, record.model.method, command)
    for model in sorted(record.evaluations, reverse=True):
        answers = [p for p in predictions if p.model == model]
        yield from _no_label(record, model, answers, command)


def _of_curve(
    curve: LearningCurve, settings: Mapping[str, Any], command: _Command
) -> Iterator[Symptom]:
    ends = _ends(curve)
    if ends is None:
        return
    first, last, where, apart = ends
    seen = f"the training loss went from {first:.3g} to {last:.3g} {where}"
    if last > first * (1 + apart):
        yield _symptom("loss rose", f"{seen}: it ended above where it began.",
                       _slower(settings), command)  # fmt: skip
    elif last > first * (1 - FLAT):
        yield _symptom("loss is flat", f"{seen}: nothing was learned.",
                       _more(curve, settings), command)  # fmt: skip
    if curve.best_epoch == 1 and len(curve.epochs) > 1:
        yield _symptom(
            "best epoch is the first",
            f"of {len(curve.epochs)} epochs the first has the lowest validation loss: "
            "what came after made it worse.",
            _slower(settings),
            command,
        )


def _ends(curve: LearningCurve) -> tuple[float, float, str, float] | None:
    """Return first and last loss, where that is, and what change between them is one."""
    losses = [epoch.loss for epoch in curve.epochs]
    if len(losses) > 1:
        return losses[0], losses[-1], f"in {len(losses)} epochs", FLAT
    steps = [step.loss for step in curve.steps]
    quarter = len(steps) // 4
    if quarter < 2:
        return None
    first, last = (sum(part) / quarter for part in (steps[:quarter], steps[-quarter:]))
    return first, last, f"from the first to the last {quarter} of {len(steps)} steps", STEPS_APART


@dataclass(frozen=True)
class _Command:
    """A command that runs again, and how settings stand in it."""

    base: str
    method: Mapping[str, Any] | None = None
    """Of a run whose method is not that of the file: then it stands there whole."""

    def told(self, settings: Mapping[str, Any]) -> str:
        """Return the command with ``settings``, keys of the experiment."""
        if self.method is not None and "method.name" not in settings:
            own = {k.partition(".")[2]: v for k, v in settings.items() if k.startswith("method.")}
            rest = {k: v for k, v in settings.items() if not k.startswith("method.")}
            settings = {"method": {**self.method, **own}, **rest}
        return " ".join([self.base, *(f"--set {setting_text(*pair)}" for pair in settings.items())])


def _command(record: RunRecord) -> _Command:
    # A rung's or a cell's method is one of many that its file names.
    method = record.experiment["method"] if record.alone else None
    return _Command(f"tunesmith run FILE --backend {record.backend}", method)


_Remedy = tuple[str, Mapping[str, Any]]
"""In words, and the settings that do it."""
_NO_SETTING: _Remedy = "look at the data", {}


def _symptom(
    kind: Kind,
    seen: str,
    remedy: _Remedy,
    command: _Command,
    role: ModelRole = "tuned",
    **more: Any,
) -> Symptom:
    words, settings = remedy
    told = command.told(settings) if settings else ""
    if remedy is _NO_SETTING:
        told = "tunesmith audit FILE"
    return Symptom(kind=kind, seen=seen, remedy=words, command=told, role=role, **more)


def _slower(settings: Mapping[str, Any]) -> _Remedy:
    rate = settings.get("learning_rate")
    if not rate:
        return _NO_SETTING
    return "take a lower learning rate", {"method.learning_rate": _rounded(rate / 10)}


def _more(curve: LearningCurve, settings: Mapping[str, Any]) -> _Remedy:
    """Return what makes a model learn at all: more steps if there were few, else larger ones."""
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
    """Return what to try on a model that answers badly whatever its curve looks like."""
    if record.model is None:
        if record.primary == "tuned" or record.experiment["method"]["name"] == "few_shot":
            return _NO_SETTING
        return "show it solved examples", {"method.name": "few_shot"}
    for symptom in _of_curve(record.model.curve, record.model.method, _Command("")):
        if symptom.kind == "loss is flat":
            return _more(record.model.curve, record.model.method)
    return _slower(record.model.method)


def _below_majority(record: RunRecord, own: Evaluation, command: _Command) -> Iterator[Symptom]:
    measured = next((b.evaluation for b in record.baselines if b.method == MAJORITY), None)
    most = max(score.support for score in own.labels.values())
    correct = measured.correct if measured else most
    if own.correct < correct:
        yield _symptom(
            "below majority",
            f"the {_named(record, record.primary)} is right on {own.correct} of {own.rows} rows, "
            f"always saying one label on {correct}.",
            _decide(record) if own.unparsable > UNPARSABLE * own.rows else _retuned(record),
            command,
            record.primary,
        )


def _decide(record: RunRecord) -> _Remedy:
    if record.answer == "text" and record.other_reading is not None:
        return "judge it by label scores", {"answer": "decision"}
    return _retuned(record)


def _one_label(record: RunRecord, own: Evaluation, command: _Command) -> Iterator[Symptom]:
    names = list(own.labels)
    said = [sum(line[place] for line in own.confusion) for place in range(len(names))]
    place = said.index(max(said))
    name, times, there = names[place], said[place], own.labels[names[place]].support
    if times >= ALWAYS * own.rows and there <= times - (1 - ALWAYS) * own.rows:
        yield _symptom(
            "one label always",
            f"the {_named(record, record.primary)} answers {name!r} on {times} of {own.rows} "
            f"rows; {there} have that label.",
            _retuned(record),
            command,
            record.primary,
        )


def _no_label(
    record: RunRecord, role: ModelRole, predictions: Sequence[Prediction], command: _Command
) -> Iterator[Symptom]:
    texts = [p.text for p in predictions if _unparsed(p)]
    ways = _ways(record, texts, predictions)
    alike = any(way.kind in LABEL_KINDS for way in ways)
    if alike or len(texts) > UNPARSABLE * len(predictions):
        yield _symptom(
            "no label",
            f"{len(texts)} of {len(predictions)} answers that the {_named(record, role)} wrote "
            f"are no label{_weight(record)}.",
            _mended(record, role, ways, predictions),
            command,
            role,
            answers=tuple(dict.fromkeys(texts))[:SHOWN],
            ways=ways,
        )


def _ways(
    record: RunRecord, texts: Sequence[str], predictions: Sequence[Prediction]
) -> tuple[Way, ...]:
    labels = LabelSet.model_validate(record.experiment["labels"])
    return ways_of(
        texts, labels, decides=_could_decide(record, predictions), template=_template(record)
    )


def _could_decide(record: RunRecord, predictions: Sequence[Prediction]) -> bool:
    # Where the verdict is about decisions already, that is no remedy for what is written.
    return record.answer == "text" and any(p.probabilities for p in predictions)


def _mended(
    record: RunRecord, role: ModelRole, ways: Sequence[Way], predictions: Sequence[Prediction]
) -> _Remedy:
    """Return what mends most: the commonest way's setting, or decisions if no way is common."""
    way = next((way for way in ways if way.settings), None)
    untold = role == "base" and record.primary == "tuned" and record.base_input == "bare"
    if untold and (way is None or way.kind not in LABEL_KINDS):
        return "give it the text that the tuned model reads", {"base_input": "same"}
    common = way is not None and way.count >= COMMON * sum(one.count for one in ways)
    if not common and _could_decide(record, predictions):
        return "read the answer as a decision", {"answer": "decision"}
    if way is not None:
        return way.remedy, way.settings
    return _retuned(record) if record.answer == "text" else _NOTHING


_NOTHING: _Remedy = "No setting is known to mend that", {}


def _weight(record: RunRecord) -> str:
    return "; the verdict is about decisions, not about these" * (record.answer == "decision")


def _unparsed(prediction: Prediction) -> bool:
    written = prediction.read_as("text")
    return written is not None and written.label is None


def _template(record: RunRecord) -> tuple[str, str] | None:
    """Return the key and the text of the template; None if the method has none."""
    method = record.model.method if record.model else record.experiment["method"]
    for key in ("verbalizer", "template"):
        if key in method:
            return f"method.{key}", str(method[key])
    return None


def _named(record: RunRecord, role: ModelRole) -> str:
    if role == "tuned":
        return "tuned model"
    return "untuned model" if "tuned" in record.evaluations else "prompted model"
