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
from tunesmith.experiment_file import parse_overrides
from tunesmith_emulator.catalogue.additions import Models, parse_models, read_models
from tunesmith_emulator.settings import PROJECT_ID, STAND_IN

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator
    from tunesmith_emulator.openai_api.emulator import OpenAIEmulator

DATA_DIR, OPENAI_DATA_DIR = Path("runs/emulator"), Path("runs/emulator-openai")
_FOR_WATSONX = (
    "as_of", "projects", "allowed_hosts", "models_file", "any_model", "script", "replay",
    "stand_in", "run_code", "chat_prompts",
)  # fmt: skip
_FOR_OPENAI = ("overrides",)
"""Options of one API alone."""
F = TypeVar("F", bound=Callable[..., Any])


@click.group("emulator")
def emulator() -> None:
    """A provider's service on this machine: it tunes, deploys and generates for real."""


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
    click.option("--model", "models", multiple=True, metavar="ID=NAME[,KEY=VALUE]…",
                 help="Serve model ID, in the catalogue or new, with base model NAME (a Hugging "
                 "Face id or a path) instead of the embedded stand-in; may be repeated. Keys are "
                 "facts of the catalogue, e.g. max_sequence_length=4096."),
    click.option("--models-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
                 help="The same for many models, as YAML."),
    click.option("--stand-in", metavar="NAME",
                 help="The base model that answers for every other id; by default "
                 f"{STAND_IN}."),
    click.option("--any-model", is_flag=True,
                 help="The stand-in also answers for ids that the catalogue lacks."),
    click.option("--chat-prompts", is_flag=True,
                 help="A base model with a chat template reads the prompt of text generation as a "
                 "message of a user. The service does not; small models answer so, and may "
                 "end a raw question at once."),
    click.option("--script", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
                 help="Scripted answers for the requests that match, as YAML. A model answers the "
                 "others."),
    click.option("--replay", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
                 help="Answer the requests that a recording has from it."),
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
    example="tunesmith emulator serve --port 8443 --data-dir runs/emulator\n"
    "tunesmith emulator serve --api openai --model gpt-4o-mini=tunesmith/micro-granite",
)
@click.option("--api", default="watsonx", show_default=True,
              type=click.Choice(["watsonx", "openai"]),
              help="watsonx.ai's API over https, or over http what 'tunesmith serve' has with "
              "OpenAI's files and fine-tuning jobs.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
              callback=lambda context, parameter, texts: parse_overrides(texts),
              help="With --api openai: the method of all jobs, e.g. method.name=lora or "
              "method.num_virtual_tokens=50; may be repeated. By default "
              "prompt_tuning.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65535),
              help="The port; 0 picks a free one.")  # fmt: skip
@click.option("--allowed-host", "allowed_hosts", multiple=True, metavar="NAME",
              help="A further host name at which clients of this machine may use the control "
              "plane; may be repeated.")  # fmt: skip
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of the state, which is kept at a restart. By default "
              f"{DATA_DIR}, or {OPENAI_DATA_DIR}.")  # fmt: skip
@click.option("--run-code", is_flag=True,
              help="Run the functions and AI services that clients deploy, each in a process of "
              "its own with your rights. By default they are only kept.")  # fmt: skip
@_server_options
def serve(
    api: str,
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    data_dir: Path | None,
    overrides: Mapping[str, Any],
    run_code: bool,
    **given: Any,
) -> None:
    """Serve until Ctrl-C. Prints the values for clients and for the environment."""
    of_one = {"allowed_hosts": allowed_hosts, "run_code": run_code, "overrides": overrides}
    _refuse_of_the_other(api, {**given, **of_one})
    stop = _on_signals()
    if api == "openai":
        folder = data_dir or OPENAI_DATA_DIR
        openai = _openai_emulator(given, overrides, host=host, port=port, data_dir=folder)
        with openai:
            screen.emit(_openai_document(openai), _openai_welcome(openai))
            _wait(stop)
        return
    server = _emulator(
        given,
        host=host,
        port=port,
        run_code=run_code,
        allowed_hosts=allowed_hosts,
        data_dir=data_dir or DATA_DIR,
    )
    with server:
        screen.emit(_document(server), _welcome(server))
        _wait(stop)


def _wait(stop: threading.Event) -> None:
    stop.wait()
    screen.note("stopping; a running tuning continues at the next start")


def _refuse_of_the_other(api: str, given: Mapping[str, Any]) -> None:
    other = "watsonx" if api == "openai" else "openai"
    options = {parameter.name: parameter.opts[0] for parameter in serve.params}
    for name in _FOR_WATSONX if api == "openai" else _FOR_OPENAI:
        if given[name]:
            raise ExperimentError(f"{options[name]} is an option of --api {other}; leave it out")


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
@click.option("--python", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              metavar="FILE",
              help="The Python of the code, e.g. env/bin/python: a notebook runs in its kernel. By "
              "default the one with tunesmith.")  # fmt: skip
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
    python: Path | None,
    data_dir: Path | None,
    open_network: bool,
    **given: Any,
) -> None:
    """Run an unchanged COMMAND or notebook against the emulator.

    Its requests to IBM Cloud go to this machine. The downloads named with --serve are answered
    from files. Requests to other hosts are refused and listed at the end. A script that is named
    without "python" in front runs in a Jupyter kernel, as a notebook does.
    """
    from tunesmith_emulator.run.signals import handled, leave
    from tunesmith_emulator.run.work import prepare

    work = prepare(
        command, served, output, answers=answers, own_network=not open_network, python=python
    )
    # What is deployed is the command's own code.
    with handled(leave), _emulator(given, data_dir=data_dir, run_code=True) as server:
        server.load()
        out = click.get_current_context().meta[screen.STDOUT]
        ended = work.run(server, out=out, note=screen.note, run_code_by=server.run_code_by)
        screen.note(f"emulated: {_stood_in(server)}; {ended.watched}")
    click.get_current_context().exit(ended.code)


@emulator.command(
    "record",
    cls=Command,
    has_json=False,
    example="tunesmith emulator record --output recording.jsonl -- python app.py",
)
@click.option("--output", default=Path("recording.jsonl"), show_default=True, metavar="FILE",
              type=click.Path(dir_okay=False, path_type=Path),
              help="File of the recording, which is replaced.")  # fmt: skip
@click.option("--upstream", "places", multiple=True, metavar="HOST[=ADDRESS:PORT]",
              help="Record this host too, e.g. of Cloud Pak for Data, or a pattern with '*'; with "
              "ADDRESS, connect there. IBM Cloud's hosts are recorded anyway. May be "
              "repeated.")  # fmt: skip
@click.option("--ca-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Certificates that are trusted beside the public ones.")  # fmt: skip
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def record(
    command: tuple[str, ...], output: Path, places: tuple[str, ...], ca_file: Path | None
) -> None:
    """Run an unchanged COMMAND against the real service, and record requests and answers.

    It needs your account, and costs what the command costs. Keys, tokens, passwords and signatures
    are never written.
    """
    from tunesmith_emulator.run.record import record as run_recorded
    from tunesmith_emulator.run.upstream import parse_upstream

    code = run_recorded(command, output, parse_upstream(places, ca_file), screen.note)
    click.get_current_context().exit(code)


@emulator.command("diff", cls=Command, example="tunesmith emulator diff recording.jsonl")
@click.argument("recording", type=click.Path(dir_okay=False, path_type=Path))
@_server_options
def diff(recording: Path, **given: Any) -> None:
    """Send the requests of RECORDING to a fresh emulator, and show where the answers differ.

    Status and fields are compared, not texts and numbers. The exit code is 1 if there are
    differences.
    """
    from tunesmith_emulator.agreement import compare

    with _emulator({**given, "any_model": True}) as server:
        found = compare(recording, server)
    screen.emit(found.document(), found.lines())
    click.get_current_context().exit(int(found.differs))


def _emulator(given: Mapping[str, Any], **server: Any) -> Emulator:
    from tunesmith_emulator.emulator import Emulator

    as_of: datetime | None = given["as_of"]
    return Emulator(
        given["backend"],
        seed=given["seed"],
        models=_models(given),
        any_model=given["any_model"],
        stand_in=given["stand_in"] or STAND_IN,
        chat_prompts=given["chat_prompts"],
        answers=given["script"] or (),
        replay=given["replay"],
        as_of=as_of.date() if as_of else None,
        api_keys=given["api_keys"],
        projects=given["projects"],
        backend_options=parse_options(given["options"]),
        **server,
    )


def _openai_emulator(
    given: Mapping[str, Any], overrides: Mapping[str, Any], **server: Any
) -> OpenAIEmulator:
    from tunesmith_emulator.openai_api.emulator import OpenAIEmulator

    models = parse_models(given["models"])
    for model_id, served in models.items():
        if len(served) > 1:
            raise ExperimentError(f"--model {model_id}: facts of a model go with --api watsonx")
    bases = sorted({served["base"] for served in models.values()})
    if len(bases) > 1:
        raise ExperimentError(
            f"--model: --api openai has one base model, not {' and '.join(bases)}; serve them "
            "separately"
        )
    return OpenAIEmulator(
        given["backend"],
        base_model=bases[0] if bases else STAND_IN,
        names=tuple(models),
        method=_method(overrides),
        seed=given["seed"],
        api_keys=given["api_keys"],
        backend_options=parse_options(given["options"]),
        **server,
    )


def _method(overrides: Mapping[str, Any]) -> dict[str, Any]:
    settings = {}
    for key, value in overrides.items():
        group, dot, name = key.partition(".")
        if group != "method" or not dot:
            raise ExperimentError(
                f"--set {key}: only the method is set here, e.g. method.name=lora"
            )
        settings[name] = value
    return settings


def _stood_in(server: Emulator) -> str:
    names = {name for name in server.services.catalogue.stand_ins().values() if name}
    return f"{' and '.join(sorted(names))} stood in for IBM's models" if names else "no stand-in"


def _models(given: Mapping[str, Any]) -> Models:
    file = given["models_file"]
    return {**(read_models(file) if file else {}), **parse_models(given["models"])}


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


def _openai_document(server: OpenAIEmulator) -> dict[str, Any]:
    return {
        "url": server.url,
        "base_model": server.base_model,
        "names": list(server.names),
        "method": server.method.name,
    }


def _openai_welcome(server: OpenAIEmulator) -> Iterator[str]:
    yield f"OpenAI's API over the base model {server.base_model!r}: {server.url}"
    for name in server.names:
        yield f"  it stands in for {name}"
    yield f"fine-tuning jobs tune with {server.method.name}"
    yield ""
    yield "# the environment, for clients of OpenAI and for tunesmith --backend openai"
    yield f"export OPENAI_BASE_URL={server.url}"
    if not server.needs_key:
        yield "export OPENAI_API_KEY=any-key"
    yield "Ctrl-C stops it."


def _welcome(server: Emulator) -> Iterator[str]:
    from tunesmith_emulator.control.credentials import blocks

    texts = blocks(_shown(server), server.project_id)
    day: date | None = server.settings.as_of
    yield f"watsonx.ai emulator over the backend {server.settings.backend!r}: {server.url}"
    yield f"catalogue: {f'as of {day}' if day else 'every model available'}"
    for model_id, near in server.services.catalogue.added.items():
        yield f"  added to it: {model_id}{near and f'.{near}'}"
    yield ""
    yield "# Python"
    yield texts["python"]
    yield "# or the environment, for tunesmith --backend watsonx"
    yield texts["environment"]
    yield "Ctrl-C stops it."
