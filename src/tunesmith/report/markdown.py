"""The report of a run as Markdown: what the page says, for a pull request or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tunesmith.evaluation.comparison import format_p
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.report import formatting as words
from tunesmith.report.cases import Answer, Case
from tunesmith.report.document import DEFAULT_GENERATION, Document

Line = Sequence[object]


def to_markdown(document: Document) -> str:
    """Return ``document`` as Markdown; texts of the data and of the models stay plain text."""
    parts = (
        _top(document),
        _diagnosis(document),
        _scoreboard(document),
        _section("Learning curve", [document.curve_words]) if document.curve else (),
        _confusions(document),
        _calibration(document),
        _rows(document),
        _section("Notes", _bullets(document.notes)) if document.notes else (),
        _settings(document),
        _data(document),
        _audit(document),
        _provenance(document),
    )
    lines = "\n".join(line for part in parts for line in part)
    return re.sub(r"\n{3,}", "\n\n", lines).rstrip() + "\n"


def text(value: object) -> str:
    """Return foreign text on one line that Markdown takes as it stands."""
    line = " ".join(words.cut(str(value)).split())
    escaped = re.sub(r"([\\`*\[\]|~$]|(?<!\w)_|_(?!\w))", r"\\\1", line.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def table(headers: Line, rows: Iterable[Line]) -> Iterator[str]:
    """Yield the lines of a table; cells are Markdown already."""
    for line in (headers, ["---"] * len(headers), *rows):
        yield f"| {' | '.join(str(cell) for cell in line)} |"
    yield ""


def _top(d: Document) -> Iterator[str]:
    yield from (f"# {text(d.name)}", "")
    method = str(d.method["name"]).replace("_", " ")
    yield from (text(f"{method}, {d.base_model}, backend {d.backend}, {d.created_at:%Y-%m-%d}"), "")
    yield from (f"**{d.headline.lead}** {text(d.headline.sentence)}", "")
    yield from (text(d.headline.explanation), "")
    yield from _bullets(d.headline.remarks)
    for warning in d.warnings:
        yield from (f"> **Mind:** {text(warning)}", "")


def _scoreboard(d: Document) -> Iterator[str]:
    truth = d.cheap_truth or "no TF-IDF baseline was measured beside this run."
    headers = ("model", "right", "accuracy", "95% interval", "macro F1", "unparsable", "time")
    rows = (
        (
            text(s.title), f"{s.evaluation.correct} / {s.evaluation.rows}",
            words.percent(s.evaluation.accuracy), words.span(s.evaluation.accuracy_interval),
            f"{s.evaluation.f1_macro:.3f}", s.evaluation.unparsable, words.duration(s.seconds),
        )
        for s in d.scoreboard
    )  # fmt: skip
    yield from _section(
        "Scoreboard",
        [d.answer_words, "", f"**The cheap truth:** {text(truth)}", "", *_opponents(d),
         *table(headers, rows)],
    )  # fmt: skip


def _opponents(d: Document) -> Iterator[str]:
    headers = ("opponent", "right", "difference", "interval", "won",
               "lost", "p", "p after Holm", "verdict")  # fmt: skip
    rows = (
        (
            text(line.opponent.name), f"{c.second_correct} / {c.rows}", words.signed(c.difference),
            words.signed_span(c.interval) if c.interval else words.NONE, c.first_only,
            c.second_only, text(format_p(c.p_value)), text(format_p(line.opponent.corrected_p)),
            line.verdict,
        )
        for line in d.opponents
        for c in (line.comparison,)
    )  # fmt: skip
    if d.opponents:
        yield from table(headers, rows)


def _diagnosis(d: Document) -> Iterator[str]:
    if not d.diagnosis:
        return
    yield from ("## Diagnosis", "")
    for one in d.diagnosis:
        told = f" To try: {one.remedy}:" if one.command else f" {one.remedy}."
        yield from (
            f"**{one.kind.capitalize()}.** {text(one.seen[:1].upper() + one.seen[1:])}{told}",
            "",
        )
        if one.command:
            yield from ("```sh", words.cut(one.command), "```", "")
        yield from _bullets(way.line for way in one.ways)
        answers = (text(words.answer(answer)) for answer in one.answers)
        if one.answers:
            yield from (f"For example: {'; '.join(answers)}", "")


def _confusions(d: Document) -> Iterator[str]:
    yield from ("## Confusion matrices", "")
    for role, evaluation in d.evaluations.items():
        yield from (f"{role.title()} model: a row for each expected label.", "")
        labels = [text(label) for label in evaluation.labels]
        rows = zip(labels, evaluation.confusion, strict=True)
        headers = ("expected", *labels, "unparsable")
        yield from table(headers, ((label, *line) for label, line in rows))
        yield from table(("label", "rows", "precision", "recall", "F1"), _scores(evaluation))


def _scores(evaluation: Evaluation) -> Iterator[Line]:
    for label, s in evaluation.labels.items():
        yield text(label), s.support, f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}"


def _calibration(d: Document) -> Iterator[str]:
    found, said = d.calibration, d.calibration_words
    if found is None or said is None:
        return
    scores = [("before", found.before), ("after", found.after)]
    if d.base_calibration is not None:
        base = d.base_calibration
        scores += [("untuned model, before", base.before), ("untuned model, after", base.after)]
    rows = ((name, f"{s.ece:.3f}", f"{s.nll:.3f}", f"{s.brier:.3f}") for name, s in scores)
    headers = ("probabilities", "expected calibration error", "negative log-likelihood", "Brier")
    lines = [said.temperature, "", *table(headers, rows), said.abstaining]
    yield from _section("Calibration", lines)


def _rows(d: Document) -> Iterator[str]:
    yield from ("## Rows to read", "")
    if d.probability_words:
        yield from (d.probability_words, "")
    if d.comparison:
        yield from _shown(
            "Where the two disagree", d.cases.disagreements, d.cases.all_disagreements
        )
    title = "Remaining errors" if d.comparison else "Errors"
    yield from _shown(f"{title} of the {d.primary} model", d.cases.errors, d.cases.all_errors)


def _shown(title: str, cases: Sequence[Case], number: int) -> Iterator[str]:
    more = f" {len(cases)} are shown." if len(cases) < number else ""
    yield from (f"### {title}", "", f"{words.rows(number)}.{more}" if number else "None.", "")
    for case in cases:
        said = (
            f"{role}: {_said(a)} ({'right' if a.right else 'wrong'})"
            for role, a in case.answers.items()
        )
        answers = "; ".join((f"expected: {text(case.expected)}", *said))
        yield f"- **Row {case.row}**, {case.side}; {answers}"
        yield f"  > {text(case.input)}"
    if cases:
        yield ""


def _said(a: Answer) -> str:
    wrote = text(words.answer(a.text))
    if a.probability is None:
        return wrote
    likeliest = f"{text(a.likeliest)} {a.probability:.2f}"
    if a.label == a.likeliest:
        return f"{likeliest}, wrote {wrote}"
    return f"{wrote}, most probable {likeliest}"


def _settings(d: Document) -> Iterator[str]:
    yield from ("## Method and settings", "")
    yield from _values("method", d.method)
    yield from _values("labels", d.labels)
    yield from _values("generation", d.generation)
    if not d.generation:
        yield from (DEFAULT_GENERATION, "")
    yield from _values("what the backend reports", d.details)
    if d.chat is not None:
        asked = "as a chat model" if d.chat.chat else "as plain text"
        yield from (f"Asked {asked}: {text(d.chat.why)}.", "")
    yield from _values("what a model read for the first test row", d.read)


def _data(d: Document) -> Iterator[str]:
    rows = (
        (text(part), f"{data.rows:,}", data.fingerprint, text(data.source))
        for part, data in d.data.items()
    )
    yield from _section("Data", table(("part", "rows", "fingerprint", "source"), rows))


def _audit(d: Document) -> Iterator[str]:
    if d.audit is None:
        return
    found = [f"**{f.severity.capitalize()}:** {text(f.message)}" for f in d.audit.findings]
    lines = _bullets(found, escaped=True) if found else ["Nothing was found.", ""]
    yield from _section("Audit of the data", lines)


def _provenance(d: Document) -> Iterator[str]:
    yield from ("## Provenance", "")
    yield from _values("where the numbers come from", d.provenance)
    times = {stage: words.duration(seconds) for stage, seconds in d.seconds.items()}
    yield from _values("wall time of each stage", times)
    yield from _values("options of the backend, secrets redacted", d.options)


def _values(title: str, values: Mapping[str, Any]) -> Iterator[str]:
    if values:
        rows = ((text(key), text(words.plain(value))) for key, value in values.items())
        yield from table((title, "value"), rows)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (f"## {title}", "", *lines, "")


def _bullets(lines: Iterable[str], *, escaped: bool = False) -> Iterator[str]:
    for line in lines:
        yield f"- {line if escaped else text(line)}"
    yield ""
