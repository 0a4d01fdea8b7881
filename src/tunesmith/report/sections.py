"""The sections of a run's report, in the order in which they are read.

A new section is a function here and a line in :func:`sections`; what it needs and the document does
not hold yet is a field of :class:`~tunesmith.report.document.Document`, and so in ``report.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tunesmith.audit import Audit
from tunesmith.evaluation.comparison import format_p
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import ChosenSetting
from tunesmith.report import charts
from tunesmith.report import formatting as words
from tunesmith.report.blocks import (
    Block,
    Bullets,
    Cell,
    Examples,
    Facts,
    Figure,
    Group,
    Line,
    Section,
    Table,
    Text,
    line,
    table,
)  # fmt: skip
from tunesmith.report.cases import Case
from tunesmith.report.charts import Standing
from tunesmith.report.document import Document
from tunesmith.report.verdict import Against, classifier_baselines
from tunesmith.runs.diagnosis import Symptom
from tunesmith.runs.record import DataRecord

DEFAULT_GENERATION = (
    "Generation: watsonx.ai's defaults (greedy, at most 20 new tokens), tuned and base alike."
)
"""Shown if no parameter of generation was set."""

MATRIX_LABELS = 12
"""More labels than this have no confusion matrix, but a table of the commonest confusions."""
CONFUSIONS = 20


def sections(d: Document) -> tuple[Section, ...]:
    """Return the sections that ``d`` has something for."""
    found = (
        ("diagnosis", "Diagnosis", "Diagnosis", _diagnosis(d)),
        ("scoreboard", "Scoreboard", "Scoreboard", _scoreboard(d)),
        ("curve", "Learning curve", "Learning curve", _curve(d)),
        ("confusion", "Confusion matrices", "Confusion", _confusion(d.evaluations)),
        ("calibration", "Calibration", "Calibration", _calibration(d)),
        ("rows", "Rows to read", "Rows to read", _rows(d)),
        ("notes", "Notes", "", [Bullets(tuple(map(Text, d.notes)))] if d.notes else []),
        ("method", "Method and settings", "Method", _method(d)),
        ("provenance", "Provenance", "Provenance", _provenance(d)),
    )
    *made, last = (Section(key, title, tuple(blocks), link) for key, title, link, blocks in found)
    return tuple(one for one in (*made, *data_sections(d.data, d.audit), last) if one.blocks)


def data_sections(parts: Mapping[str, DataRecord], audit: Audit | None) -> tuple[Section, ...]:
    """Return the sections about the data of a run, and about their audit if there is one."""
    data = Section("data", "Data", tuple(_data(parts)))
    if audit is None:
        return (data,)
    return data, Section("audit", "Audit of the data", tuple(_audit(audit)), "Audit")


def _diagnosis(d: Document) -> Iterator[Block]:
    if d.diagnosis:
        yield Group(tuple(tuple(_symptom(one)) for one in d.diagnosis))


def _symptom(one: Symptom) -> Iterator[Block]:
    yield Text(one.seen[:1].upper() + one.seen[1:], lead=f"{one.kind.capitalize()}.")
    if one.command:
        yield Text(f"To try: {one.remedy}:", style="muted")
        yield Text(one.command, style="command")
    else:
        yield Text(f"{one.remedy}.", style="muted")
    if one.ways:
        yield Bullets(tuple(Text(way.line) for way in one.ways))
    if one.answers:
        yield Text("For example:", style="muted", quoted=tuple(map(words.answer, one.answers)))


def _scoreboard(d: Document) -> Iterator[Block]:
    yield Text(d.answer_words)
    title = "".join(f"{title} " for title in classifier_baselines()[:1])
    without = f"no {title}baseline was measured beside this run."
    yield Text(d.cheap_truth or without, lead="A simple baseline:")
    caption = "Dot: accuracy; line: Wilson's 95% interval."
    if d.opponents:
        yield _opponents(d)
        caption += " The paired tests above decide, not whether two lines overlap."
    yield Figure(charts.scoreboard, d.scoreboard, caption)
    yield table(
        "scoreboard",
        "Time is wall time, to fit and to predict. An answer that is no label is unparsable, and "
        "wrong.",
        ("Model", "Right", "Accuracy", "Interval, %", "Macro F1", "Unparsable", "Time"),
        map(_standing, d.scoreboard),
    )


def _standing(one: Standing) -> Line:
    e = one.evaluation
    return line(
        one.title, f"{e.correct} / {e.rows}", words.percent(e.accuracy),
        words.span(e.accuracy_interval), _number(e.f1_macro), e.unparsable,
        words.duration(one.seconds), style=one.kind,
    )  # fmt: skip


def _opponents(d: Document) -> Table:
    own, several = d.judgment.own, len(d.opponents)
    heads = ("Opponent", "Right", "Difference", "Interval", "Won", "Lost", "p")
    holm = ", after Holm's correction for {} comparisons, and the intervals are widened to match"
    return table(
        "opponents",
        f"The {own} against each opponent, in points. Won: rows on which only the {own} is right; "
        "lost: only the opponent. Open: not shown to be beaten. p is exact McNemar's"
        f"{holm.format(several) if several > 1 else ''}",
        (*heads, Cell("Verdict", "text")),
        map(_opponent, d.opponents),
    )


def _opponent(one: Against) -> Line:
    c = one.comparison
    return line(
        one.opponent.name[:1].upper() + one.opponent.name[1:], f"{c.second_correct} / {c.rows}",
        words.signed(c.difference), words.signed_span(c.interval) if c.interval else words.NONE,
        c.first_only, c.second_only, format_p(one.opponent.corrected_p), one.verdict,
        style="tuned" if one.about else "",
    )  # fmt: skip


def _curve(d: Document) -> Iterator[Block]:
    if d.curve:
        yield Text(d.curve_words)
        caption = "Mean loss over the label and the end-of-text token."
        yield Figure(charts.learning_curve, d.curve, caption)


def _confusion(evaluations: Mapping[Any, Evaluation]) -> Iterator[Block]:
    first = next(iter(evaluations.values()))
    shown = _matrix if len(first.labels) <= MATRIX_LABELS else _commonest
    matrices = tuple((shown(f"{role} model", e),) for role, e in evaluations.items())
    # Matrices of more labels need more width.
    yield Group(matrices, "20rem" if len(first.labels) < 4 else "36rem")
    labels, order = list(first.labels.items()), ""
    if len(labels) > MATRIX_LABELS:
        labels.sort(key=lambda pair: pair[1].f1)
        order = ". The labels with the lowest F1 come first"
    yield table(
        "scores of each label",
        f"Precision, recall and F1 of each label; an unparsable answer is a miss{order}",
        ("Label", "Rows"),
        ((label, of.support, *_scores(label, evaluations.values())) for label, of in labels),
        groups=tuple(f"{role.capitalize()} model" for role in evaluations),
        under=("Precision", "Recall", "F1"),
    )  # fmt: skip


def _scores(label: str, evaluations: Iterable[Evaluation]) -> Iterator[str]:
    for evaluation in evaluations:
        score = evaluation.labels[label]
        yield from map(_number, (score.precision, score.recall, score.f1))


def _matrix(name: str, evaluation: Evaluation) -> Table:
    labels = list(evaluation.labels)
    return table(
        f"confusion matrix of the {name}",
        f"{name.capitalize()}: a row for each expected label, a column for each answer",
        ("Expected", *labels, Cell(_no_label(labels), "apart")),
        map(_matrix_line, labels, range(len(labels)), evaluation.confusion),
        style="confusion",
    )


def _commonest(name: str, evaluation: Evaluation) -> Table:
    """A table of the commonest confusions, because a matrix of many labels cannot be read."""
    heads = [*evaluation.labels, _no_label(evaluation.labels)]
    wrong = [
        (count, heads[row], heads[column])
        for row, counts in enumerate(evaluation.confusion)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    most = sorted(wrong, key=lambda one: -one[0])[:CONFUSIONS]
    left = len(wrong) - len(most)
    return table(
        f"commonest confusions of the {name}",
        f"{name.capitalize()}: the commonest wrong answers"
        + (f"; {left} rarer ones are left out here, and are in report.json" if left else ""),
        ("Expected", "Answer", "Rows"),
        ((expected, answered, f"{count} of {evaluation.labels[expected].support}")
         for count, expected, answered in most),
    )  # fmt: skip


def _no_label(labels: Iterable[str]) -> str:
    """Return the head for answers that are no label; no label has this name."""
    return "unparsable" if "unparsable" not in labels else "no label at all"


def _matrix_line(label: str, own: int, counts: Sequence[int]) -> Line:
    cells, rows = [Cell(label)], sum(counts)
    for place, count in enumerate(counts):
        hit, share = place == own, round(100 * count / rows) if rows else 0
        style, aside = "hit" * hit + " zero" * (not count), f" of {rows}{', right' * hit}"
        cells.append(Cell(count, style, aside, share))
    return Line(tuple(cells))


def _calibration(d: Document) -> Iterator[Block]:
    found, base, phrases = d.calibration, d.base_calibration, d.calibration_words
    if found is None or phrases is None:
        return
    scores = [("Before", found.before), ("After", found.after)]
    if base is not None:
        scores += [("Untuned, before", base.before), ("Untuned, after", base.after)]
    of = " of the tuned model and of the untuned one" if base else ""
    yield Text(phrases.temperature)
    yield table(
        "calibration",
        f"Of the label probabilities{of}, on the test rows; less is better",
        ("Probabilities", "Expected calibration error", "Negative log-likelihood", "Brier score"),
        ((name, *map(_number, (s.ece, s.nll, s.brier))) for name, s in scores),
    )
    yield Figure(
        charts.reliability, found,
        "A dot for each of up to 15 intervals of confidence that hold test rows. On the line, a "
        "model is as often right as it is sure.",
    )  # fmt: skip
    yield from (Text("When to abstain", style="heading"), Text(phrases.abstaining))
    yield Figure(
        charts.coverage, found,
        "Accuracy of the most probable label on the rows that are answered; band: Wilson's 95% "
        "interval; dashed: the target; ring: the threshold.",
    )  # fmt: skip


def _rows(d: Document) -> Iterator[Block]:
    found, both = d.cases, d.comparison
    if d.probability_words:
        yield Text(d.probability_words)
    if both:
        said = f"{words.rows(both.second_only)} lost by tuning, {words.rows(both.first_only)} won."
        shown, every = len(found.disagreements), found.all_disagreements
        if every > shown:
            said += f" {shown} of {every} are shown; the rest is in predictions.jsonl."
        if not every:
            said = "They are right and wrong on the same rows."
        yield from _examples("Rows on which the two disagree", said, found.disagreements)
    title = f"{'Remaining errors' if both else 'Errors'} of the {d.primary} model"
    yield from _examples(title, _errors(d), found.errors)


def _examples(title: str, phrases: str, cases: tuple[Case, ...]) -> Iterator[Block]:
    yield from (Text(title, style="heading"), Text(phrases, style="muted"))
    if cases:
        yield Examples(cases)


def _errors(d: Document) -> str:
    found, both = d.cases, d.comparison
    if not found.all_errors:
        return "None beyond those above." if both and both.second_only else "None."
    shown = f" {len(found.errors)} are shown." if found.all_errors > len(found.errors) else ""
    return f"{words.rows(found.all_errors)}{' that both get wrong' if both else ''}.{shown}"


def _method(d: Document) -> Iterator[Block]:
    yield Facts("Method", d.method)
    yield from _choices(d.choices)
    yield Facts("Labels and their words", d.labels)
    if d.generation:
        yield Facts("Generation, tuned and base alike", d.generation)
    else:
        yield Text(DEFAULT_GENERATION, style="muted")
    if d.details:
        yield Facts("Facts from the backend", d.details)
    if d.chat:
        yield Text(f"Asked as {'a chat model' if d.chat.chat else 'plain text'}: {d.chat.why}.")
    if d.read:
        read = {role.capitalize(): prompt for role, prompt in d.read.items()}
        yield Facts("The text that each model read for the first test row", read, quoted=True)


def _choices(choices: Sequence[ChosenSetting]) -> Iterator[Block]:
    if choices:
        yield Text("Settings that were auto, as the backend chose them", style="heading")
        yield Bullets(tuple(Text(words.choice_line(choice)) for choice in choices))
    for choice in choices:
        if choice.tried:
            yield table(
                f"search for {choice.setting}",
                f"Judged on {words.rows(choice.held_out_rows)} that no candidate was trained on",
                (choice.setting, "Epochs", "Loss", "Accuracy"),
                ((words.plain(one.value), f"{one.epochs:g}",
                  "diverged" if one.loss is None else _number(one.loss),
                  words.NONE if one.accuracy is None else _number(one.accuracy))
                 for one in choice.tried),
            )  # fmt: skip


def _data(parts: Mapping[str, DataRecord]) -> Iterator[Block]:
    yield table(
        "data",
        "Fingerprints are SHA-256 over the rows; run.json has them too",
        ("Part", "Rows", Cell("Fingerprint", "code"), Cell("Source", "text path")),
        ((part, f"{of.rows:,}", of.fingerprint, of.source) for part, of in parts.items()),
    )


def _audit(audit: Audit) -> Iterator[Block]:
    parts = {"train": audit.train} | ({"test": audit.test} if audit.test else {})
    copies = {"train": audit.duplicate_train_rows, "test": audit.duplicate_test_rows}
    yield Text(
        "Rows are counted from 0. Two rows are copies if their texts are equal but for white "
        "space, Unicode form and an instruction around all of them.",
        style="muted",
    )
    found = (Text(one.message, f"{one.severity.capitalize()}:") for one in audit.findings)
    yield Bullets(tuple(found)) if audit.findings else Text("Nothing was found.")
    yield table(
        "audit of the data",
        "Lengths are minimum, median and maximum",
        ("Part", "Rows", "Copies", "Characters", "Words", "Tokens"),
        ((name, f"{of.rows:,}", copies[name],
          *map(_lengths, (of.characters, of.words, of.tokens))) for name, of in parts.items()),
    )  # fmt: skip
    yield table(
        "rows of each label",
        "Rows of each label",
        ("Label", *(name.capitalize() for name in parts)),
        ((label, *(f"{of.labels[label]:,}" for of in parts.values()))
         for label in audit.train.labels),
    )  # fmt: skip


def _lengths(found: Any) -> str:
    return f"{found.minimum}, {found.median:g}, {found.maximum}" if found else words.NONE


def _provenance(d: Document) -> Iterator[Block]:
    yield Facts("Origin of the numbers", d.provenance)
    if d.seconds:
        times = {stage: words.duration(seconds) for stage, seconds in d.seconds.items()}
        yield Facts("Wall time of each stage", times)
    if d.options:
        yield Facts("Options of the backend, secrets redacted", d.options)


def _number(value: float) -> str:
    return f"{value:.3f}"
