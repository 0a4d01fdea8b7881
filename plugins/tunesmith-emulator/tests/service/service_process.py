"""The emulator in a separate process, which a test can kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from service_rest import Rest

_PATIENCE = 60


class Process:
    """``tunesmith emulator serve`` on a data directory; returns when it serves."""

    def __init__(self, folder: Path, backend: str, path: str, *more: str, port: int = 0) -> None:
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self.errors = folder.with_suffix(".log")
        with self.errors.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tunesmith", "emulator", "serve", "--json"),
                    *("--port", str(port), "--data-dir", str(folder), "--backend", backend),
                    *more,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
            )
        self.document = self._first_document()
        self.url: str = self.document["credentials"]["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.ca_file = Path(self.document["credentials"]["verify"])

    def _first_document(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        text = ""
        for line in self._process.stdout:  # ends with the process
            text += line
            if line.startswith("}"):
                document: dict[str, Any] = json.loads(text)
                return document
        self.kill()
        raise AssertionError(f"did not serve: {text} {self.errors.read_text()}")

    def rest(self, **given: Any) -> Rest:
        return Rest(self.url, self.ca_file, self.document["project_id"], **given)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as a person does; returns its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        status = self._process.wait(_PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status
