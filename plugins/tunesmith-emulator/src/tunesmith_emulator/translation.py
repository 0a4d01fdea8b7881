"""The translation of tunesmith's errors, and of refusals of a chat, into the service's."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, OperationalError

from tunesmith.errors import (
    REMEDIES,
    ClosedError,
    DatasetError,
    ExperimentError,
    NotFoundError,
    PredictionError,
    QuotaError,
    TunesmithError,
    UnsupportedError,
    io_reason,
    remedy_of,
)
from tunesmith_emulator.envelope import ServiceError, Target
from tunesmith_serve.refusals import Refusal

_LOG = logging.getLogger(__name__)

_MEANINGS: tuple[tuple[type[TunesmithError], int, str], ...] = (
    (UnsupportedError, 400, "unsupported"),
    (ExperimentError, 400, "invalid_request_entity"),
    (DatasetError, 400, "invalid_request_entity"),
    (PredictionError, 400, "invalid_input_argument"),
    (NotFoundError, 404, "not_found"),
    (QuotaError, 429, "rate_limit_reached_requests"),
    (ClosedError, 503, "service_unavailable"),
)
_MISTAKES = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
"""Errors that no state of the disk explains: every path here is the emulator's own."""


def translated(error: Exception) -> ServiceError:
    """Return the service's answer to an error.

    An error that the client can fix keeps its message. All others become a 500 without details;
    the details are in the log.
    """
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, Refusal):
        return _of_refusal(error)
    if (reason := _of_storage(error)) is not None:
        # No bug: a traceback would hide the line with the reason.
        _LOG.error("the data directory cannot be used: %s", reason)
        return _failed()
    for kind, status, code in _MEANINGS:
        if isinstance(error, kind):
            return ServiceError(status, code, str(error))
    _LOG.error("request failed", exc_info=error)
    return _failed()


def _of_refusal(error: Refusal) -> ServiceError:
    field = next((".".join(map(str, problem.place)) for problem in error.problems), None)
    target = None if field is None else Target("field", field)
    code = error.code or "invalid_request_entity"
    return ServiceError(error.status, code, error.message, target)


def failure_of(error: Exception, work: str) -> str:
    """Return why ``work`` in the background failed; a bug has its traceback in the log."""
    if isinstance(error, TunesmithError | ServiceError):
        return str(error)
    if (reason := _of_storage(error)) is not None:
        return f"{reason}, and create it again"
    _LOG.error("%s failed", work, exc_info=error)
    return f"internal error: {type(error).__name__}"


def _failed() -> ServiceError:
    return ServiceError(
        500, "internal_server_error", "The service failed; the emulator's log has the reason."
    )


def _of_storage(error: Exception) -> str | None:
    """Return ``reason; fix`` if a full, failing or closed disk is to blame, else None."""
    if isinstance(error, OSError) and error.errno in REMEDIES.keys() - _MISTAKES:
        return f"{io_reason(error)}; {remedy_of(error).fix}"
    # Of SQLAlchemy's, these two classes come from the file; the others are mistakes in a query.
    if isinstance(error, OperationalError) or type(error) is DatabaseError:
        return f"state.sqlite: {error.orig}; free space or repair it"
    return None


@contextmanager
def service_errors() -> Iterator[None]:
    """Raise tunesmith's errors as the service's.

    Raises:
        ServiceError: the translation.
    """
    try:
        yield
    except (TunesmithError, Refusal) as error:
        raise translated(error) from error
