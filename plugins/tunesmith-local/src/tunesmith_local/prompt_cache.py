"""The states of the prompts that are in use, under a bound of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from tunesmith_local.prefix import PromptState


class PromptCaches:
    """Keeps what a model remembers of each prompt; the least recently used goes first.

    A prompt that is larger than the whole bound is read for each call and never kept. Safe for
    threads: a prompt is read once, however many ask for it at the same time.

    Args:
        limit: bytes of all states that are kept, at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._states: OrderedDict[str, PromptState] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, read: Callable[[], PromptState]) -> PromptState:
        """Return the state of prompt ``key``; ``read`` makes it where it is not kept."""
        with self._lock:
            state = self._states.get(key) or read()
            if state.nbytes <= self.limit:
                self._states[key] = state
                self._states.move_to_end(key)
            while sum(kept.nbytes for kept in self._states.values()) > self.limit:
                self._states.popitem(last=False)
            return state

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each prompt that is kept, the next to go first."""
        with self._lock:
            return {key: state.nbytes for key, state in self._states.items()}

    def forget(self, key: str) -> None:
        """Let a prompt go, if it is kept; calls under way finish with it."""
        with self._lock:
            self._states.pop(key, None)

    def clear(self) -> None:
        """Let all prompts go."""
        with self._lock:
            self._states.clear()
