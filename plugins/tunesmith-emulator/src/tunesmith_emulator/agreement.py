"""Where the emulator differs from a recording of the service."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tunesmith_emulator.emulator import Emulator
from tunesmith_emulator.recording.exchange import Body, Exchange, Response, body_of, events_of
from tunesmith_emulator.recording.exchange import read_recording as read
from tunesmith_emulator.recording.matching import signs_in
from tunesmith_emulator.recording.shapes import Difference, differences
from tunesmith_emulator.routes.table import ROUTES

_IDENTIFIER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{20,}", re.I)
_ENDS = ("completed", "failed", "canceled", "ready")
_PATIENCE = 300.0
"""Seconds for a training or deployment to end as the recorded one did."""
_PAUSE = 0.2


@dataclass
class RouteAgreement:
    """The requests of one route."""

    evidence: tuple[str, ...]
    """Where its shape in the emulator comes from; empty if the route is not emulated."""
    requests: int = 0
    found: Counter[Difference] = field(default_factory=Counter)
    """The differences, with the numbers of requests that have them."""


@dataclass
class Agreement:
    """The result."""

    routes: dict[str, RouteAgreement] = field(default_factory=dict)
    skipped: int = 0
    """Sign-ins, and requests whose bodies were not recorded."""

    @property
    def differs(self) -> bool:
        """Whether there are differences."""
        return any(route.found for route in self.routes.values())

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "routes": {name: _document(route) for name, route in sorted(self.routes.items())},
            "skipped": self.skipped,
        }

    def lines(self) -> Iterator[str]:
        """Yield the result as text."""
        for name, route in sorted(self.routes.items()):
            told = ", ".join(route.evidence) or "not emulated"
            verdict = "differs" if route.found else "agrees"
            yield f"{name} ({told}): {verdict}, {_times(route.requests)}"
            for one, times in sorted(route.found.items()):
                yield f"  {_words(one)}{f' ({times} of them)' if times < route.requests else ''}"
        yield f"not compared: {self.skipped} sign-ins and requests without a recorded body"


def compare(recording: Path, emulator: Emulator) -> Agreement:
    """Send the recorded requests to ``emulator``, which must run, and compare the answers.

    Ids that the emulator gives take the place of the recorded ones in later requests.

    Raises:
        ExperimentError: the file is no recording.
    """
    found, client = Agreement(), _Client(emulator)
    for exchange in read(recording):
        bodies = (exchange.request.body, exchange.response.body)
        lost = any(body is not None and body.kind == "omitted" for body in bodies)
        if signs_in(exchange.request.path) or lost:
            found.skipped += 1
            continue
        answer = client.ask(exchange)
        name = emulator.requests[-1]["route"] or (
            f"{exchange.request.method} {exchange.request.path}"
        )
        evidence = next((tuple(r.evidence) for r in ROUTES if r.name == name), ())
        route = found.routes.setdefault(name, RouteAgreement(evidence))
        route.requests += 1
        route.found.update(_differences(exchange.response, answer))
    return found


class _Client:
    """Sends recorded requests, with a token and ids of the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._host, self._port = emulator.settings.host, emulator.port
        self._context = ssl.create_default_context(cafile=emulator.ca_file)
        self._ids: dict[str, str] = {}
        key = emulator.credentials["api_key"]
        grant = {"apikey": key, "grant_type": "urn:ibm:params:oauth:grant-type:apikey"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        signed = self._send("POST", "/identity/token", urlencode(grant).encode(), form)
        self._token = json.loads(signed[2])["access_token"]

    def ask(self, exchange: Exchange) -> Response:
        """Return the emulator's answer, and learn its ids."""
        wanted, until = _state(exchange.response.body), time.monotonic() + _PATIENCE
        answer = self._once(exchange)
        while wanted in _ENDS and _state(answer.body) not in (None, *_ENDS):
            if exchange.request.method != "GET" or time.monotonic() > until:
                break
            time.sleep(_PAUSE)
            answer = self._once(exchange)
        bodies = exchange.response.body, answer.body
        if all(body is not None and body.kind == "json" for body in bodies):
            self._learn(*(body.value for body in bodies if body is not None))
        return answer

    def _once(self, exchange: Exchange) -> Response:
        request = exchange.request
        headers = {"Content-Type": request.media} if request.media else {}
        if request.authorized:
            headers["Authorization"] = f"Bearer {self._token}"
        query = self._ours(urlencode(request.query))
        target = self._ours(request.path) + (f"?{query}" if query else "")
        body = b"".join(request.body.pieces) if request.body else b""
        if request.body is not None and request.body.kind == "json":
            body = self._ours(body.decode()).encode()
        status, media, raw = self._send(request.method, target, body, headers)
        return Response(status=status, body=body_of(raw, media))

    def _send(
        self, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._context)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def _ours(self, text: str) -> str:
        return _IDENTIFIER.sub(lambda found: self._ids.get(found[0], found[0]), text)

    def _learn(self, recorded: Any, ours: Any) -> None:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for name in recorded.keys() & ours.keys():
                self._learn(recorded[name], ours[name])
        elif isinstance(recorded, list) and isinstance(ours, list):
            for there, here in zip(recorded, ours, strict=False):
                self._learn(there, here)
        elif isinstance(recorded, str) and isinstance(ours, str):
            there, here = _IDENTIFIER.fullmatch(recorded), _IDENTIFIER.fullmatch(ours)
            if there and here and recorded != ours:
                self._ids[recorded] = ours


def _differences(recorded: Response, ours: Response) -> Iterator[Difference]:
    if recorded.status != ours.status:
        yield Difference("", "status", str(recorded.status), str(ours.status))
        return
    if recorded.body is None or ours.body is None:
        if (recorded.body is None) != (ours.body is None):
            yield Difference("(body)", "type", _kind(recorded.body), _kind(ours.body))
        return
    if recorded.body.kind != ours.body.kind:
        yield Difference("(body)", "type", recorded.body.kind, ours.body.kind)
    elif recorded.body.kind == "events":
        there, here = ({"events": list(events_of(body))} for body in (recorded.body, ours.body))
        yield from differences(there, here)
    elif recorded.body.kind == "json":
        yield from differences(recorded.body.value, ours.body.value)


def _kind(body: Body | None) -> str:
    return "none" if body is None else body.kind


def _state(body: Body | None) -> str | None:
    value: Any = body.value if body is not None and body.kind == "json" else None
    for name in ("entity", "status", "state"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _document(route: RouteAgreement) -> dict[str, Any]:
    found: Sequence[tuple[Difference, int]] = sorted(route.found.items())
    return {
        "evidence": list(route.evidence),
        "requests": route.requests,
        "differences": [
            {
                "where": one.where,
                "kind": one.kind,
                "recorded": one.recorded,
                "emulator": one.emulator,
                "requests": times,
            }
            for one, times in found
        ],
    }


def _words(one: Difference) -> str:
    if one.kind == "missing":
        return f"{one.where}: missing, the recording has {one.recorded}"
    if one.kind == "added":
        return f"{one.where}: added, the recording has no such field ({one.emulator})"
    return f"{one.where or 'status'}: {one.recorded} in the recording, {one.emulator} here"


def _times(number: int) -> str:
    return f"{number} request{'s' * (number != 1)}"
