"""What is never written to a recording: keys, tokens, passwords, signatures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from tunesmith_emulator.recording.exchange import Body, Exchange

REDACTED = "REDACTED"
_SHORTEST = 8
"""Characters. Shorter values are taken out by their names only, not wherever they occur."""
_ENDINGS = (
    "apikey", "accesskey", "accesskeyid", "secretkey", "secretaccesskey", "privatekey", "password",
    "passphrase", "secret", "credential", "credentials", "authorization", "cookie", "signature",
)  # fmt: skip
_OPEN = ("grant_type", "response_type", "token_type", "scope")
"""Fields of a sign-in that are no secrets."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_URL = re.compile(r"https?://[^\s\"'<>\\]+\?[^\s\"'<>\\]+")
_FORM = "application/x-www-form-urlencoded"


def is_secret(name: str) -> bool:
    """Return whether a field, parameter or variable of this name holds a secret."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    signed = name.lower().startswith("x-amz-") or plain in ("sig", "signature")
    return signed or plain.endswith(_ENDINGS) or _is_token(name)


def _is_token(name: str) -> bool:
    return re.sub(r"[^a-z0-9]", "", name.lower()).endswith("token")


class Secrets:
    """Takes secrets out of exchanges, and keeps in mind which texts are secret.

    Args:
        environment: its variables with the names of secrets are known from the start.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._known: set[str] = set()
        for name, value in (environment or {}).items():
            if is_secret(name):
                self.learn(value)

    def learn(self, value: str) -> None:
        """Take ``value`` out wherever it occurs from now on."""
        if len(value) >= _SHORTEST and value != REDACTED:
            self._known |= {value, quote(value, safe="")}

    def learn_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Learn the secrets of a message's headers, which are not recorded themselves."""
        for name, value in headers:
            if is_secret(name):
                self.learn(value)
                self.learn(value.partition(" ")[2])

    def clean(self, exchange: Exchange) -> Exchange:
        """Return ``exchange`` without secrets."""
        request, response = exchange.request, exchange.response
        body = self._form(request.body) if request.media.startswith(_FORM) else request.body
        query = tuple((name, self._value(name, value)) for name, value in request.query)
        headers = {name: self._value(name, value) for name, value in response.headers.items()}
        answer, body = self._body(response.body), self._body(body)
        path = self.text(request.path)
        return Exchange(
            request=request.model_copy(update={"path": path, "query": query, "body": body}),
            response=response.model_copy(update={"headers": headers, "body": answer}),
        )

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        text = _URL.sub(lambda found: self._url(found[0]), _JWT.sub(REDACTED, text))
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text

    def line(self, line: str) -> str:
        """Return a line of JSON without the known secrets, which may have been learned later."""
        for secret in sorted(self._known, key=len, reverse=True):
            line = line.replace(json.dumps(secret)[1:-1], REDACTED)
        return line

    def _body(self, body: Body | None) -> Body | None:
        if body is None or body.kind in ("omitted", "base64"):
            return body
        if body.kind == "events":
            return Body(kind="events", value=[self._event(event) for event in body.value])
        return Body(kind=body.kind, value=self._json(body.value))

    def _json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._json(inner) for inner in value]
        if isinstance(value, dict):
            # The tokens of a model have this name too.
            written = "logprob" in value
            return {
                name: self._json(inner) if written else self._field(name, inner)
                for name, inner in value.items()
            }
        return value

    def _field(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._value(name, value)
        if name.lower() == "credentials" and isinstance(value, dict | list):
            return _blank(value)
        return self._json(value)

    def _value(self, name: str, value: str) -> str:
        if name not in _OPEN and value and is_secret(name):
            self.learn(value)
            return REDACTED
        return self.text(value)

    def _form(self, body: Body | None) -> Body | None:
        if body is None or body.kind != "text":
            return body
        fields = parse_qsl(body.value, keep_blank_values=True)
        for name, value in fields:
            if name not in _OPEN:
                self.learn(value)
        kept = [(name, value if name in _OPEN else REDACTED) for name, value in fields]
        return Body(kind="text", value=urlencode(kept))

    def _event(self, event: str) -> str:
        lines = event.splitlines(keepends=True)
        return "".join(self._event_line(line) for line in lines)

    def _event_line(self, line: str) -> str:
        if not line.startswith("data:"):
            return self.text(line)
        end = line[len(line.rstrip("\r\n")) :]
        try:
            value = json.loads(line[len("data:") :])
        except ValueError:
            return self.text(line)
        return f"data: {json.dumps(self._json(value), ensure_ascii=False)}{end}"

    def _url(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        fields = parse_qsl(parts.query, keep_blank_values=True)
        if not any(is_secret(name) for name, _ in fields):
            return url
        query = urlencode([(name, self._value(name, value)) for name, value in fields])
        return urlunsplit(parts._replace(query=query))


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _blank(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    return REDACTED if isinstance(value, str) else value
