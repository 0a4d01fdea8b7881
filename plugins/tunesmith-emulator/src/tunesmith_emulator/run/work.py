"""The work of one ``emulator run``. It is checked before the emulator starts."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TextIO

import click

from tunesmith.errors import ExperimentError, PluginError
from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.bundle import write_bundle
from tunesmith_emulator.run.child import child_environment, run_child
from tunesmith_emulator.run.code_launch import CodeLaunch
from tunesmith_emulator.run.downloads import Downloads, parse_downloads
from tunesmith_emulator.run.prompts import Answer, made_up, parse_answers
from tunesmith_emulator.run.proxy import Proxy
from tunesmith_emulator.run.python_start import with_start
from tunesmith_emulator.run.start import Start
from tunesmith_emulator.stored_code.process import Launch

NOTEBOOK = ".ipynb"
SCRIPT = ".py"
Note = Callable[[str], None]
_NEEDED = ("nbclient", "nbformat", "ipykernel")
_INSTALL = "pip install 'tunesmith-emulator[notebook]'"
# The path of a socket has at most 107 bytes, on macOS 103.
_LONGEST = 60


class RunningEmulator(Protocol):
    """The part of an emulator that a run needs. Its certificate covers ``hosts.ibm_hosts()``."""

    @property
    def port(self) -> int:
        """The port of its TLS server on the loopback interface."""

    @property
    def authority(self) -> Authority:
        """The authority that signed its certificate."""

    @property
    def credentials(self) -> dict[str, Any]:
        """The ``api_key`` that it accepts, and more."""

    @property
    def project_id(self) -> str:
        """The id of an existing project."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a run."""

    code: int
    """The exit code."""
    watched: str
    """What is known of the requests of the code, in words."""


@dataclass(frozen=True, slots=True)
class Work:
    """A command or a notebook, with the downloads that are answered from files."""

    command: tuple[str, ...]
    downloads: Downloads
    notebook: Any = None
    """The cells (nbformat 4) if ``command`` names a notebook or a script."""
    output: Path = Path()
    """The file for the executed notebook."""
    answers: tuple[Answer, ...] = ()
    """The answers to prompts that precede the made-up ones."""
    own_network: bool = True
    """Whether the code gets a network without a way out, if this machine can make one."""
    python: Path = Path(sys.executable)
    """The Python of the code."""

    def run(
        self,
        emulator: RunningEmulator,
        *,
        out: TextIO | None = None,
        note: Note | None = None,
        run_code_by: Callable[[Launch], None] = lambda launch: None,
    ) -> Ended:
        """Run to the end, print the refused requests, and return the end.

        Args:
            emulator: a running emulator.
            out: the stream for outputs of cells, by default stdout. A child process always uses
                the stdout of this process.
            note: prints a line of progress or of the summary, by default on stderr.
            run_code_by: is told how code that is deployed meanwhile must be started.
        """
        say = note or _on_stderr
        with tempfile.TemporaryDirectory(prefix="tunesmith-run-", dir=_short()) as name:
            folder = Path(name)
            # The emulator's authority can only name the emulated hosts, and the proxy names any.
            own = Authority(folder, keep=False)
            trusted = emulator.authority.ca_pem + own.ca_pem
            bundle = write_bundle(folder / "certificates.pem", trusted)
            answers = (
                *self.answers,
                *made_up(emulator.credentials["api_key"], emulator.project_id),
            )
            with (
                Proxy(emulator.port, own, self.downloads) as proxy,
                Start(proxy, folder, own=self.own_network) as start,
            ):
                environment = with_start(
                    child_environment(os.environ, proxy.url, bundle, self.python),
                    folder / "python",
                    answers,
                    emulator.port,
                )
                starting = partial(Start, proxy, folder, own=self.own_network)
                with CodeLaunch(lambda: environment, self.python, starting) as launch:
                    run_code_by(launch)
                    code = self._work(environment, folder, answers, start, out or sys.stdout, say)
        for line in proxy.traffic.lines(self.downloads):
            say(line)
        return Ended(code, _watched(start.shared))

    def _work(
        self,
        environment: Mapping[str, str],
        folder: Path,
        answers: Sequence[Answer],
        start: Start,
        out: TextIO,
        say: Note,
    ) -> int:
        if self.notebook is None:
            return run_child(self.command, environment, start)
        from tunesmith_emulator.run.console import Console
        from tunesmith_emulator.run.notebook import run_cells

        console = Console(out, say, self.output)
        code = run_cells(
            self.notebook,
            self.output,
            environment,
            folder,
            console,
            start,
            answers,
            python=self.python,
        )
        say(f"executed notebook: {self.output}")
        return code


def _short() -> str | None:
    return "/tmp" if len(tempfile.gettempdir()) > _LONGEST else None  # noqa: S108


def _watched(shared: str) -> str:
    if not shared:
        return "no request of the code left this machine"
    return (
        "only requests through the proxy were watched, and none of them left this machine (the "
        f"code had the network of this machine, {shared})"
    )


def prepare(
    command: Sequence[str],
    serve: Sequence[str] = (),
    output: Path | None = None,
    *,
    answers: Sequence[str] = (),
    own_network: bool = True,
    python: Path | None = None,
) -> Work:
    """Check the command line before an emulator is started.

    A single name that ends in ``.ipynb`` or ``.py`` runs in a Jupyter kernel, and all else as a
    process.

    Raises:
        ExperimentError: there is nothing to run, or an argument is wrong.
        PluginError: the packages for notebooks are missing.
    """
    if not command:
        raise ExperimentError("nothing to run; name a notebook, or write: -- python SCRIPT.py")
    downloads = parse_downloads(serve)
    given = parse_answers(answers)
    # Not resolved: the Python of an environment is a link, and its place names the environment.
    used = Path(os.path.abspath(python or sys.executable))  # noqa: PTH100
    if len(command) > 1 or Path(command[0]).suffix not in (NOTEBOOK, SCRIPT):
        if output is not None:
            raise ExperimentError("--output goes with a notebook; a command writes its own files")
        return Work(tuple(command), downloads, answers=given, own_network=own_network, python=used)
    source = Path(command[0])
    target = output or Path(f"{source.stem}.executed{NOTEBOOK}")
    cells = _cells(source, target)
    return Work(tuple(command), downloads, cells, target, given, own_network, used)


def _cells(source: Path, output: Path) -> Any:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise PluginError(f"{source} runs in Jupyter, which lacks {', '.join(missing)}; {_INSTALL}")
    if output.resolve() == source.resolve():
        raise ExperimentError(f"--output {output}: is the notebook itself; name another file")
    from tunesmith_emulator.run.cells import read_cells

    return read_cells(source)


def _on_stderr(text: str) -> None:
    click.echo(text, err=True)
