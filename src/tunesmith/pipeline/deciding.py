"""The decisions of a model for single texts, which threads ask for at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tunesmith.backend import Target
from tunesmith.backends.shared import Item, SharedBackend
from tunesmith.errors import UnsupportedError
from tunesmith.evaluation.readings import probabilities_of
from tunesmith.pipeline.asking import AskedModel
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.records import Classification, Decision, Row, decided


class Decider:
    """Decides with one model. Threads may share it: texts that wait share a call.

    Args:
        asked: the model, with the settings of its run.
        shared: its backend.
    """

    def __init__(self, asked: AskedModel, shared: SharedBackend) -> None:
        self._asked = asked
        self._shared = shared

    def decide(self, texts: Sequence[str]) -> list[Decision]:
        """Return a decision for each text, in order.

        Raises:
            UnsupportedError: the backend has no label scores for this model.
            PredictionError: a text is empty or too long, or the backend failed.
        """
        target, inputs, spelled = self._read(texts)
        labels = tuple(spelled.values())
        asked = self._shared.classify([Item(target, text, labels) for text in inputs])
        name = self._shared.backend.name
        return [self._decision(probabilities_of(one.result(), spelled, name)) for one in asked]

    def _read(self, texts: Sequence[str]) -> tuple[Target, Sequence[str], dict[str, str]]:
        """Return the model, what it reads for each text, and the text of each label."""
        spec, asked = self._asked.spec, self._asked
        if asked.tuned is not None:
            return asked.tuned, texts, {name: name for name in spec.labels}
        rows = [Row(input=text) for text in texts]
        prompts = base_prompts(
            spec, self._shared.backend, rows, self._examples, asked.deployment, asked.base_input
        )
        if prompts.conversations is not None:
            raise UnsupportedError(
                f"decisions: backend {self._shared.backend.name!r} renders conversations itself "
                "and scores no labels behind them; ask predict for texts"
            )
        return spec.base_model, prompts.texts, {n: spec.labels.surface(n) for n in spec.labels}

    @cached_property
    def _examples(self) -> tuple[Row, ...]:
        return self._asked.examples()

    def _decision(self, found: Classification) -> Decision:
        calibration, raw = self._asked.calibration, found.probabilities
        shares = calibration.apply(raw) if calibration else raw
        label = decided(shares)
        threshold = calibration.threshold if calibration else None
        return Decision(
            label=label,
            probability=shares[label],
            probabilities=shares,
            raw=raw,
            abstains=None if threshold is None else shares[label] < threshold,
        )
