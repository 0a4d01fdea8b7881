"""Starts the code of deployed functions and AI services as the code of a run is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
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
from tunesmith_emulator.stored_code.process import kept_environment


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

    def __call__(self, script: Path, folder: Path) -> subprocess.Popen[str]:
        """Start Python with a script in ``folder``; its three streams are pipes."""
        start = self._opened.enter_context(self._start())
        process = subprocess.Popen(
            (*start.prefix, str(self._python), str(script)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=dict(self._environment()),
            start_new_session=True,
            text=True,
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
        self._opened.close()


def led_to_emulator(folder: Path, ca_pem: bytes, port: int) -> CodeLaunch:
    """Return what starts code outside a run: this Python, with IBM's hosts led to the emulator.

    It has the network of this machine. What it needs is written to ``folder`` at the first start.
    """

    @cache
    def environment() -> Mapping[str, str]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        bundle = write_bundle(folder / "certificates.pem", ca_pem)
        direct = without_proxy(kept_environment(), (host.removeprefix("*") for host in ibm_hosts()))
        return with_start(trusting(direct, bundle), folder / "python", (), port)

    return CodeLaunch(environment, Path(sys.executable), lambda: Start(None, folder, own=False))
