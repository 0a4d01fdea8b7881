"""A cache of KV caches or states of prompts or texts, under a bound of memory."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tunesmith_local.engine.prefix import PromptState

Key = TypeVar("Key", bound=Hashable)


@dataclass
class _Kept:
    state: PromptState
    nbytes: int
    scan: int
    """The latest scan that used it."""


class StateCache(Generic[Key]):
    """A cache of states that evicts the least recently used, but no state of the current scan.

    A scan is a caller that uses the same states repeatedly: a training over its texts, or one call.
    It evicts only states that it has not used itself. A scan over more than the bound therefore
    keeps its first states and reads the others again. A plain least-recently-used cache would
    evict every state before its next use. Safe for threads.

    Args:
        limit: bytes of all states that are kept, at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.hits = 0
        """States that were found."""
        self.misses = 0
        """States that were looked for and not kept."""
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._nbytes = 0
        self._scans = itertools.count(1)
        self._lock = threading.RLock()

    def scan(self) -> int:
        """Return the number of a new scan; a later one has a larger number."""
        return next(self._scans)

    def find(self, key: Key, scan: int) -> PromptState | None:
        """Return the state of ``key``, if it is kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                self.misses += 1
                return None
            self.hits += 1
            kept.scan = max(kept.scan, scan)
            self._kept.move_to_end(key)
            return kept.state

    def keep(self, key: Key, state: PromptState, scan: int) -> bool:
        """Keep ``state`` if it fits beside the states that this scan and later ones have used.

        Returns:
            Whether it is kept.
        """
        nbytes = state.nbytes
        with self._lock:
            self.forget(key)
            missing = self._nbytes + nbytes - self.limit
            displaced: list[Key] = []
            for old, kept in self._kept.items():
                if missing <= 0 or kept.scan >= scan:
                    break
                displaced.append(old)
                missing -= kept.nbytes
            if missing > 0:
                return False
            for old in displaced:
                self.forget(old)
            self._kept[key] = _Kept(state, nbytes, scan)
            self._nbytes += nbytes
            return True

    def get(self, key: Key, read: Callable[[], PromptState]) -> PromptState:
        """Return the state of ``key``; ``read`` makes it if it is not kept.

        It is read once, however many threads ask for it at the same time.
        """
        with self._lock:
            scan = self.scan()
            state = self.find(key, scan)
            if state is None:
                state = read()
                self.keep(key, state, scan)
            return state

    @property
    def nbytes(self) -> int:
        """The bytes of all states that are kept."""
        return self._nbytes

    def sizes(self) -> dict[Key, int]:
        """Return the bytes of each state that is kept, the next to go first."""
        with self._lock:
            return {key: kept.nbytes for key, kept in self._kept.items()}

    def forget(self, key: Key) -> None:
        """Let a state go, if it is kept; calls under way finish with it."""
        with self._lock:
            kept = self._kept.pop(key, None)
            self._nbytes -= 0 if kept is None else kept.nbytes

    def clear(self) -> None:
        """Let all states go."""
        with self._lock:
            self._kept.clear()
            self._nbytes = 0
