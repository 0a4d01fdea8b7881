"""Runs commands in forks of this process, which has imported everything: each pays its work alone.

A fork must be made before this process has a thread.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.points import KILL, Injector, Point

PATIENCE = 300
"""Seconds after which a process hangs."""


@dataclass(frozen=True)
class Ended:
    """A process that ended."""

    code: int
    """The exit code, or the signal below zero; None of both: it hung, which is -SIGALRM."""
    out: str
    err: str
    fired: bool
    """Whether the fault came."""
    points: tuple[Point, ...] = ()
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Two folders: where the processes work, and where their output goes."""

    work: Path
    logs: Path
    charts: bool = False
    """Whether pages have charts."""

    def run(
        self, call: Callable[[], object], target: Point | None = None, fault: str = KILL
    ) -> Ended:
        """Run ``call`` in a fork of this process; ``target`` fails with ``fault``."""
        for name in ("out", "err", "fired", "points", "modules"):
            (self.logs / name).unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            self._child(call, target, fault)
        code = _wait(child)
        return Ended(
            code,
            self._text("out"),
            self._text("err"),
            (self.logs / "fired").exists(),
            tuple(_point(line) for line in self._text("points").splitlines()),
            tuple(self._text("modules").splitlines()),
        )

    def _text(self, name: str) -> str:
        file = self.logs / name
        return file.read_text("utf-8", errors="replace") if file.exists() else ""

    def _child(self, call: Callable[[], object], target: Point | None, fault: str) -> None:
        code = 70
        try:
            for descriptor, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(self.logs / name, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
            os.chdir(self.work)
            temporary = self.work / "tmp"
            temporary.mkdir(exist_ok=True)
            os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
            fired = (self.logs / "fired").touch
            injector = Injector(self.work, target, fault, fired)
            injector.install()
            if not self.charts:
                sys.modules["matplotlib"] = None  # type: ignore[assignment]  # as if not installed
            code = _status_of(call)
            lines = ("\t".join(map(str, point)) for point in injector.points)
            (self.logs / "points").write_text("\n".join(lines))
            (self.logs / "modules").write_text("\n".join(sys.modules))
        except BaseException:  # noqa: BLE001  # the process ends here
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def tunesmith(*arguments: str) -> Callable[[], None]:
    """Return a call of the command line."""

    def call() -> None:
        from tunesmith.cli import main

        sys.argv = ["tunesmith", *arguments]
        main()

    return call


def warm(modules: Iterable[str]) -> None:
    """Import what a process has imported, so that the next forks need not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            if name not in sys.modules and name != "__mp_main__":
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


def _status_of(call: Callable[[], object]) -> int:
    try:
        call()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(bool(error.code))
    return 0


def _point(line: str) -> Point:
    call, path, number = line.split("\t")
    return Point(call, path, int(number))


def _wait(child: int) -> int:
    until = time.monotonic() + PATIENCE
    pause = 0.002
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM
