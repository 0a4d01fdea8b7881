"""Server-sent events, as the service sends them."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from itertools import chain, islice
from typing import Any

from tunesmith_emulator.translation import translated
from tunesmith_serve.streaming import EventStream


def event_stream(bodies: Iterator[dict[str, Any]], *, greet: bool) -> EventStream:
    """Return a stream with one event for each body.

    The first body is made before this returns, so that a refusal has its own status and the error
    envelope. A later error becomes an event ``error``, which ends the stream.

    Args:
        bodies: the data of the events.
        greet: whether an empty event comes first, as in text generation. A chat has none,
            because clients read every event as a chunk.

    Raises:
        ServiceError: the request is refused.
    """
    first = islice(bodies, 1)
    begin = [*([{}] if greet else []), *first]
    return EventStream(_events(chain(begin, bodies)))


def _events(bodies: Iterator[dict[str, Any]]) -> Generator[str, None, None]:
    number = 0
    try:
        for number, body in enumerate(bodies, start=1):  # the error's event is next
            yield _event(number, "message", body)
    except Exception as error:  # noqa: BLE001  # the status is already sent
        yield _event(number + 1, "error", translated(error).body())


def _event(number: int, name: str, body: dict[str, Any]) -> str:
    # The data must follow the event line directly: clients read the next line as the data.
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(body)}\n\n"
