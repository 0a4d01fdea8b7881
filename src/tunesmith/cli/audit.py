"""``tunesmith audit``: weaknesses of the data, found before anything is tuned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import click

from tunesmith.audit import SEVERITIES, Audit, PartAudit, Reader, audit_data
from tunesmith.cli import paste, screen
from tunesmith.cli.command import command
from tunesmith.cli.connection import Connection, connection_options
from tunesmith.cli.files import field_options
from tunesmith.cli.results import label_lines
from tunesmith.dataset import load_data
from tunesmith.dataset.stored import stored_rows
from tunesmith.errors import ExperimentError, TunesmithError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.methods import PromptTuning
from tunesmith.pipeline.checks import audit_experiment
from tunesmith.pipeline.plan import label_uses

EXPERIMENTS = (".yaml", ".yml")
SHOWN_LABELS = 6
_OF_INIT = ("input_field", "output_field", "base_model", "backend", "options")
"""The parameters of the audit of files that ``init`` has too."""


class ProblemsFoundError(TunesmithError):
    """The audit found a problem, with ``--strict``."""

    exit_code: ClassVar[int] = 1


@command(
    "audit",
    example="tunesmith audit train.json test.json\n"
    "tunesmith audit train.csv test.csv --base-model tunesmith/micro-granite --strict\n"
    "tunesmith audit experiment.yaml",
)
@click.argument("train")
@click.argument("test", required=False)
@click.option("--base-model", metavar="NAME", help="Count tokens as this base model does.")
@click.option(
    "--max-input-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Report rows with more tokens; by default the experiment's limit, or watsonx.ai's 256.",
)
@field_options()
@connection_options
@click.option("--strict", is_flag=True, help="Exit with status 1 if a problem is found.")
def audit(
    train: str,
    test: str | None,
    base_model: str | None,
    max_input_tokens: int | None,
    fields: dict[str, str],
    connection: Connection,
    strict: bool,
) -> None:
    """Report weaknesses of the rows of TRAIN and TEST that make a result less meaningful.

    The audit looks for copies, rows in both files, label conflicts, class imbalance, long rows, an
    instruction that only one file has, labels that a tokenizer splits or confuses, and too few test
    rows. TRAIN and TEST are data files. TRAIN may also be an experiment file, which names the test
    file, the base model and the template.
    """
    changes: dict[str, Any] = {}
    if Path(train).suffix in EXPERIMENTS:
        if test is not None:
            raise ExperimentError(
                f"{test}: an experiment names its own test file; leave this one out of the command"
            )
        given: dict[str, Any] = {
            "base_model": base_model,
            "method.max_input_tokens": max_input_tokens,
        }
        changes = {key: value for key, value in given.items() if value is not None}
        changes |= {f"data.{name}": column for name, column in fields.items()}
        found = _of_experiment(Experiment.from_file(train, changes), connection)
    else:
        found = _of_files(train, test, fields, base_model, max_input_tokens, connection)
    following = _next(found, train, test, connection.backend, changes)
    screen.emit(found, [*_lines(found), f"next: {following}"])
    if strict and found.problems:
        codes = ", ".join(one.code for one in found.problems)
        raise ProblemsFoundError(f"--strict: the audit found problems: {codes}")


def _of_experiment(experiment: Experiment, connection: Connection) -> Audit:
    data = load_data(experiment.data, experiment.labels, experiment.seed, test=False)
    for note in data.notes:
        screen.note(note)
    with connection.open() as backend:
        found = audit_experiment(experiment, backend, data, ask_service=True)
        uses = label_uses(experiment, backend, data.train.rows)
    return found.model_copy(update={"labels": uses})


def _of_files(
    train_file: str,
    test_file: str | None,
    fields: dict[str, str],
    model: str | None,
    limit: int | None,
    connection: Connection,
) -> Audit:
    if limit is not None and model is None:
        raise ExperimentError(
            "--max-input-tokens needs a model that counts the tokens; add --base-model NAME"
        )
    # An audit lists all rows without a label; a run stops at the first.
    train = stored_rows(train_file, labelled=None, **fields)
    test = None if test_file is None else stored_rows(test_file, labelled=None, **fields)
    for note in (*train.notes, *(test.notes if test else ())):
        screen.note(note)
    if model is None:
        return audit_data(train, test)
    with connection.open() as backend:
        if not backend.capabilities(model).tokenize:
            raise UnsupportedError(
                f"backend {backend.name!r} counts no tokens; leave --base-model out"
            )
        limit = limit or PromptTuning().max_input_tokens
        reader = Reader(partial(backend.predictor.tokenize, model), limit=limit)
        return audit_data(train, test, reader=reader)


def _lines(found: Audit) -> Iterator[str]:
    parts = {"train": found.train, "test": found.test}
    headers = ("", "rows", "labels", "words", "tokens", "file")
    rows = ((name, *_columns(part)) for name, part in parts.items() if part is not None)
    yield from screen.table(headers, rows)
    yield ""
    yield from label_lines(found.labels)
    width = max(map(len, SEVERITIES))
    for one in found.findings:
        yield f"{one.severity:{width}}  {one.message}"
    if found.findings:
        yield ""


def _columns(part: PartAudit) -> tuple[str, ...]:
    labels = [f"{label} {rows}" for label, rows in part.labels.items()]
    more = [f"and {len(labels) - SHOWN_LABELS} more"] if len(labels) > SHOWN_LABELS else []
    return (
        str(part.rows),
        ", ".join([*labels[:SHOWN_LABELS], *more]),
        *(f"{n.minimum} to {n.maximum}" if n else "-" for n in (part.words, part.tokens)),
        part.source,
    )


def _next(
    found: Audit, train: str, test: str | None, backend: str, changes: Mapping[str, Any]
) -> str:
    if found.problems:
        return f"fix the problems, then run again: {paste.again(backend)}"
    if Path(train).suffix in EXPERIMENTS:
        settings = [text for key, value in changes.items() for text in ("--set", f"{key}={value}")]
        return paste.following("run", train, *settings, "--dry-run", backend=backend)
    rows = ("--test", test) if test else ()
    return paste.following("init", train, *rows, backend=backend, keep=_OF_INIT)
