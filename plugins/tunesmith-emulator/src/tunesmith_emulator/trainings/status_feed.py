"""The new messages about one training for a client that follows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith_emulator.trainings.states import ENDED


class StatusFeed:
    """The messages of one training that one client has not received yet."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the end of the training was among the messages."""
        self._text = ""
        self._metrics = 0

    def of(self, status: Mapping[str, Any], message: str) -> Iterator[dict[str, Any]]:
        """Yield a status for each new metric, and one for a new state or message.

        Each status holds one metric, because the SDK prints only the first one.

        Args:
            status: ``entity.status`` of the training.
            message: the last message of the backend.
        """
        metrics = status.get("metrics", [])
        for entry in metrics[self._metrics :]:
            yield {"state": status["state"], "metrics": [entry]}
        self._metrics = len(metrics)
        self.ended = status["state"] in ENDED
        text = f"{status['state']}: {message}" if message else status["state"]
        if text != self._text:
            yield {"state": status["state"], "message": {"level": "info", "text": text}}
        self._text = text
