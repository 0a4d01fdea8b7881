"""A backend for many threads: rows that wait for one model are answered in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

from tunesmith.backend import Backend, Capabilities, Target
from tunesmith.backends.batching import Batcher, Lane, Statistics
from tunesmith.records import Classification, Generation
from tunesmith.spec import GenerationParams
from tunesmith.targets import base_model_of, target_key

MOST_ROWS = 32
"""Rows in one call. More rows gain nothing on a CPU, and the first one waits for the last."""

Labels = tuple[str, ...]
Answer = Generation | Classification


@dataclass(frozen=True, slots=True)
class Item:
    """One row to ask about: generation parameters ask for a text, labels for probabilities."""

    target: Target
    text: str
    asks: GenerationParams | Labels


class SharedBackend:
    """Asks ``backend`` for many threads at once.

    A row's answer is that of ``Predictor.generate`` or ``Predictor.classify`` for it alone.

    Args:
        backend: answers; it stays open when this is closed.
        on_call: gets the number of rows of each call, before the call.
    """

    def __init__(
        self, backend: Backend, on_call: Callable[[int], None] = lambda rows: None
    ) -> None:
        self.backend = backend
        self._on_call = on_call
        self._capabilities: dict[str, Capabilities] = {}
        self._batcher = Batcher[Item, Answer](self._run)

    @property
    def statistics(self) -> Statistics:
        """The numbers of rows and of calls so far."""
        return self._batcher.statistics

    @property
    def waiting(self) -> int:
        """The rows that wait for their call now."""
        return self._batcher.waiting

    def knows(self, base_model: str) -> bool:
        """Return whether :meth:`capabilities` answers without asking the backend."""
        return base_model in self._capabilities

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities of the backend for ``base_model``; they are cached.

        Raises:
            NotFoundError: the backend has no such base model.
        """
        if base_model not in self._capabilities:
            self._capabilities[base_model] = self.backend.capabilities(base_model)
        return self._capabilities[base_model]

    def generate(self, target: Target, text: str, params: GenerationParams) -> Future[Generation]:
        """Ask for a text; the future raises what ``Predictor.generate`` raises for this row.

        Raises:
            NotFoundError: the backend has no such base model.
            ClosedError: this is closed.
        """
        (answer,) = self._submitted([Item(target, text, params)])
        return cast("Future[Generation]", answer)

    def classify(self, rows: Sequence[Item]) -> list[Future[Classification]]:
        """Ask for the probabilities of labels; rows with equal labels share a call.

        See :meth:`generate`.
        """
        return cast("list[Future[Classification]]", self._submitted(rows))

    def close(self) -> None:
        """Finish the running call and fail the waiting rows."""
        self._batcher.close()

    def _submitted(self, items: Sequence[Item]) -> list[Future[Answer]]:
        return self._batcher.submit_together([(item, self._lane(item)) for item in items])

    def _lane(self, item: Item) -> Lane:
        base_model = base_model_of(item.target)
        capabilities, asks = self.capabilities(base_model), item.asks
        who = target_key(base_model if capabilities.mixed_targets else item.target)
        alone = not capabilities.batch_independent
        if isinstance(asks, GenerationParams):
            # All rows of a call share a time limit, so rows with a limit are asked one by one.
            alone = alone or asks.time_limit is not None
            question: tuple[str, ...] = ("generate", asks.model_dump_json())
        else:
            question = ("classify", *asks)
        return Lane((*who, *question), 1 if alone else MOST_ROWS)

    def _run(self, items: Sequence[Item]) -> Sequence[Answer]:
        self._on_call(len(items))
        targets, texts = [item.target for item in items], [item.text for item in items]
        asks, predictor = items[0].asks, self.backend.predictor  # a lane asks one question
        if isinstance(asks, GenerationParams):
            return predictor.generate_each(targets, texts, asks)
        return predictor.classify_each(targets, texts, asks)
