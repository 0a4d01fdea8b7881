"""Translates the SDK's errors into tunesmith's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from tunesmith.backends.concurrency import retry_after_seconds
from tunesmith.errors import (
    AuthenticationError,
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    QuotaError,
    TunesmithError,
)

_KEY = "check OPENAI_API_KEY (or the variable that key_variable names), and that it is for {host}"
_RIGHTS = "the key is valid, but does not allow this: check its project and permissions"
_PLAN = "wait and try again, or raise the limit of the plan"
_MONEY = "the credit is used up: waiting does not help; add credit at {host}"
_AGAIN = "try again later"
_ADDRESS = "check OPENAI_BASE_URL (option base_url), the network and the proxy"
_BY_TYPE: tuple[tuple[type[Exception], type[TunesmithError], str], ...] = (
    (openai.AuthenticationError, AuthenticationError, _KEY),
    (openai.PermissionDeniedError, AuthenticationError, _RIGHTS),
    (openai.NotFoundError, NotFoundError, ""),
    (openai.RateLimitError, QuotaError, _PLAN),
    (openai.APITimeoutError, BackendTimeoutError, _AGAIN),
    (openai.APIConnectionError, BackendError, _ADDRESS),
    (openai.InternalServerError, BackendError, _AGAIN),
)
_HIDDEN = "**********"
_LONGEST = 600
NOT_OFFERED = (400, 403, 404, 405, 415, 422, 501)
"""Statuses with which a server refuses a request that it does not know, or not for this model."""


@contextmanager
def translated(
    doing: str, host: str, secret: str, otherwise: type[TunesmithError] = BackendError
) -> Iterator[None]:
    """Translate the errors of the SDK that are raised inside.

    Args:
        doing: the action, for the message, e.g. ``"asking for job ftjob-1"``.
        host: of the provider.
        secret: the key, which is removed from the message.
        otherwise: the error if no more exact one is known.
    """
    try:
        yield
    except openai.OpenAIError as error:
        # A traceback also prints the causes, so a cause that holds the key is left out.
        told = secret in str(error) or secret in str(error.__cause__)
        kind, hint = _kind(error, otherwise)
        message = f"{doing}: {reason(error)}"
        message = f"{message}; {hint.format(host=host)}" if hint else message
        raise kind(message.replace(secret, _HIDDEN)) from (None if told else error)


def status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status in ``error`` or in its cause; None without an answer."""
    while error is not None:
        if isinstance(error, openai.APIStatusError):
            return error.status_code
        error = error.__cause__
    return None


def out_of_credit(error: BaseException | None) -> bool:
    """Return whether waiting cannot help: the credit is used up."""
    while error is not None:
        if isinstance(error, openai.APIStatusError):
            return error.status_code == 402 or error.code == "insufficient_quota"
        error = error.__cause__
    return False


def retry_after(error: BaseException | None) -> float | None:
    """Return the seconds after which the provider wants to be asked again, if it names them."""
    while error is not None and not isinstance(error, openai.APIStatusError):
        error = error.__cause__
    return None if error is None else retry_after_seconds(error.response.headers.get("Retry-After"))


def reason(error: Exception) -> str:
    """Return what the provider says, in short."""
    if isinstance(error, openai.APIStatusError):
        return f"{_said(error)[:_LONGEST]} (HTTP {error.status_code})"
    cause = error.__cause__
    return f"{error} ({cause})"[:_LONGEST] if cause is not None and str(cause) else str(error)


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        # OpenAI's form, that of FastAPI, and that of the System One wire.
        for key in ("message", "detail"):
            if found := body.get(key):
                return str(found.get("message", found) if isinstance(found, dict) else found)
    return error.message


def _kind(error: Exception, otherwise: type[TunesmithError]) -> tuple[type[TunesmithError], str]:
    if out_of_credit(error):
        return QuotaError, _MONEY
    for theirs, ours, hint in _BY_TYPE:
        if isinstance(error, theirs):
            return ours, hint
    return otherwise, ""
