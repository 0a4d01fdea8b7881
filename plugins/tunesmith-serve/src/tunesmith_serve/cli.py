"""``tunesmith serve``: tuned prompts and their base model over HTTP."""

from __future__ import annotations

import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith.cli import screen
from tunesmith.cli.command import FOLDER, command
from tunesmith.cli.connection import Connection, connection_options
from tunesmith.errors import BackendError, ExperimentError

if TYPE_CHECKING:
    from tunesmith_serve.running import Running
    from tunesmith_serve.settings import Settings


@command(
    "serve",
    example="tunesmith serve runs/RUN reviews=runs/OTHER --prompts runs\n"
    "tunesmith serve --add reviews=OTHER",
)
@click.argument("prompts", nargs=-1, metavar="[[NAME=]PATH]...")
@click.option("--base", metavar="MODEL",
              help="The base model; by default that of the prompts.")  # fmt: skip
@click.option("--default", metavar="NAME",
              help="The prompt that answers as jev-latest; by default the base model "
              "does.")  # fmt: skip
@click.option("--prompts", "folder", type=FOLDER, metavar="DIR",
              help="The folder below which prompts may be added to the running server. It "
              "remembers them.")  # fmt: skip
@click.option("--add", is_flag=True,
              help="Add the prompts to the server that runs at --host and --port; their paths are "
              "below its --prompts.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535),
              help="The port; 0 picks a free one.")  # fmt: skip
@click.option("--api-key", "api_keys", multiple=True, metavar="KEY", envvar="TUNESMITH_API_KEYS",
              help="Accept this key only; may be repeated. By default no key is needed. Also "
              "$TUNESMITH_API_KEYS, separated by spaces.")  # fmt: skip
@click.option("--admin-key", metavar="KEY", envvar="TUNESMITH_ADMIN_KEY",
              help="The key that adds and removes prompts. Also $TUNESMITH_ADMIN_KEY.")  # fmt: skip
@click.option("--max-requests", default=256, show_default=True, type=click.IntRange(1),
              help="Requests at a time; a further one gets status 429.")  # fmt: skip
@click.option("--time-limit", default=60.0, show_default=True, metavar="SECONDS",
              type=click.FloatRange(0, min_open=True),
              help="The longest time for one answer.")  # fmt: skip
@click.option("--log-texts", is_flag=True, help="Log the bodies of requests, too.")
@connection_options
def serve(
    prompts: tuple[str, ...],
    base: str | None,
    default: str | None,
    folder: Path | None,
    add: bool,
    connection: Connection,
    **given: Any,
) -> None:
    """Serve tuned prompts and their base model until Ctrl-C.

    A PATH is a run directory, an adapter folder or a deployment.json. A prompt answers under
    NAME, by default that of its run or folder.
    """
    from tunesmith_serve.running import Running
    from tunesmith_serve.settings import Settings

    named = [_named(text) for text in prompts]
    settings = Settings(
        host=given["host"],
        port=given["port"],
        api_keys=given["api_keys"],
        admin_key=given["admin_key"],
        default=default,
        prompts=folder,
        max_requests=given["max_requests"],
        request_seconds=given["time_limit"],
        log_texts=given["log_texts"],
    )
    if add:
        for name, path in named:
            _add(settings, name or path.name, path)
        return
    stop = _on_signals()
    with Running(settings, named, base, connection, screen.note) as server:
        screen.emit(_document(server), _welcome(server))
        stop.wait()
        screen.note("stopping: accepted requests are answered")


def _named(text: str) -> tuple[str | None, Path]:
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals else (None, Path(text))


def _add(settings: Settings, name: str, path: Path) -> None:
    if settings.admin_key is None:
        raise ExperimentError("--add needs the admin key of the server: --admin-key KEY")
    request = urllib.request.Request(  # the scheme is http
        f"http://{_host(settings.host)}:{settings.port}/v1/prompts/{name}",
        data=json.dumps({"path": str(path)}).encode(),
        headers={
            "Authorization": f"Bearer {settings.admin_key}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310  # as above
            added = json.load(response)
    except urllib.error.HTTPError as error:
        raise BackendError(json.load(error)["error"]["message"]) from None
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise BackendError(f"no server answers at {where} ({error}); start it first") from None
    screen.emit(added, [f"{added['name']}: {', '.join(added['labels'])}"])


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _document(server: Running) -> dict[str, Any]:
    return {"url": server.url, "base_model": server.service.base_model, "prompts": _names(server)}


def _names(server: Running) -> Sequence[str]:
    return list(server.service.prompts.all())


def _welcome(server: Running) -> Iterator[str]:
    yield f"{server.service.base_model} at {server.url}"
    for name, prompt in server.service.prompts.all().items():
        yield f"  {name}: {', '.join(prompt.labels)}"
    yield "Ctrl-C stops it."
