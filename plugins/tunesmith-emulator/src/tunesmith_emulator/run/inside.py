"""Runs inside every Python of a run, as its ``sitecustomize``.

It answers prompts, and leads connections that use no proxy to the emulator. It is copied into a
folder of its own beside ``inside.json``. It imports only the standard library, because that Python
may be another one than ours.
"""

from __future__ import annotations

import builtins
import functools
import getpass
import importlib.machinery
import importlib.util
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

SETTINGS = "inside.json"
LOOPBACK = "127.0.0.1"
REMEDY = "give the answer: --answer 'PATTERN=TEXT'"


def find(answers: Sequence[Sequence[str]], prompt: str) -> Sequence[str] | None:
    """Return the first of the ``answers`` (pattern, text, source) that fits ``prompt``."""
    return next((each for each in answers if re.search(each[0], prompt, re.IGNORECASE)), None)


def told(prompt: str, source: str) -> str:
    """Return the line about an answered prompt. It does not show the answer, which may be a key."""
    return f"{prompt.strip()} (answered with {source})"


def _answering(
    ask: Callable[..., str], usual: str, answers: Sequence[Sequence[str]]
) -> Callable[..., str]:
    @functools.wraps(ask)
    def asked(*given: Any, **named: Any) -> str:
        prompt = str(given[0] if given else named.get("prompt", usual))
        answer = find(answers, prompt)
        if answer:
            print(told(prompt, answer[2]), file=sys.stderr, flush=True)
            return answer[1]
        try:
            return ask(*given, **named)
        except EOFError:
            if not prompt.strip():
                raise
            raise EOFError(f"nobody answers {prompt.strip()!r}; {REMEDY}") from None

    return asked


def _resolving(look_up: Callable[..., Any], names: Sequence[str], port: int) -> Callable[..., Any]:
    @functools.wraps(look_up)
    def getaddrinfo(host: Any, service: Any, *given: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        name = name.lower().rstrip(".")
        ours = name in names or f"*.{name.partition('.')[2]}" in names
        if ours and str(service) in ("443", "https"):
            host, service = LOOPBACK, port
        return look_up(host, service, *given, **named)

    return getaddrinfo


def _install(folder: str) -> None:
    with open(os.path.join(folder, SETTINGS), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        settings = json.load(file)
    builtins.input = _answering(builtins.input, "", settings["answers"])
    getpass.getpass = _answering(getpass.getpass, "Password: ", settings["answers"])
    socket.getaddrinfo = _resolving(socket.getaddrinfo, settings["hosts"], settings["port"])


def _run_hidden(folder: str) -> None:
    """Run the ``sitecustomize`` of that Python, which this one hides."""
    others = [each for each in sys.path if each != folder]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    _install(os.path.dirname(__file__))  # noqa: PTH120
    _run_hidden(os.path.dirname(__file__))  # noqa: PTH120
