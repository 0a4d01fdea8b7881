"""Hides the SDK's prints and warnings, but not those of other code."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, TextIO, cast

_log = logging.getLogger(__name__)
# httpx warns of the SDK's way to give a certificate file.
_SDK_WARNINGS = re.compile("ibm_watsonx_ai|httpx")


class _Stdout:
    """Standard output for all threads but those inside :func:`quiet`."""

    def __init__(self, real: TextIO, muted: threading.local) -> None:
        self._real = real
        self._muted = muted

    def write(self, text: str) -> int:
        if not getattr(self._muted, "depth", 0):
            return self._real.write(text)
        if text.strip():
            _log.debug("SDK: %s", text.strip())
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Silence:
    # All threads share standard output: the first thread replaces it, the last one restores it.

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._undo = contextlib.ExitStack()
        self._muted = threading.local()

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                stdout = cast("TextIO", _Stdout(sys.stdout, self._muted))
                self._undo.enter_context(contextlib.redirect_stdout(stdout))
            self._users += 1
        self._muted.depth = getattr(self._muted, "depth", 0) + 1

    def leave(self) -> None:
        self._muted.depth -= 1
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._undo.close()


_silence = _Silence()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what this thread prints to the log (debug), and drop the warnings of the SDK."""
    _ignore_warnings()
    _silence.enter()
    try:
        yield
    finally:
        _silence.leave()


def _ignore_warnings() -> None:
    # Permanently, and not with catch_warnings: that would restore old filters while another
    # thread changes them.
    if not any(module == _SDK_WARNINGS for _, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_SDK_WARNINGS.pattern)
