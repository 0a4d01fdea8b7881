"""The rules of deployed functions and AI services: which code runs, and what it is told."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import DeploymentError
from tunesmith_emulator.deployed_code.process import CodeProcess, Launch, launch_here
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.iam.service import Iam
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.repository.service import Artifacts, Kind

JSON = dict[str, Any]
CODE_KINDS: Mapping[str, Kind] = {"wml_function": "functions", "ai_service": "ai_services"}
"""The artifacts whose code can be deployed, by the type of their asset."""


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one deployment."""

    deployment_id: str
    kind: Kind
    scope: ProjectScope
    artifact_id: str


class DeployedCode:
    """The processes of all deployed functions and AI services."""

    def __init__(self, artifacts: Artifacts, iam: Iam) -> None:
        self.launch: Launch = launch_here
        """Starts the processes."""
        self._artifacts = artifacts
        self._iam = iam
        self._processes: dict[str, CodeProcess] = {}
        self._lock = threading.Lock()

    def start(self, code: Code) -> CodeProcess:
        """Return the process of a deployment; it is started if it does not run.

        Raises:
            DeploymentError: the code cannot be loaded.
            ServiceError: the artifact has no content.
        """
        with self._lock:
            known = self._processes.get(code.deployment_id)
            if known is not None:
                if known.alive:
                    return known
                known.stop()
            started = CodeProcess(self.launch, self._setup(code))
            self._processes[code.deployment_id] = started
            return started

    def call(self, code: Code, name: str, request: JSON) -> Any:
        """Return what a function of the code returns.

        Raises:
            ServiceError: 400, the code has no such function; 500, it raised an error.
        """
        (last,) = self.stream(code, name, request)
        return last["done"]

    def stream(self, code: Code, name: str, request: JSON) -> Iterator[JSON]:
        """Yield the messages of a function of the code; see :meth:`CodeProcess.ask`.

        Raises:
            ServiceError: as :meth:`call`.
        """
        self._check(code, name)
        token = {"call": name, "task_token": self._iam.service_token()}
        try:
            yield from self.start(code).ask({**request, **token})
        except DeploymentError as error:
            raise ServiceError(500, "deployed_code_failed", str(error)) from error

    def stop(self, deployment_id: str) -> None:
        """End the process of a deployment, if it runs."""
        with self._lock:
            known = self._processes.pop(deployment_id, None)
        if known is not None:
            known.stop()

    def stop_all(self) -> None:
        """End all processes."""
        for deployment_id in list(self._processes):
            self.stop(deployment_id)

    def _setup(self, code: Code) -> JSON:
        content = self._artifacts.content(code.kind, code.scope, code.artifact_id, None)
        try:
            source = gzip.decompress(content).decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError):
            raise DeploymentError(
                "the content is no Python file that gzip has compressed; store it again"
            ) from None
        space = code.scope.id if code.scope.kind == "space" else None
        token = self._iam.service_token()
        return {"kind": code.kind, "source": source, "space_id": space, "task_token": token}

    @staticmethod
    def _check(code: Code, name: str) -> None:
        function = code.kind == "functions"
        if function != (name == "score"):
            where = "/predictions" if function else "/ai_service or /ai_service_stream"
            what = "function" if function else "AI service"
            raise ServiceError(
                400, "unsupported", f"The deployment is of a {what}; send its input to {where}."
            )
