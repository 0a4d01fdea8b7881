"""Starts the code of deployed functions and AI services as the code of a run is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tunesmith_emulator.run.bundle import write_bundle
from tunesmith_emulator.run.child import trusting, without_proxy
from tunesmith_emulator.run.hosts import ibm_hosts
from tunesmith_emulator.run.python_start import with_start
from tunesmith_emulator.run.start import Start
from tunesmith_emulator.stored_code.process import failed, kept_environment


class CodeLaunch:
    """Starts processes. Those that still run at the end of the ``with`` block are killed.

    Args:
        environment: returns their environment; it is asked at the first one.
        python: their Python.
        start: makes the start of one process.
    """

    def __init__(
        self,
        environment: Callable[[], Mapping[str, str]],
        python: Path,
        start: Callable[[], Start],
    ) -> None:
        self._environment = environment
        self._python = python
        self._start = start
        self._opened = ExitStack()
        self._ended = False
        self._lock = threading.Lock()

    def __call__(self, script: Path, folder: Path) -> subprocess.Popen[str]:
        """Start Python with a script in ``folder``; its three streams are pipes.

        Raises:
            ServiceError: 400, the ``with`` block has ended.
        """
        # A job may still start code while this ends.
        with self._lock:
            if self._ended:
                raise failed("The emulator runs no more code, because it ends.")
            return self._started(script, folder)

    def _started(self, script: Path, folder: Path) -> subprocess.Popen[str]:
        start = self._opened.enter_context(self._start())
        process = subprocess.Popen(
            (*start.prefix, str(self._python), str(script)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=dict(self._environment()),
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=start.pass_fds,
        )
        self._opened.callback(process.kill)
        start.finish(process.pid)
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        with self._lock:
            self._ended = True
            self._opened.close()


def led_to_emulator(folder: Path, place: Callable[[], tuple[bytes, int]]) -> CodeLaunch:
    """Return what starts code outside a run: this Python, with IBM's hosts led to the emulator.

    It has the network of this machine. What it needs is written to ``folder`` at the first start;
    ``place`` then returns the emulator's authority, as PEM, and its port.
    """

    @cache
    def environment() -> Mapping[str, str]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ca_pem, port = place()
        bundle = write_bundle(folder / "certificates.pem", ca_pem)
        direct = without_proxy(kept_environment(), (host.removeprefix("*") for host in ibm_hosts()))
        return with_start(trusting(direct, bundle), folder / "python", (), port)

    return CodeLaunch(environment, Path(sys.executable), lambda: Start(None, folder, own=False))
