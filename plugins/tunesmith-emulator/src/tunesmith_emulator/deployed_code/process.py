"""The process of one deployed function or AI service."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tunesmith.errors import DeploymentError
from tunesmith_emulator.deployed_code import worker

JSON = dict[str, Any]


class Launch(Protocol):
    """Starts Python with a script. Its stdin and stdout must be pipes of text."""

    def __call__(self, script: Path) -> subprocess.Popen[str]:
        """Start it."""


def launch_here(script: Path) -> subprocess.Popen[str]:
    """Start it in the emulator's own Python."""
    return subprocess.Popen(
        (sys.executable, str(script)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


class CodeProcess:
    """The process. It answers one request after the other.

    Raises:
        DeploymentError: the code cannot be loaded; the text has its error.
    """

    def __init__(self, launch: Launch, setup: JSON) -> None:
        self._process = launch(Path(worker.__file__))
        self._turn = threading.Lock()
        try:
            for _ in self._told(setup):
                pass
        except BaseException:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self, request: JSON) -> Iterator[JSON]:
        """Send a request, and yield its messages: ``piece`` for each piece, ``done`` at the end.

        Raises:
            DeploymentError: the code raised an error, or the process ended.
        """
        with self._turn:
            ended = False
            try:
                yield from self._told(request)
                ended = True
            except DeploymentError:
                ended = True
                raise
            finally:
                if not ended:  # nobody waits for the rest, and it cannot be called off
                    self.stop()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _told(self, message: JSON) -> Iterator[JSON]:
        process = self._process
        assert process.stdin is not None  # noqa: S101  # Launch promises both pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            while line := process.stdout.readline():
                answer: JSON = json.loads(line)
                if "failed" in answer:
                    raise DeploymentError(answer["failed"])
                yield answer
                if "done" in answer:
                    return
        except (OSError, ValueError):
            pass  # it has ended, or was ended by another thread
        raise DeploymentError(f"the deployed code ended (exit code {process.wait()})")
