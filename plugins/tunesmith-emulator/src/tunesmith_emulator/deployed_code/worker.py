"""Runs one deployed function or AI service. It reads requests from stdin, and answers on stdout.

It imports only the standard library, because its Python may be another one than the emulator's.
The first line that it reads is the setup: ``kind``, ``source``, ``space_id``, ``task_token``. Each
further line is one request. What the code itself prints goes to stderr.
"""

from __future__ import annotations

import inspect
import json
import linecache
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TextIO

_FILE = "<deployed code>"
_CALLS = ("generate", "generate_stream", "generate_batch")
_NAME = "deployable_ai_service"


class Context:
    """What an AI service is told of its runtime, and of one request."""

    def __init__(self, setup: dict[str, Any], request: dict[str, Any]) -> None:
        self._setup = setup
        self._request = request

    def generate_token(self) -> str:
        """Return a new token of the deployment."""
        return str(self._setup["task_token"])

    def get_token(self) -> str:
        """Return the token of whoever sent the request."""
        return str(self._request.get("token") or self.generate_token())

    def get_headers(self) -> dict[str, Any]:
        """Return the headers of the request."""
        return dict(self._request.get("headers", {}))

    def get_json(self) -> Any:
        """Return the body of the request."""
        return self._request.get("payload")

    def get_space_id(self) -> str | None:
        """Return the id of the deployment's space, if it is in one."""
        space: str | None = self._setup.get("space_id")
        return space

    def get_method(self) -> str:
        """Return the method of the request."""
        return str(self._request.get("method", ""))

    def get_path_suffix(self) -> str:
        """Return what follows the address of the AI service."""
        return str(self._request.get("suffix", ""))

    def get_query_parameters(self) -> dict[str, Any]:
        """Return the query of the request."""
        return dict(self._request.get("query", {}))


Work = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]


def _load(setup: dict[str, Any]) -> Work:
    source = setup["source"]
    # Tracebacks and inspect.getsource find the lines there.
    linecache.cache[_FILE] = (len(source), None, source.splitlines(keepends=True), _FILE)
    names: dict[str, Any] = {"__name__": "deployed_code"}
    exec(compile(source, _FILE, "exec"), names)  # noqa: S102  # it is the user's own code
    return _function(names) if setup["kind"] == "functions" else _service(names, setup)


def _function(names: dict[str, Any]) -> Work:
    score = names.get("score")
    if not callable(score):
        raise TypeError("the code has no function 'score'")

    def work(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"done": score(request["payload"])}

    return work


def _service(names: dict[str, Any], setup: dict[str, Any]) -> Work:
    made = _deployable(names)(Context(setup, {}))
    calls = {each.__name__: each for each in (made if isinstance(made, tuple) else (made,))}

    def work(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        call = calls.get(request["call"])
        if call is None:
            raise TypeError(f"the AI service has no function '{request['call']}'")
        answer = call(Context(setup, request))
        if request["call"] == "generate_stream":
            for piece in answer:
                yield {"piece": piece}
            yield {"done": None}
        elif isinstance(answer, dict) and "body" in answer:
            yield {"done": answer}
        else:
            raise TypeError(f"{request['call']} must return a dictionary with 'body'")

    return work


def _deployable(names: dict[str, Any]) -> Callable[[Context], Any]:
    """Return the function that makes the others: the one of that name, or the only one."""
    own = [
        each
        for each in names.values()
        if inspect.isfunction(each) and each.__code__.co_filename == _FILE
    ]
    named = [each for each in own if each.__name__ == _NAME] or own
    if len(named) != 1:
        raise TypeError(f"the code must have a function '{_NAME}'")
    return named[0]


def _reason(error: BaseException) -> str:
    traceback.print_exception(error)
    remedy = f"; install it for {sys.executable}" if isinstance(error, ImportError) else ""
    return f"{type(error).__name__}: {error}{remedy}"


def _own_streams() -> tuple[TextIO, TextIO]:
    """Return the streams of requests and answers, which the code itself does not see."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def main() -> None:
    """Load the code, and answer until the end of the requests."""
    requests, answers = _own_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the emulator, and that ends this

    def say(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    setup = json.loads(requests.readline())
    try:
        work = _load(setup)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the deployment fails
        say({"failed": _reason(error)})
        return
    say({"done": None})
    for line in requests:
        request = json.loads(line)
        setup["task_token"] = request["task_token"]
        try:
            for message in work(request):
                say(message)
        except BaseException as error:  # noqa: BLE001  # the next request has another chance
            say({"failed": _reason(error)})


if __name__ == "__main__":
    main()
