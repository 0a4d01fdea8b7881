"""The connection to the service: one ``APIClient``, made at its first use."""

from __future__ import annotations

import base64
import json
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ibm_watsonx_ai import APIClient, Credentials
from ibm_watsonx_ai.experiment import TuneExperiment

from tunesmith.errors import AuthenticationError, BackendError, ExperimentError, TunesmithError
from tunesmith_watsonx.errors import EXPIRED, scrubbed, translated
from tunesmith_watsonx.guard import is_ibm, refuse_paid_tests
from tunesmith_watsonx.options import WatsonxOptions
from tunesmith_watsonx.quiet import quiet

_SDK_VERIFY = "WX_CLIENT_VERIFY_REQUESTS"
_WITHOUT_ACCOUNT = (
    "without an account, 'tunesmith emulator serve' serves the same API on this machine"
)
_making = threading.Lock()

# Without a handler, the SDK's log would go to stderr.
logging.getLogger("ibm_watsonx_ai").addHandler(logging.NullHandler())


class Connection:
    """The client of one backend, and the context of its calls."""

    def __init__(self, options: WatsonxOptions) -> None:
        self._options = options
        self._client: APIClient | None = None
        self._scrubber = _Scrubber(options.secrets())

    @property
    def client(self) -> APIClient:
        """The client; the first use connects.

        Raises:
            ExperimentError: an option is missing.
            UnsupportedError: a test would spend money.
            BackendError: the service cannot be reached or refuses.
        """
        with _making:
            if self._client is None:
                _check(self._options)
                _SDK_LOG.addFilter(self._scrubber)
                with self.call(f"connecting to {self._options.url}"), _environment_kept():
                    self._client = APIClient(_credentials(self._options), **self._scope())
            return self._client

    @property
    def host(self) -> str:
        """The service's host, for messages."""
        return urlsplit(self._options.url or "").hostname or "?"

    @contextmanager
    def call(self, doing: str, otherwise: type[TunesmithError] = BackendError) -> Iterator[None]:
        """Call the SDK inside: without its output, and with tunesmith's errors."""
        with translated(doing, self._options.secrets(), otherwise), quiet():
            yield

    @contextmanager
    def tune_experiment(self) -> Iterator[TuneExperiment]:
        """Open the SDK's tuning experiment. Its own client is closed afterwards."""
        _check(self._options)
        with _making, self.call("opening a tuning experiment"), _environment_kept():
            experiment = TuneExperiment(_credentials(self._options), **self._scope())
        try:
            yield experiment
        finally:
            experiment.client.httpx_client.close()

    def close(self) -> None:
        """Close the client. A later use connects again."""
        if self._client is not None:
            self._client.httpx_client.close()
            self._client = None
        _SDK_LOG.removeFilter(self._scrubber)

    def _scope(self) -> dict[str, Any]:
        if self._options.project_id:
            return {"project_id": self._options.project_id}
        return {"space_id": self._options.space_id}


_SDK_LOG = logging.getLogger("ibm_watsonx_ai.wml_client_error")


class _Scrubber(logging.Filter):
    """Removes secrets from the log of the SDK's errors."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrubbed(record.getMessage(), self._secrets), None
        return True


def _check(options: WatsonxOptions) -> None:
    if options.url is None:
        raise _missing("url", "WATSONX_URL", _WITHOUT_ACCOUNT)
    if not (options.api_key or options.token or options.password):
        raise _missing("api_key", "WATSONX_APIKEY", _WITHOUT_ACCOUNT)
    if options.token and (since := _expiry(options.token.get_secret_value())) <= time.time():
        when = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"
        raise AuthenticationError(f"WATSONX_TOKEN expired at {when}; {EXPIRED}")
    if not (options.project_id or options.space_id):
        raise _missing("project_id", "WATSONX_PROJECT_ID", "or space_id (WATSONX_SPACE_ID)")
    if not (is_ibm(options.url) or options.platform_url or options.username or options.version):
        raise _missing(
            "platform_url", "WATSONX_PLATFORM_URL",
            f"{urlsplit(options.url).hostname} is not IBM's cloud: an emulator needs platform_url "
            "and auth_url, Cloud Pak for Data username and version",
        )  # fmt: skip
    for url in filter(None, (options.url, options.platform_url, options.auth_url)):
        refuse_paid_tests(url)


def _expiry(token: str) -> float:
    """Return the end of a token in seconds since 1970; infinity if it tells none."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return math.inf


def _missing(option: str, variable: str, more: str) -> ExperimentError:
    return ExperimentError(
        f"option {option} of backend 'watsonx' is missing: set {variable}, give --option "
        f"{option}=VALUE or write it into the options file; {more}"
    )


def _credentials(options: WatsonxOptions) -> Credentials:
    def secret(name: str) -> str | None:
        value = getattr(options, name)
        return None if value is None else str(value.get_secret_value())

    return Credentials(
        url=options.url,
        api_key=secret("api_key"),
        token=secret("token"),
        username=options.username,
        password=secret("password"),
        instance_id=options.instance_id,
        version=options.version,
        platform_url=options.platform_url,
        auth_url=options.auth_url,
        # Always given: without it, the SDK accepts untrusted certificates in all clients of this
        # process.
        verify=True if options.verify == "true" else options.verify,
    )


@contextmanager
def _environment_kept() -> Iterator[None]:
    # The SDK writes ``verify`` into the environment, which would change all later clients.
    before = os.environ.get(_SDK_VERIFY)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SDK_VERIFY, None)
        else:
            os.environ[_SDK_VERIFY] = before
