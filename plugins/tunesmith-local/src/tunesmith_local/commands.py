"""The commands ``tunesmith export`` and ``tunesmith import``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.atomic import write_atomically
from tunesmith.backends.options import resolve_options
from tunesmith.cli import screen
from tunesmith.cli.command import FOLDER, PATH, command
from tunesmith.cli.connection import Connection, store_options
from tunesmith.cli.files import output_option
from tunesmith.errors import ExperimentError
from tunesmith.runs.run import RunDirectory

if TYPE_CHECKING:
    from tunesmith_local.exporting.hub import Push
    from tunesmith_local.options import LocalOptions


@command(
    "export",
    example="tunesmith export runs/RUN --to vllm\n"
    "tunesmith export runs/RUN --to hub --repo me/reviews --private --dry-run",
)
@click.argument("run", type=PATH)
@click.option("--to", type=click.Choice(["vllm", "hub"]), required=True, help="The receiver.")
@click.option("-o", "--output", type=FOLDER, help="vllm: the folder; by default RUN/vllm.")
@click.option("--base-model", metavar="NAME", help="vllm: the model that it serves, if another.")
@click.option(
    "--rows", type=click.IntRange(1), default=8, show_default=True, help="vllm: rows to compare."
)
@click.option("--repo", metavar="OWNER/NAME", help="hub: the repository; made if it is missing.")
@click.option("--private", is_flag=True, help="hub: make a private repository.")
@click.option("--dry-run", is_flag=True, help="hub: show what would be pushed; no network.")
@store_options
def export(
    connection: Connection,
    run: Path,
    to: str,
    output: Path | None,
    base_model: str | None,
    rows: int,
    repo: str | None,
    private: bool,
    dry_run: bool,
) -> None:
    """Write the tuned model of RUN (a run directory) for vLLM, or push it to the hub.

    For vLLM: the soft prompt, a chat template, the command that starts the server, a request, and a
    script that compares the server's answers with those of the run. For the Hugging Face hub: the
    adapter with its model card; "tunesmith import hub:OWNER/NAME" loads it again.
    """
    found = RunDirectory.load(run)
    if to == "vllm":
        _export_to_vllm(found, output or run / "vllm", _options(connection), base_model, rows)
    elif repo is None:
        raise ExperimentError("--repo is missing: give the name of the repository, OWNER/NAME")
    else:
        _push(found, repo, private, dry_run)


@command("import", example="tunesmith import hub:me/reviews --revision v1 -o model.json")
@click.argument("source")
@click.option("--revision", metavar="NAME", help="Branch, tag or commit on the hub.")
@output_option("The file for the record of the tuned model.", "model.json")
@store_options
def import_model(connection: Connection, source: str, revision: str | None, output: Path) -> None:
    """Load SOURCE, an adapter on the hub (hub:OWNER/NAME) or a folder such as RUN/adapter.

    The next step is: tunesmith deploy model.json. A base model with other weights or another
    tokenizer is refused there.
    """
    from tunesmith_local.exporting.hub import load
    from tunesmith_local.store import Store

    model = load(source, Store(_options(connection).store), revision)
    write_atomically(output, f"{model.to_json()}\n")
    file = screen.relative(output)
    what = f"model {model.id}: {model.method['name']} on {model.base_model}"
    screen.emit(model, [what, f"next: tunesmith deploy {file}", file])


def _export_to_vllm(
    run: RunDirectory, folder: Path, options: LocalOptions, base_model: str | None, rows: int
) -> None:
    from tunesmith_local.catalog import Catalog
    from tunesmith_local.exporting import vllm

    done = vllm.export(run, folder, Catalog(options), base_model=base_model, rows=rows)
    shown = screen.relative(done.folder)
    lines = [
        f"start:   {done.launch}",
        f"compare: python {shown}/{vllm.COMPARE}   ({done.rows} rows)",
        shown,
    ]
    screen.emit({"folder": shown, "launch": done.launch, "rows": done.rows}, lines)


def _push(run: RunDirectory, repository: str, private: bool, dry_run: bool) -> None:
    from tunesmith_local.exporting import hub

    planned = hub.plan_push(run, repository, private=private)
    address = None if dry_run else hub.push(run, planned)
    document = {
        "repository": repository,
        "private": private,
        "files": planned.files,
        "metadata": planned.metadata,
        "commit": address,
    }
    screen.emit(document, _push_lines(planned, address))


def _push_lines(planned: Push, address: str | None) -> Iterator[str]:
    kind = "private" if planned.private else "public"
    yield f"{planned.repository} ({kind} if it is made now)"
    yield from (f"  {name}  {size} bytes" for name, size in planned.files.items())
    yield f"base model: {planned.metadata.get('base_model', 'not in the card')}"
    yield "nothing was pushed: --dry-run" if address is None else address


def _options(connection: Connection) -> LocalOptions:
    from tunesmith_local.options import LocalOptions

    return resolve_options("local", LocalOptions, connection.options, runs_dir=connection.runs_dir)
