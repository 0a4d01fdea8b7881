"""The connection to a provider: one client of the SDK, made at its first use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from openai import OpenAI

from tunesmith.errors import BackendError, TunesmithError
from tunesmith.records import Usage
from tunesmith_openai.errors import translated
from tunesmith_openai.options import OpenAIOptions, refuse_paid_tests


class Connection:
    """The client of one backend, the context of its calls, and the tokens that they took."""

    def __init__(self, options: OpenAIOptions) -> None:
        self.options = options
        self.used = Usage()
        self._client: OpenAI | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> OpenAI:
        """The client. Making it sends nothing.

        Raises:
            ExperimentError: the key is missing.
            UnsupportedError: a test would spend money.
        """
        options = self.options
        with self._lock:
            if self._client is None:
                refuse_paid_tests(options)
                self._client = OpenAI(
                    api_key=options.key(),
                    base_url=options.base_url,
                    organization=options.organization,
                    project=options.project,
                )
            return self._client

    @contextmanager
    def call(self, doing: str, otherwise: type[TunesmithError] = BackendError) -> Iterator[None]:
        """Call the SDK inside, with tunesmith's errors."""
        with translated(doing, self.options.host, self.options.key(), otherwise):
            yield

    def count(self, usage: Usage) -> None:
        """Add the tokens of an answer."""
        with self._lock:
            self.used = self.used.plus(usage)

    def close(self) -> None:
        """Close the client. A later use connects again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
