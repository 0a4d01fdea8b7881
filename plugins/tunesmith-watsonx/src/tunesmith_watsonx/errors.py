"""Translates the SDK's errors into tunesmith's.

The SDK does not parse the service's errors: status and reason are in the response if there is one,
or in the text of an exception. Statuses are the service's (recorded); see ``_BY_STATUS``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from ibm_watsonx_ai import wml_client_error as sdk

from tunesmith.errors import (
    AuthenticationError,
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    QuotaError,
    TunesmithError,
    UnsupportedError,
)

_KEY = "check WATSONX_APIKEY (or the token), and that it belongs to the service at WATSONX_URL"
EXPIRED = (
    "the token has expired: set WATSONX_APIKEY instead, from which new tokens are made, or get a "
    "new WATSONX_TOKEN with 'ibmcloud iam oauth-tokens'"
)
_RIGHTS = (
    "the credentials are valid, but do not allow this: check the role in the project, the plan of "
    "the service and its region (WATSONX_URL)"
)
_PLAN = "wait and try again, or raise the limit of the plan"
_PROJECT = "check WATSONX_PROJECT_ID (or WATSONX_SPACE_ID), the region, and the rights of the key"
_AGAIN = "try again later"
_RELEASE = "this service, plan or release does not offer it; try --backend local"
_TRUST = (
    "name the certificate authority to trust with WATSONX_VERIFY (a PEM file); "
    "'tunesmith emulator serve' prints the file of an emulator"
)

_BY_STATUS: dict[int, tuple[type[TunesmithError], str]] = {
    402: (QuotaError, _PLAN),
    403: (AuthenticationError, _RIGHTS),
    404: (NotFoundError, ""),
    408: (BackendTimeoutError, _AGAIN),
    429: (QuotaError, _PLAN),
    504: (BackendTimeoutError, _AGAIN),
}
_BY_TYPE: tuple[tuple[type[BaseException], type[TunesmithError], str], ...] = (
    (sdk.InvalidCredentialsError, AuthenticationError, _KEY),
    (sdk.AuthenticationError, AuthenticationError, _KEY),
    (sdk.ExceededLimitOfAPICalls, QuotaError, _PLAN),
    (sdk.CannotSetProjectOrSpace, NotFoundError, _PROJECT),
    (sdk.ForbiddenActionForPlan, UnsupportedError, _RELEASE),
    (sdk.UnsupportedOperation, UnsupportedError, _RELEASE),
    (sdk.MissingWMLComponent, UnsupportedError, _RELEASE),
    (sdk.MissingFoundationModel, UnsupportedError, _RELEASE),
    (httpx.TimeoutException, BackendTimeoutError, _AGAIN),
    (TimeoutError, BackendTimeoutError, _AGAIN),
    (httpx.TransportError, BackendError, "check WATSONX_URL, the network and the proxy"),
)
# Errors that only their text identifies.
_BY_SENTENCE: tuple[tuple[str, type[TunesmithError], str], ...] = (
    ("cannot be verified with default trusted CAs", BackendError, _TRUST),
    ("not supported for this release", UnsupportedError, _RELEASE),
    ("Artifact with artifact_id", NotFoundError, ""),
)
# If an exception has no response, the status is in its text, in one of these forms.
_STATUS_IN_TEXT = (
    re.compile(r"[\"']status_code[\"']:\s*(\d{3})"),
    re.compile(r"Error: (\d{3})\b"),
    re.compile(r"\((\d{3})\)\s*$"),
)
_UNSUPPORTED = {"unsupported", "model_not_supported"}
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?")
_HIDDEN = "**********"
_LONGEST = 600


@contextmanager
def translated(
    doing: str, secrets: Sequence[str] = (), otherwise: type[TunesmithError] = BackendError
) -> Iterator[None]:
    """Translate the errors of the SDK that are raised inside.

    Args:
        doing: the action, for the message, e.g. ``"deploying model 'x'"``.
        secrets: texts to remove from the message.
        otherwise: the error if no more exact one is known.
    """
    try:
        yield
    except TunesmithError:
        raise
    except Exception as error:  # noqa: BLE001  # the SDK raises errors of many libraries
        told = any(secret in text for secret in secrets for text in map(str, chain(error)))
        # A traceback also prints the causes, so a cause with a secret is removed.
        raise translate(error, doing, secrets, otherwise) from (None if told else error)


def translate(
    error: BaseException,
    doing: str,
    secrets: Sequence[str] = (),
    otherwise: type[TunesmithError] = BackendError,
) -> TunesmithError:
    """Return the tunesmith error for ``error``, with a remedy."""
    kind, hint = _kind(error, otherwise)
    message = f"{doing}: {_reason(error)}"
    return kind(scrubbed(f"{message}; {hint}" if hint else message, secrets))


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of the service's answer, or None without one."""
    response = response_of(error)
    if response is not None:
        return response.status_code
    for link in chain(error):
        for pattern in _STATUS_IN_TEXT:
            found = pattern.search(str(link))
            if found:
                return int(found.group(1))
    return None


def response_of(error: BaseException) -> httpx.Response | None:
    """Return the response in ``error`` or in one of its causes."""
    for link in chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, httpx.Response):
            return response
    return None


def chain(error: BaseException) -> list[BaseException]:
    """Return ``error``, its causes, and the members of exception groups."""
    links: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        link = todo.pop(0)
        if link is None or link in links:
            continue
        links.append(link)
        todo += [link.__cause__, link.__context__]
        todo += link.exceptions if isinstance(link, BaseExceptionGroup) else ()
    return links


def scrubbed(text: str, secrets: Sequence[str]) -> str:
    """Return ``text`` without ``secrets`` and without bearer tokens."""
    for secret in filter(None, secrets):
        text = text.replace(secret, _HIDDEN)
    return _JWT.sub(_HIDDEN, text)


def _kind(
    error: BaseException, otherwise: type[TunesmithError]
) -> tuple[type[TunesmithError], str]:
    links = chain(error)
    status = status_of(error)
    if status == 401:  # also where the SDK's own error blames the project
        return AuthenticationError, EXPIRED if _expired(error) else _KEY
    for sentence, ours, hint in _BY_SENTENCE:
        if any(sentence in str(link) for link in links):
            return ours, hint
    for theirs, ours, hint in _BY_TYPE:
        if any(isinstance(link, theirs) for link in links):
            return ours, hint
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if _codes(error) & _UNSUPPORTED:
        return UnsupportedError, ""
    if status is not None and status >= 500:
        return otherwise, _AGAIN
    return otherwise, ""


def _reason(error: BaseException) -> str:
    messages = [str(e["message"]) for e in _service_errors(error) if e.get("message")]
    if messages:
        return f"the service reports: {'; '.join(messages)}"[:_LONGEST]
    own = str(error).strip() or type(error).__name__
    if not isinstance(error, sdk.WMLClientError | httpx.HTTPError | OSError):
        own = f"the SDK cannot read the service's answer ({type(error).__name__}: {own})"
    return own[:_LONGEST]


def _codes(error: BaseException) -> set[str]:
    return {str(entry.get("code")) for entry in _service_errors(error)}


def _expired(error: BaseException) -> bool:
    texts = [*map(str, chain(error)), *_codes(error)]
    return any("expired" in text.lower() for text in texts)


def _service_errors(error: BaseException) -> list[dict[str, Any]]:
    response = response_of(error)
    texts = [] if response is None else [_body(response)]
    for text in (*texts, *map(str, chain(error))):
        document = _json_in(text)
        listed = document.get("errors")
        if isinstance(listed, list):
            return [entry for entry in listed if isinstance(entry, dict)]
        if "errorMessage" in document:  # IAM's form
            return [{"code": document.get("errorCode"), "message": document["errorMessage"]}]
    return []


def _body(response: httpx.Response) -> str:
    try:
        return response.text
    except httpx.ResponseNotRead:
        return ""


def _json_in(text: str) -> dict[str, Any]:
    start = text.find("{")
    if start < 0:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start:])
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
