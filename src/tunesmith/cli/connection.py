"""The options that choose a backend, and the connection to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith.cli.command import FOLDER, bundled
from tunesmith.errors import ExperimentError
from tunesmith.plugins import DEFAULT_BACKEND

if TYPE_CHECKING:
    from tunesmith.backend import Backend

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
    type=FOLDER,
    default=Path("runs"),
    show_default=True,
    help="The folder for runs and for the stores of the backends.",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """The values of ``--backend``, ``--option`` and ``--runs-dir``."""

    backend: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    runs_dir: Path = Path("runs")

    def open(self, backend: str = "") -> Backend:
        """Connect to ``backend``, by default to that of the option.

        Raises:
            PluginError: there is no such backend, or it cannot be imported.
            ExperimentError: an option is unknown or wrong.
        """
        from tunesmith.backends.connect import open_backend

        return open_backend(backend or self.backend, self.options, self.runs_dir)


connection_options = bundled(
    "connection", Connection, backend_option, options_option, runs_dir_option
)
store_options = bundled("connection", Connection, options_option, runs_dir_option)
"""For a command that has the backend from a file or from an option of its own."""


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
