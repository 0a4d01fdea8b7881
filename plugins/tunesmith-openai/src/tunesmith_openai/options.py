"""Options of the openai backend: address, key, and the reading of answers."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from tunesmith.backend import BackendOptions
from tunesmith.errors import ExperimentError, UnsupportedError

Reading = Literal["auto", "decisions", "chat", "text"]
LIVE = "TUNESMITH_OPENAI_LIVE"
"""Environment variable that lets tests reach a provider that may cost money."""
_UNDER_PYTEST = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")
_NO_KEY = "none"
"""Sent to a server on this machine that asks for no key; the SDK insists on one."""


def _env(name: str) -> Any:
    return Field(json_schema_extra={"env": name})


class OpenAIOptions(BackendOptions):
    """A provider, and the way in which its models are asked."""

    base_url: Annotated[str, _env("OPENAI_BASE_URL")] = "https://api.openai.com/v1"
    """The address before ``/chat/completions``, ``/decisions`` or ``/systemone``."""
    api_key: Annotated[SecretStr | None, _env("OPENAI_API_KEY")] = None
    key_variable: str | None = None
    """The environment variable that holds the key of this provider, e.g. ``FIREWORKS_API_KEY``, in
    place of ``OPENAI_API_KEY``."""
    organization: Annotated[str | None, _env("OPENAI_ORG_ID")] = None
    project: Annotated[str | None, _env("OPENAI_PROJECT_ID")] = None
    reading: Reading = "auto"
    """How a model answers: ``decisions`` of a closed question, the log-probabilities of a ``chat``,
    or its ``text``. ``auto``: the first of these that the server has for the model."""
    patience_seconds: Annotated[float, Field(ge=0)] = 120.0
    """The longest time that a rate limit may delay one answer."""

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must be an address such as https://api.openai.com/v1")
        return value.rstrip("/")

    @property
    def host(self) -> str:
        """The provider's host, for messages."""
        return urlsplit(self.base_url).hostname or "?"

    @property
    def on_this_machine(self) -> bool:
        """Whether the server is on this machine, so that its answers cost no money."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def key(self) -> str:
        """Return the key.

        Raises:
            ExperimentError: there is none, and the server is on another machine.
        """
        if self.key_variable is not None:
            if not (named := os.environ.get(self.key_variable)):
                raise ExperimentError(
                    f"option key_variable of backend 'openai': the environment variable "
                    f"{self.key_variable} is not set; set it to the key of {self.host}"
                )
            return named
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        if self.on_this_machine:
            return _NO_KEY
        raise ExperimentError(
            "option api_key of backend 'openai' is missing: set OPENAI_API_KEY, or name the "
            "variable that holds the key with --option key_variable=NAME"
        )


def refuse_paid_tests(options: OpenAIOptions) -> None:
    """Refuse other machines under pytest, unless the variable :data:`LIVE` is set.

    Raises:
        UnsupportedError: the message has two remedies.
    """
    tested = any(name in os.environ for name in _UNDER_PYTEST)
    if tested and not options.on_this_machine and LIVE not in os.environ:
        raise UnsupportedError(
            f"a test would reach {options.host}, which may cost money; set {LIVE}=1 to allow it, "
            "or give the test a server on this machine (option base_url)"
        )
