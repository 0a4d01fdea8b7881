"""``tunesmith emulator``: serve the emulator, or run code against it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunesmith.cli import screen
from tunesmith.cli.command import Command
from tunesmith.cli.connection import parse_options
from tunesmith.errors import ExperimentError
from tunesmith_emulator.settings import PROJECT_ID

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator

DATA_DIR = Path("runs/emulator")
F = TypeVar("F", bound=Callable[..., Any])


@click.group("emulator")
def emulator() -> None:
    """A watsonx.ai service on this machine: it tunes, deploys and generates for real."""


def _server_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--backend", default="local", show_default=True, metavar="NAME",
                 help="The backend that tunes and generates."),
    click.option("--option", "options", multiple=True, metavar="KEY=VALUE",
                 help="An option of that backend, e.g. device=cuda; may be repeated."),
    click.option("--seed", default=0, show_default=True, metavar="N",
                 type=click.IntRange(0, 2**31 - 1),
                 help="The seed of every tuning; the service itself has none."),
    click.option("--model", "models", multiple=True, metavar="ID=NAME",
                 help="Serve catalogue entry ID with base model NAME (a Hugging Face id or a path) "
                 "instead of the embedded stand-in; may be repeated."),
    click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
                 help="Serve the catalogue of that day; by default every model is available."),
    click.option("--api-key", "api_keys", multiple=True, metavar="KEY",
                 help="Accept this key only; may be repeated. By default any key is accepted."),
    click.option("--strict-projects", "projects", multiple=True, metavar="[ID]",
                 is_flag=False, flag_value=PROJECT_ID,
                 help="Accept this project only, or without ID the one that 'serve' prints; may be "
                 "repeated. By default every project id is accepted."),
)  # fmt: skip


@emulator.command(
    "serve",
    cls=Command,
    example="tunesmith emulator serve --port 8443 --data-dir runs/emulator",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65535),
              help="The port; 0 picks a free one.")  # fmt: skip
@click.option("--allowed-host", "allowed_hosts", multiple=True, metavar="NAME",
              help="A further host name at which clients of this machine may use the control "
              "plane; may be repeated.")  # fmt: skip
@click.option("--data-dir", default=DATA_DIR, show_default=True,
              type=click.Path(file_okay=False, path_type=Path),
              help="Folder of assets, trainings and deployments; kept at a restart.")  # fmt: skip
@_server_options
def serve(
    host: str, port: int, allowed_hosts: tuple[str, ...], data_dir: Path, **given: Any
) -> None:
    """Serve until Ctrl-C. Prints the values for Credentials and for the environment."""
    server = _emulator(given, host=host, port=port, allowed_hosts=allowed_hosts, data_dir=data_dir)
    stop = _on_signals()
    with server:
        screen.emit(_document(server), _welcome(server))
        stop.wait()
        screen.note("stopping; a running tuning continues at the next start")


@emulator.command(
    "run",
    cls=Command,
    has_json=False,
    example="tunesmith emulator run --serve https://example.org/train.json=train.json "
    "-- python tutorial.py\n"
    "tunesmith emulator run tutorial.ipynb",
)
@click.option("--serve", "served", multiple=True, metavar="URL=FILE",
              help="Answer a download of URL with FILE; may be repeated.")  # fmt: skip
@click.option("--answer", "answers", multiple=True, metavar="PATTERN=TEXT",
              help="Answer input() and getpass() with TEXT if the prompt contains PATTERN (a "
              "regular expression); may be repeated. An API key and a project id are made "
              "up.")  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="File of the executed notebook; by default NAME.executed.ipynb.")  # fmt: skip
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path),
              help="Keep assets, trainings and deployments here; by default they are deleted at "
              "the end.")  # fmt: skip
@click.option("--open-network", is_flag=True,
              help="Let the code use the network of this machine, e.g. a local database. By "
              "default it has none but the emulator, where the machine allows that.")  # fmt: skip
@_server_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(
    command: tuple[str, ...],
    served: tuple[str, ...],
    answers: tuple[str, ...],
    output: Path | None,
    data_dir: Path | None,
    open_network: bool,
    **given: Any,
) -> None:
    """Run an unchanged COMMAND or notebook against the emulator.

    Its requests to IBM Cloud go to this machine. The downloads named with --serve are answered
    from files. Requests to other hosts are refused and listed at the end. A script that is named
    without "python" in front runs in a Jupyter kernel, as a notebook does.
    """
    from tunesmith_emulator.run import prepare
    from tunesmith_emulator.run.signals import handled, leave

    work = prepare(command, served, output, answers=answers, own_network=not open_network)
    with handled(leave), _emulator(given, data_dir=data_dir) as server:
        out = click.get_current_context().meta[screen.STDOUT]
        ended = work.run(server, out=out, note=screen.note)
        screen.note(f"emulated: {_stood_in(server)}; {ended.watched}")
    click.get_current_context().exit(ended.code)


def _emulator(given: Mapping[str, Any], **server: Any) -> Emulator:
    from tunesmith_emulator.emulator import Emulator

    as_of: datetime | None = given["as_of"]
    return Emulator(
        given["backend"],
        seed=given["seed"],
        models=_models(given["models"]),
        as_of=as_of.date() if as_of else None,
        api_keys=given["api_keys"],
        projects=given["projects"],
        backend_options=parse_options(given["options"]),
        **server,
    )


def _stood_in(server: Emulator) -> str:
    names = {name for name in server.services.catalogue.stand_ins().values() if name}
    return f"{' and '.join(sorted(names))} stood in for IBM's models" if names else "no stand-in"


def _models(texts: tuple[str, ...]) -> dict[str, str]:
    models = {}
    for text in texts:
        ident, equals, name = text.partition("=")
        if not ident or not equals or not name:
            raise ExperimentError(
                f"--model {text}: expected ID=NAME, e.g. "
                "ibm/granite-3-8b-instruct=ibm-granite/granite-4.0-350m"
            )
        models[ident] = name
    return models


def _on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _document(server: Emulator) -> dict[str, Any]:
    return {"credentials": _shown(server), "project_id": server.project_id, "page": server.url}


def _shown(server: Emulator) -> dict[str, Any]:
    from tunesmith_emulator.control.credentials import shown

    return shown(server.url, server.ca_file, server.settings)


def _welcome(server: Emulator) -> Iterator[str]:
    from tunesmith_emulator.control.credentials import blocks

    texts = blocks(_shown(server), server.project_id)
    day: date | None = server.settings.as_of
    yield f"watsonx.ai emulator over the backend {server.settings.backend!r}: {server.url}"
    yield f"catalogue: {f'as of {day}' if day else 'every model available'}"
    yield ""
    yield "# Python"
    yield texts["python"]
    yield "# or the environment, for tunesmith --backend watsonx"
    yield texts["environment"]
    yield "Ctrl-C stops it."
