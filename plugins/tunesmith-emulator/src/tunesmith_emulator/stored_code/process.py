"""The process of one deployed function or AI service, as the emulator sees it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.stored_code import inside

log = logging.getLogger("tunesmith_emulator")
JSON = dict[str, Any]
SECONDS = 600.0
"""The longest time for an answer, and for each piece of a stream."""
_KEPT = (
    "HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "SSL_CERT_FILE", "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip
"""No key of the emulator's own environment is among them."""


class Launch(Protocol):
    """Starts the processes of the code."""

    def __call__(self, script: Path, folder: Path) -> subprocess.Popen[str]:
        """Start Python with a script, in a session of its own; its three streams are pipes.

        Args:
            script: the program.
            folder: the working folder of the code.
        """


def launch_here(script: Path, folder: Path) -> subprocess.Popen[str]:
    """Start it in the emulator's own Python."""
    return subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=kept_environment(),
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )


def kept_environment() -> dict[str, str]:
    """Return the variables of the emulator's environment that the code sees."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def failed(message: str) -> ServiceError:
    """Return the refusal for code that fails. A client may not repeat such a request."""
    return ServiceError(400, "stored_code_failed", message)


class Process:
    """A process that loads the code when it is first asked.

    Args:
        name: is told in the log.
        folder: the working folder of the code.
        what: what it loads; see :mod:`tunesmith_emulator.stored_code.inside`.
        launch: starts it.
    """

    def __init__(self, name: str, folder: Path, what: Mapping[str, Any], launch: Launch) -> None:
        self._name = name
        self._what: Mapping[str, Any] | None = what
        self._lock = threading.Lock()
        self._answers: queue.SimpleQueue[JSON | None] = queue.SimpleQueue()
        self._child = launch(Path(inside.__file__), folder)
        for stream, take in ((self._child.stdout, self._hear), (self._child.stderr, self._log)):
            threading.Thread(target=take, args=(stream,), daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._child.poll() is None

    def load(self) -> None:
        """Load the code.

        Raises:
            ServiceError: 400, it cannot be loaded.
        """
        with self._lock:
            self._load()

    def ask(self, request: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the value, or the pieces, that the code answers with.

        Raises:
            ServiceError: 400, it fails, ends or takes too long.
        """
        with self._lock:
            self._load()
            yield from self._exchange(request)

    def _load(self) -> None:
        if self._what is None:
            return
        try:
            list(self._exchange(self._what))
        except ServiceError:
            self.close()
            raise
        self._what = None

    def _exchange(self, request: Mapping[str, Any]) -> Iterator[Any]:
        ended = False
        try:
            self._send(request)
            while not ended:
                answer = self._next()
                ended = "piece" not in answer
                if "error" in answer:
                    raise failed(answer["error"])
                if not answer.get("end"):
                    yield answer.get("piece", answer.get("value"))
        finally:
            if not ended:  # nobody reads the rest, which is no answer to the next request
                self.close()

    def close(self) -> None:
        """End it, with all that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()
        self._child.wait()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _send(self, request: Mapping[str, Any]) -> None:
        stdin = self._child.stdin
        try:
            if stdin is not None:
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
        except OSError:
            raise self._gone() from None

    def _next(self) -> JSON:
        try:
            answer = self._answers.get(timeout=SECONDS)
        except queue.Empty:
            raise failed(f"The code took longer than {SECONDS:g} seconds.") from None
        if answer is None:
            raise self._gone()
        return answer

    def _gone(self) -> ServiceError:
        return failed(f"The process of the code ended with code {self._child.wait()}.")

    def _hear(self, stdout: IO[str]) -> None:
        try:
            with stdout:
                for line in stdout:
                    self._answers.put(json.loads(line))
        finally:
            self._answers.put(None)

    def _log(self, stderr: IO[str]) -> None:
        with stderr:
            for line in stderr:
                log.info("deployment %s: %s", self._name, line.rstrip())
