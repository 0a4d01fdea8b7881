"""What a follower of one training has not been told yet, in the service's messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith_emulator.trainings.states import ENDED


class News:
    """Remembers what one follower was told."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the follower knows that the training has ended."""
        self._text = ""
        self._metrics = 0

    def of(self, status: Mapping[str, Any], message: str) -> Iterator[dict[str, Any]]:
        """Yield a status for each thing that is new.

        Each holds one entry of the metrics: the SDK prints the first one only.

        Args:
            status: ``entity.status`` of the training.
            message: what its backend said last.
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
