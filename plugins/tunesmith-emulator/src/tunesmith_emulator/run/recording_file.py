"""The file that is being recorded."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tunesmith.atomic import naming, replaced_atomically
from tunesmith_emulator.recording.exchange import Exchange, Header
from tunesmith_emulator.recording.redaction import Secrets


class RecordingFile:
    """A recording during a ``with`` block, at whose end ``path`` is replaced.

    Until then the lines are in ``path`` with ``.partial`` behind, which only its owner reads. After
    an error that file stays, unless it is empty.

    Args:
        path: the file.
        secrets: those learned until the end are also taken out of the lines before.
    """

    def __init__(self, path: Path, secrets: Secrets) -> None:
        self.path = path
        self.exchanges = 0
        """The number of exchanges so far."""
        self._partial = path.with_name(f"{path.name}.partial")
        self._secrets = secrets
        self._lock = threading.Lock()
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with naming(self._partial):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(self._partial, flags, 0o600)
            self._file = self._opened.enter_context(os.fdopen(descriptor, "w", encoding="utf-8"))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write(Header(recorded_at=now).model_dump_json())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()
        if kind is not None:
            if not self.exchanges:
                self._partial.unlink()
            return
        with replaced_atomically(self.path) as file, self._partial.open(encoding="utf-8") as lines:
            for line in lines:
                file.write(self._secrets.line(line).encode())
        self._partial.unlink()

    def add(self, exchange: Exchange) -> None:
        """Append an exchange, from any thread."""
        with self._lock:
            self._write(exchange.model_dump_json())
            self.exchanges += 1

    def _write(self, line: str) -> None:
        with naming(self._partial):
            self._file.write(f"{line}\n")
            self._file.flush()
