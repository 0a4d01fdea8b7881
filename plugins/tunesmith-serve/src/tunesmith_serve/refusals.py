"""Refusals: what is wrong with a request, and the shape in which each wire says it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.errors import (
    BackendTimeoutError,
    ClosedError,
    DatasetError,
    ExperimentError,
    NotFoundError,
    PredictionError,
    QuotaError,
    TunesmithError,
    UnsupportedError,
)

_LOG = logging.getLogger("tunesmith_serve")

Wire = Literal["systemone", "openai"]
Place = tuple[str | int, ...]
"""The path of a field in the body."""

_KINDS = {
    400: "api_usage_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "rate_limit_error",
    503: "service_unavailable",
}
_OPENAI_KINDS = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}
_MEANINGS: tuple[tuple[type[TunesmithError], int], ...] = (
    (UnsupportedError, 400),
    (ExperimentError, 400),
    (DatasetError, 400),
    (PredictionError, 400),
    (NotFoundError, 404),
    (QuotaError, 429),
    (BackendTimeoutError, 429),
    (ClosedError, 503),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong field of a body."""

    place: Place
    message: str
    type: str = "value_error"


class Refusal(Exception):  # noqa: N818  # the word of the docs
    """A refusal of a request.

    Attributes:
        status: HTTP status.
        message: the problem and the remedy.
        problems: the wrong fields, if the body is wrong.
        code: OpenAI's code, if there is one.
        retry_after: seconds after which the client may try again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        problems: tuple[Problem, ...] = (),
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = problems
        self.code = code
        self.retry_after = retry_after

    def shaped(self, wire: Wire) -> tuple[int, dict[str, Any]]:
        """Return the status and the body on ``wire``."""
        return self._systemone() if wire == "systemone" else self._openai()

    def _systemone(self) -> tuple[int, dict[str, Any]]:
        if self.problems:
            detail = [
                {"loc": ["body", *one.place], "msg": one.message, "type": one.type}
                for one in self.problems
            ]
            return 422, {"detail": detail}
        kind = _KINDS.get(self.status, "internal_error")
        return self.status, {"detail": {"error_type": kind, "message": self.message}}

    def _openai(self) -> tuple[int, dict[str, Any]]:
        place = self.problems[0].place if self.problems else ()
        error = {
            "message": self.message,
            "type": _OPENAI_KINDS.get(self.status, "invalid_request_error"),
            "param": ".".join(map(str, place)) or None,
            "code": self.code,
        }
        return self.status, {"error": error}


def wrong(message: str, *place: str | int, code: str | None = None) -> Refusal:
    """Return the refusal of one field of a body."""
    where = ".".join(map(str, place))
    text = message if not where or message.startswith(where) else f"{where}: {message}"
    return Refusal(400, text, problems=(Problem(place, message),), code=code)


def refusal_of(error: Exception) -> Refusal:
    """Return the answer to an error.

    An error that the client can mend keeps its message. All others become a 500 without details;
    the details are in the log.
    """
    if isinstance(error, Refusal):
        return error
    for kind, status in _MEANINGS:
        if isinstance(error, kind):
            return Refusal(status, str(error), retry_after=1 if status == 429 else None)
    _LOG.error("request failed", exc_info=error)
    return Refusal(500, "The server failed; its log has the reason.")
