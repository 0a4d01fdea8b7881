"""The file of a recording: JSON lines, first a header, then one exchange in each line.

A line is ``{"request": {…}, "response": {…}}``. Bodies are ``null`` or ``{"kind", "value"}``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tunesmith.errors import ExperimentError, first_problem

FORMAT, VERSION = "tunesmith-recording", 1
LONGEST = 8_000_000
"""Bytes of a body that is recorded. Of a longer one only the length is."""
EVENTS = "text/event-stream"
M = TypeVar("M", bound=BaseModel)
_BLOCK = re.compile(r".*?(?:\r?\n){2}|.+\Z", re.DOTALL)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Body(_Value):
    """The body of a message."""

    kind: Literal["json", "text", "events", "base64", "omitted"]
    value: Any
    """A JSON value; text; the texts of the events; bytes in base64; the number of bytes."""

    @model_validator(mode="after")
    def _check(self) -> Body:
        if self.kind == "base64":
            try:
                base64.b64decode(self.value, validate=True)
            except (TypeError, ValueError, binascii.Error):
                raise ValueError("value: is no base64") from None
        kinds = {"text": str, "base64": str, "events": list, "omitted": int}
        if not isinstance(self.value, kinds.get(self.kind, object)):
            raise ValueError(f"value: does not fit the kind {self.kind}")
        return self

    @property
    def pieces(self) -> list[bytes]:
        """The bytes, in the pieces in which they are sent."""
        if self.kind == "events":
            return [str(event).encode() for event in self.value]
        if self.kind == "base64":
            return [base64.b64decode(self.value)]
        if self.kind == "omitted":
            return [b""]
        return [self.value.encode() if self.kind == "text" else json.dumps(self.value).encode()]


class Request(_Value):
    """A request. Of its headers only the media type is kept."""

    method: str = Field(min_length=1)
    host: str
    path: str = Field(pattern="^/")
    query: tuple[tuple[str, str], ...] = ()
    authorized: bool = False
    """Whether it had a token."""
    media: str = ""
    body: Body | None = None


class Response(_Value):
    """An answer, with few of its headers."""

    status: int = Field(ge=100, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Body | None = None
    ms: float = Field(default=0.0, ge=0)


class Exchange(_Value):
    """A request and its answer."""

    request: Request
    response: Response


class Header(_Value):
    """The first line."""

    format: Literal["tunesmith-recording"] = FORMAT  # type: ignore[assignment]
    version: Literal[1] = VERSION  # type: ignore[assignment]
    recorded_at: str
    """UTC."""


def body_of(raw: bytes, media: str) -> Body | None:
    """Return the body with the bytes ``raw`` of the media type ``media``; None if it is empty."""
    if not raw:
        return None
    if len(raw) > LONGEST:
        return Body(kind="omitted", value=len(raw))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Body(kind="base64", value=base64.b64encode(raw).decode())
    if media.startswith(EVENTS):
        return Body(kind="events", value=_BLOCK.findall(text))
    try:
        return Body(kind="json", value=json.loads(text))
    except (ValueError, RecursionError):
        return Body(kind="text", value=text)


def read_recording(path: Path) -> list[Exchange]:
    """Return the exchanges of a recording.

    Raises:
        ExperimentError: the file is missing or no recording; the message names line and field.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ExperimentError(f"{path}: cannot read the recording: {reason}") from None
    if not lines:
        raise ExperimentError(f"{path}: is empty; record again with: tunesmith emulator record")
    _read(path, 1, lines[0], Header)
    return [_read(path, n, line, Exchange) for n, line in enumerate(lines[1:], 2) if line.strip()]


def events_of(body: Body) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a stream: ``event``, by default ``message``, and the JSON ``data``."""
    for block in body.value:
        found = dict(line.split(":", 1) for line in str(block).splitlines() if ":" in line)
        try:
            data = json.loads(found.get("data", "null"))
        except ValueError:
            data = found["data"].strip()
        yield {"event": found.get("event", "message").strip(), "data": data}


def _read(path: Path, number: int, line: str, kind: type[M]) -> M:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        raise ExperimentError(
            f"{path}, line {number}: is no line of a recording: {first_problem(error)}"
        ) from None
