"""Runs stored functions and AI services, if the settings allow it: one process a deployment.

The code has the rights of the emulator itself, so that nobody may bring any without being asked.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.iam.service import Iam
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.repository.service import Artifacts
from tunesmith_emulator.settings import Settings
from tunesmith_emulator.stored_code.process import Launch, Process, failed, launch_here

JSON = dict[str, Any]
Kind = Literal["functions", "ai_services"]
KINDS: dict[str, Kind] = {"wml_function": "functions", "ai_service": "ai_services"}
"""The kinds of code by the type of their asset."""
_MOST = 8_000_000
"""Bytes of a source."""


@dataclass(frozen=True)
class Program:
    """The code of one deployment."""

    deployment_id: str
    kind: Kind
    scope: ProjectScope
    asset_id: str
    custom: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of an AI service beside the context."""


class StoredCode:
    """The processes of all deployments of code."""

    def __init__(self, settings: Settings, artifacts: Artifacts, iam: Iam) -> None:
        self.launch: Launch = launch_here
        """Starts the processes."""
        self._settings = settings
        self._artifacts = artifacts
        self._iam = iam
        self.closed = False
        """Whether the emulator ends, so that an error says nothing about the code."""
        self._processes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def check(self) -> None:
        """Check that code may run.

        Raises:
            ServiceError: 400, the settings do not allow it.
        """
        if not self._settings.run_code:
            raise ServiceError(
                400,
                "stored_code_not_run",
                "This emulator does not run stored functions and AI services; start it with "
                "--run-code or Emulator(run_code=True).",
            )

    def load(self, program: Program) -> None:
        """Load the code of a deployment.

        Raises:
            ServiceError: 400, it cannot be loaded.
        """
        self._process(program).load()

    def score(self, program: Program, payload: Mapping[str, Any]) -> JSON:
        """Return what the function answers.

        Raises:
            ServiceError: 400, it fails, or answers with something else than predictions.
        """
        answer = self._one(program, {"call": "score", "payload": payload})
        if not isinstance(answer, dict) or not isinstance(answer.get("predictions"), list):
            raise failed("The function must return an object with the list 'predictions'.")
        return answer

    def generate(self, program: Program, context: Mapping[str, Any]) -> JSON:
        """Return what an AI service answers: an object with ``body``, perhaps ``headers``.

        Raises:
            ServiceError: as :meth:`score`.
        """
        request = {"call": "generate", "context": self._context(program, context)}
        answer = self._one(program, request)
        if not isinstance(answer, dict) or "body" not in answer:
            raise failed("The AI service must return an object with 'body'.")
        return answer

    def stream(self, program: Program, context: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the pieces of an AI service's answer; raises as :meth:`score`."""
        request = {"call": "generate_stream", "context": self._context(program, context)}
        yield from self._process(program).ask(request)

    def forget(self, deployment_id: str) -> None:
        """End the process of a deployment, if it has one."""
        with self._lock:
            process = self._processes.pop(deployment_id, None)
        if process is not None:
            process.close()

    def close(self) -> None:
        """End all processes; no other one begins."""
        with self._lock:
            self.closed = True
        for ident in list(self._processes):
            self.forget(ident)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _one(self, program: Program, request: JSON) -> Any:
        (answer,) = self._process(program).ask(request)
        return answer

    def _process(self, program: Program) -> Process:
        self.check()
        with self._lock:
            if self.closed:
                raise failed("The emulator ends.")
            process = self._processes.get(program.deployment_id)
            if process is None or not process.alive:
                process = self._started(program)
                self._processes[program.deployment_id] = process
        return process

    def _started(self, program: Program) -> Process:
        content = self._artifacts.content(program.kind, program.scope, program.asset_id, None)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tunesmith-code-"))
        folder = self._folder / program.deployment_id
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "deployed.py"  # tracebacks show its lines
        path.write_text(_source(content), encoding="utf-8")
        what = {
            "kind": program.kind,
            "source": path.read_text(encoding="utf-8"),
            "path": str(path),
            "custom": dict(program.custom),
            "context": self._context(program, {}),
        }
        return Process(program.deployment_id, folder, what, self.launch)

    def _context(self, program: Program, context: Mapping[str, Any]) -> JSON:
        space = {"space_id": program.scope.id} if program.scope.kind == "space" else {}
        return {**space, **context, "token": self._iam.own_token()}


def _source(content: bytes) -> str:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            source = file.read(_MOST + 1)
        if len(source) > _MOST:
            raise failed(f"The source is longer than {_MOST} bytes.")
        return source.decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        raise failed("The content must be one Python file, compressed with gzip.") from None
