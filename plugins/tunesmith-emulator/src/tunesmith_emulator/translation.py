"""The translation of tunesmith's errors into the service's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tunesmith.errors import (
    DatasetError,
    ExperimentError,
    NotFoundError,
    PredictionError,
    QuotaError,
    TunesmithError,
    UnsupportedError,
)
from tunesmith_emulator.envelope import ServiceError

_LOG = logging.getLogger(__name__)

_MEANINGS: tuple[tuple[type[TunesmithError], int, str], ...] = (
    (UnsupportedError, 400, "unsupported"),
    (ExperimentError, 400, "invalid_request_entity"),
    (DatasetError, 400, "invalid_request_entity"),
    (PredictionError, 400, "invalid_input_argument"),
    (NotFoundError, 404, "not_found"),
    (QuotaError, 429, "rate_limit_reached_requests"),
)


def translated(error: Exception) -> ServiceError:
    """Return the service's answer to an error.

    An error that the client can fix keeps its message. All others become a 500 without details;
    the details are in the log.
    """
    if isinstance(error, ServiceError):
        return error
    for kind, status, code in _MEANINGS:
        if isinstance(error, kind):
            return ServiceError(status, code, str(error))
    _LOG.error("request failed", exc_info=error)
    return ServiceError(
        500, "internal_server_error", "The service failed; the emulator's log has the reason."
    )


@contextmanager
def service_errors() -> Iterator[None]:
    """Raise tunesmith's errors as the service's.

    Raises:
        ServiceError: the translation.
    """
    try:
        yield
    except TunesmithError as error:
        raise translated(error) from error
