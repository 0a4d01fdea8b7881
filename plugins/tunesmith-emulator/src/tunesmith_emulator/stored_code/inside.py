"""The program that runs one deployed function or AI service. It needs the standard library alone.

It reads one JSON value on each line of its input: first what it loads, then requests. It answers
with JSON lines: ``{"value": …}``, ``{"error": text}``, or ``{"piece": …}`` for each piece of a
stream and ``{"end": true}``. What the code prints goes to the standard error.
"""

from __future__ import annotations

import ast
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
_LONGEST = 500
_GENERATING = ("generate", "generate_stream", "generate_batch")


class Context:
    """The argument of an AI service: the request, and tokens."""

    def __init__(self, told: JSON) -> None:
        self._told = told

    def get_token(self) -> str:
        """Return the token of the request."""
        return str(self._told.get("user_token") or self._told["token"])

    def generate_token(self) -> str:
        """Return a token of the service's own."""
        return str(self._told["token"])

    def get_headers(self) -> JSON:
        """Return the headers of the request."""
        return dict(self._told.get("headers", {}))

    def get_json(self) -> Any:
        """Return the body of the request."""
        return self._told.get("json")

    def get_bytes(self) -> bytes:
        """Return the body of the request as it was encoded."""
        return json.dumps(self.get_json()).encode()

    def get_space_id(self) -> str:
        """Return the space of the deployment."""
        return str(self._told.get("space_id", ""))

    def get_method(self) -> str:
        """Return the method of the request, e.g. ``POST``."""
        return str(self._told.get("method", ""))

    def get_path_suffix(self) -> str:
        """Return the address behind ``ai_service/``."""
        return str(self._told.get("suffix", ""))

    def get_query_parameters(self) -> JSON:
        """Return the query of the address."""
        return dict(self._told.get("query", {}))

    def update(self, told: JSON) -> None:
        """Take a new token, also for a context that the code has kept."""
        self._told = {**self._told, "token": told["token"]}


class Program:
    """The loaded code."""

    def __init__(self, what: JSON) -> None:
        source, path = what["source"], what["path"]
        names: dict[str, Any] = {"__name__": "deployed", "__file__": path}
        exec(compile(source, path, "exec"), names)  # noqa: S102  # what this program is for
        self._context = Context(what["context"])
        if what["kind"] == "functions":
            self._calls = {"score": _named(names, "score")}
        else:
            first = names[_first_function(source)]
            self._calls = _by_name(first(self._context, **what["custom"]))

    def answer(self, request: JSON) -> Iterator[JSON]:
        """Yield the answers to a request."""
        name = request["call"]
        call = self._calls.get(name)
        if call is None:
            known = ", ".join(self._calls)
            raise ValueError(f"the code has no function {name!r}; it has {known}")
        if name == "score":
            yield {"value": call(request["payload"])}
            return
        self._context.update(request["context"])
        made = call(Context(request["context"]))
        if name != "generate_stream":
            yield {"value": made}
            return
        for piece in made:
            yield {"piece": piece}
        yield {"end": True}


def _named(names: JSON, name: str) -> Callable[..., Any]:
    found = names.get(name)
    if not callable(found):
        raise ValueError(f"the code has no function {name!r}")
    return found  # type: ignore[no-any-return]  # whatever the code defines


def _first_function(source: str) -> str:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef):
            return statement.name
    raise ValueError("the code has no function at its top level")


def _by_name(made: Any) -> dict[str, Callable[..., Any]]:
    several = made if isinstance(made, tuple | list) else (made,)
    found = {one.__name__: one for one in several if callable(one)}
    wanted = {name: call for name, call in found.items() if name in _GENERATING}
    if not wanted:
        raise ValueError(f"the AI service returns none of {', '.join(_GENERATING)}")
    return wanted


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _failure(error: BaseException) -> JSON:
    traceback.print_exception(error)
    # Its Python may be another one than the emulator's.
    remedy = f"; install it for {sys.executable}" if isinstance(error, ImportError) else ""
    return {"error": f"{type(error).__name__}: {error}"[:_LONGEST] + remedy}


def _requests() -> queue.SimpleQueue[str]:
    """Return the lines of the input. At its end the process ends, whatever the code does."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    given = os.fdopen(os.dup(0), encoding="utf-8")

    def read() -> None:
        for line in given:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return lines


def main() -> None:
    """Load the code, and answer requests."""
    # The modules beside this file are not the code's.
    sys.path[:] = [place for place in sys.path if Path(place) != Path(__file__).parent]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    lines = _requests()
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def say(answer: JSON) -> None:
        answers.write(json.dumps(answer, default=_plain, allow_nan=False) + "\n")
        answers.flush()

    try:
        program = Program(json.loads(lines.get()))
        say({"value": None})
    except BaseException as error:  # noqa: BLE001  # also SystemExit: the emulator must hear of it
        say(_failure(error))
        sys.exit(1)
    while True:
        request = json.loads(lines.get())
        try:
            for answer in program.answer(request):
                say(answer)
        except BaseException as error:  # noqa: BLE001  # one request may not end the others
            say(_failure(error))


if __name__ == "__main__":
    main()
