"""``tunesmith emulator run`` for an emulator that has started already: PORT FOLDER ARGUMENTS."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from tunesmith.cli import failures
from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.signals import handled, leave
from tunesmith_emulator.run.work import prepare


@dataclass
class Started:
    port: int
    authority: Authority
    project_id: str = "made-up-project"

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": "made-up-key"}


@click.command()
@click.option("--serve", multiple=True)
@click.option("--answer", multiple=True)
@click.option("--open-network", is_flag=True)
@click.option("--python", type=click.Path(path_type=Path))
@click.option("--show-watched", is_flag=True)
@click.option("--output", type=click.Path(path_type=Path))
@click.argument("port", type=int)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(
    port: int,
    folder: Path,
    serve: tuple[str, ...],
    output: Path | None,
    command: tuple[str, ...],
    answer: tuple[str, ...],
    open_network: bool,
    python: Path | None,
    show_watched: bool,
) -> None:
    work = prepare(
        command, serve, output, answers=answer, own_network=not open_network, python=python
    )
    with handled(leave):
        ended = work.run(Started(port, Authority(folder)))
    if show_watched:
        click.echo(ended.watched)
    click.get_current_context().exit(ended.code)


if __name__ == "__main__":
    try:
        code = run(standalone_mode=False)
    except BaseException as error:  # noqa: BLE001  # as the command line does
        code = failures.report(error, debug=False)
    sys.exit(code)
