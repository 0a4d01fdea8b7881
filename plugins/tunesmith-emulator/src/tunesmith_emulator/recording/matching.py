"""Which recorded exchange answers a request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tunesmith_emulator.recording.exchange import Exchange, Request, read_recording
from tunesmith_emulator.recording.redaction import is_secret

_VOLATILE = ("project_id", "space_id", "version")
"""Parameters and fields that differ between an account and a test of the same code."""
_SIGN_IN = ("/identity/token", "/oidc/token", "/icp4d-api/v1/authorize")
_MULTIPART = "multipart/"


def signs_in(path: str) -> bool:
    """Return whether ``path`` gives tokens. The emulator gives its own."""
    return path in _SIGN_IN


class Replay:
    """The recorded exchanges by their requests.

    If a request was recorded several times, its answers are given in that order, and the last one
    from then on.

    Raises:
        ExperimentError: the file is no recording.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        """The name of the file."""
        exchanges = read_recording(path)
        self.hosts = tuple(sorted({e.request.host for e in exchanges if e.request.host}))
        """The hosts of the service."""
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[int, Exchange]]] = {}
        for number, exchange in enumerate(exchanges, start=2):
            if not signs_in(exchange.request.path):
                self._waiting.setdefault(_key(exchange.request), []).append((number, exchange))

    def next(self, request: Request) -> tuple[int, Exchange] | None:
        """Return the next answer to ``request`` with its line, or None if it was not recorded."""
        with self._lock:
            waiting = self._waiting.get(_key(request))
            if not waiting:
                return None
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _key(request: Request) -> str:
    query = sorted((n, v) for n, v in request.query if n not in _VOLATILE and not is_secret(n))
    body: Any = None
    if request.body is not None and not request.media.startswith(_MULTIPART):
        body = [request.body.kind, _steady(request.body.value)]
    return json.dumps([request.method, request.path, query, body], sort_keys=True)


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: _steady(v) for n, v in _kept(value.items())}
    return [_steady(inner) for inner in value] if isinstance(value, list) else value


def _kept(fields: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    secret = ((n, v) for n, v in fields if not (isinstance(v, str) and is_secret(n)))
    return [(n, v) for n, v in secret if n not in _VOLATILE]
