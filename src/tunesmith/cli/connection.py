"""The options that choose a backend, and the connection to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunesmith.errors import ExperimentError
from tunesmith.plugins import DEFAULT_BACKEND

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.runs.run import Run

F = TypeVar("F", bound=Callable[..., Any])

REDACTED = "**********"
"""The text that pydantic prints for a SecretStr."""

backend_option = click.option(
    "--backend",
    default=DEFAULT_BACKEND,
    show_default=True,
    metavar="NAME",
    help="The backend; 'tunesmith backends' lists them.",
)
options_option = click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    callback=lambda context, parameter, texts: parse_options(texts),
    help="An option of the backend, e.g. device=cpu; may be repeated.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="The folder for runs and for the stores of the backends.",
)


def connection_options(command: F) -> F:
    """Add ``--backend``, ``--option`` and ``--runs-dir``."""
    return backend_option(options_option(runs_dir_option(command)))


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """Turn ``KEY=VALUE`` texts into a mapping.

    Raises:
        ExperimentError: a text has no key or no ``=``. The message does not show the value, which
            may be a secret.
    """
    options = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise ExperimentError(f"--option {key}: expected KEY=VALUE, e.g. device=cpu")
        options[key] = value
    return options


def open_backend(name: str, given: Mapping[str, Any], runs_dir: Path) -> Backend:
    """Connect to backend ``name``. Its store is under ``runs_dir`` unless an option sets another.

    Raises:
        PluginError: there is no such backend, or it cannot be imported.
        ExperimentError: an option is unknown or wrong.
    """
    from tunesmith.backends import connect

    return connect.open_backend(name, given, runs_dir)


def reopen_backend(run: Run, given: Mapping[str, Any]) -> Backend:
    """Connect to the backend of ``run`` with its recorded options, overridden by ``given``.

    Secrets are not recorded. They come from ``given``, the environment or the options file.
    """
    recorded = {
        name: value
        for name, value in run.record.options.items()
        if value is not None and value != REDACTED
    }
    recorded["store"] = str(_store_of(run))
    return open_backend(run.record.backend, {**recorded, **given}, run.directory.parent)


def _store_of(run: Run) -> Path:
    from tunesmith.backends.options import default_store

    # The recorded path is relative to the working directory of that time. The runs folder, with
    # the store in it, may have been moved since.
    recorded = run.record.options.get("store")
    beside = default_store(run.directory.parent, run.record.backend)
    if recorded is None or (beside.is_dir() and not Path(recorded).is_dir()):
        return beside
    return Path(recorded)
