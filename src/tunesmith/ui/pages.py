"""The pages of ``tunesmith ui``: the table of runs, a comparison, and a refusal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.clock import now
from tunesmith.evaluation.comparison import Comparison, Disagreement
from tunesmith.report import formatting as words
from tunesmith.report import paired
from tunesmith.report.html import filled
from tunesmith.report.paired import PairedVerdict
from tunesmith.report.verdict import reading_words, warnings
from tunesmith.runs.comparing import ComparedRuns, Group
from tunesmith.runs.record import RunRecord
from tunesmith.ui.entries import Entry
from tunesmith.ui.folder import RunsFolder

_OF_RECORD = ("base_model", "answer", "base_input")
"""Settings of an experiment that the record holds as they were used."""
SHOWN_ROWS = 500
"""Of each side of a comparison; a browser is slow with more."""


def table_page(runs: RunsFolder, nonce: str) -> str:
    """Return the page with all runs, the newest first.

    Args:
        runs: the folder.
        nonce: lets the browser run the script of the page, and no other one.
    """
    entries = sorted(runs.entries(), key=lambda one: (_moment(one), one.id), reverse=True)
    tests = {one.test.fingerprint: one.test for one in entries if one.test}
    return filled(
        "ui_table.html",
        nonce=nonce,
        folder=runs.folder,
        entries=entries,
        reports={one.id for one in entries if runs.has_report(one.id)},
        statuses=sorted({one.status for one in entries}),
        tests=sorted(tests.values()),
        read_at=now(),
    )


def _moment(entry: Entry) -> float:
    created: datetime | None = entry.created_at
    return created.timestamp() if created else 0.0


class _Versus(NamedTuple):
    """A comparison as its part of the page shows it."""

    found: Comparison
    verdict: PairedVerdict
    explanation: str
    remarks: tuple[str, ...]
    sides: tuple[tuple[str, tuple[Disagreement, ...]], ...]
    """The name of the model that alone is right, and the rows; first those that the first model
    gets wrong."""


def comparison_page(compared: ComparedRuns, runs: RunsFolder) -> str:
    """Return the page of a comparison of runs in the folder."""
    groups = compared.groups
    directories = [run.directory for group in groups for run in group]
    every = (line for group in groups for run in group for line in warnings(run.record))
    return filled(
        "ui_comparison.html",
        parts=[_versus(one, len(compared.comparisons)) for one in compared.comparisons],
        runs=[_run_facts(run.directory, runs) for group in groups for run in group],
        compared=compared,
        reading=reading_words(compared.answer),
        warnings=[*map(_sentence, compared.notes), *_once(every)],
        settings=differing_settings(groups),
        command=shlex.join(["tunesmith", "compare", *map(str, directories)]),
        shown=SHOWN_ROWS,
    )


def refusal_page(title: str, reason: str) -> str:
    """Return a page with the reason why there is no other one."""
    return filled("ui_refusal.html", title=title, reason=_sentence(reason))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _versus(found: Comparison, number: int) -> _Versus:
    remarks = [paired.needed(found.rows_needed)] if found.rows_needed is not None else []
    remarks += [*paired.agreement(found), *paired.two_accuracies(found)]
    won = tuple(one for one in found.disagreements if one.first_is_right)
    lost = tuple(one for one in found.disagreements if not one.first_is_right)
    first, second = paired.called(found.first), paired.called(found.second)
    return _Versus(
        found=found,
        verdict=paired.verdict(found),
        explanation=paired.explained(found, first, second, number),
        remarks=tuple(remarks),
        sides=((second, lost), (first, won)),
    )


def _run_facts(directory: Path, runs: RunsFolder) -> dict[str, Any]:
    id_ = directory.relative_to(runs.folder).as_posix()
    return {"id": id_, "report": runs.has_report(id_)}


def _once(lines: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def differing_settings(groups: Sequence[Group]) -> list[tuple[str, list[str]]]:
    """Return the settings in which groups of runs differ: the name, and the value of each group."""
    if len(groups) < 2:
        return []
    options = len({run.record.backend for group in groups for run in group}) == 1
    each = [[dict(_settings(run.record, options=options)) for run in group] for group in groups]
    names = dict.fromkeys(name for group in each for one in group for name in one)
    rows = [
        (name, [", ".join(_once(one.get(name, words.NONE) for one in group)) for group in each])
        for name in names
    ]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _settings(record: RunRecord, *, options: bool) -> Iterator[tuple[str, str]]:
    for name in ("backend", "stand_in", *_OF_RECORD):
        yield name.replace("_", " "), words.plain(getattr(record, name))
    for name, value in _flat(record.experiment):
        if name not in _OF_RECORD:
            yield name, words.plain(value)
    for name, value in record.options.items() if options else ():
        yield f"option {name}", words.plain(value)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
