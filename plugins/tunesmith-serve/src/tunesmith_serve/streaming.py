"""Answers that are sent while they are generated.

The answer is generated as the client reads it: a slow client slows the generation down, and a
client that disconnects ends it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tunesmith.records import Generation


class EventStream(StreamingResponse):
    """Server-sent events; ``events`` yields the text of each."""

    def __init__(self, events: Generator[str, None, None]) -> None:
        headers = {"Cache-Control": "no-cache"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Free the model's cache at once, also after a client has disconnected.
            self._events.close()


def with_own_tokens(pieces: Iterator[Generation]) -> Iterator[Generation]:
    """Yield the pieces of a stream, each with only its own tokens."""
    seen = 0
    for piece in pieces:
        tokens = piece.tokens
        yield piece if tokens is None else piece.model_copy(update={"tokens": tokens[seen:]})
        seen = len(tokens or ())
