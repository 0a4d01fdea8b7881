"""What a backend can do with one base model, as run time and tests read it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tunesmith.records import Record


class Range(Record):
    """The values that a hyper-parameter may take: an interval, a list of choices, or both."""

    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] | None = None

    def accepts(self, value: Any) -> bool:
        """Return whether ``value`` is allowed."""
        if self.choices is not None and value not in self.choices:
            return False
        low = self.minimum is None or value is None or value >= self.minimum
        high = self.maximum is None or value is None or value <= self.maximum
        return low and high

    def __str__(self) -> str:
        if self.choices is not None:
            return f"one of {', '.join(map(repr, self.choices))}"
        low = "-∞" if self.minimum is None else f"{self.minimum:g}"
        high = "∞" if self.maximum is None else f"{self.maximum:g}"
        return f"{low} to {high}"


class Capabilities(Record):
    """The abilities of a backend with one base model. By default it can do nothing.

    Read by run time and by the conformance suite alike.
    """

    methods: tuple[str, ...] = ()
    """Names of the tuning methods."""
    why_no_methods: str = ""
    """If there are none: the reason, and what to do instead."""
    hyperparameters: dict[str, Range] = Field(default_factory=dict)
    """Hyper-parameters that may be set, by name, each with its range."""
    auto_settings: frozenset[str] = frozenset()
    """Hyper-parameters that the backend chooses by itself if they are ``auto``."""
    generation_parameters: frozenset[str] = frozenset()
    """Fields of :class:`GenerationParams` that are honored."""
    task_ids: tuple[str, ...] = ("classification",)
    max_sequence_length: int | None = None
    """Tokens of a prompt and its answer together; None if there is no limit or it is not known."""
    inference: bool = True
    """Whether a deployment writes text; else it only decides (``label_scores``)."""
    base_inference: bool = False
    """Whether the untuned base model generates."""
    validation: bool = False
    """Whether ``Tuner.submit`` takes a validation set."""
    max_training_rows: int | None = None
    label_scores: bool = False
    """Whether ``Predictor.classify`` works for a deployment."""
    base_label_scores: bool = False
    """Whether ``Predictor.classify`` works for the untuned base model."""
    chat: bool = False
    """Whether the base model has a chat template, so that ``Predictor.chat`` works."""
    learning_curve: bool = False
    seeded: bool = False
    """Whether the same seed gives the same tuned model and predictions."""
    batch_independent: bool = False
    """Whether a row's result never depends on its neighbors in a call."""
    mixed_targets: bool = False
    """Whether ``generate_each`` and ``classify_each`` read rows of several targets together."""
    resumable: bool = False
    cancellable: bool = False
    streaming: bool = False
    tokenize: bool = False
    embedding_dimension: int | None = None
    """Numbers in an embedding of ``Predictor.embed``; None if it does not work."""
    exports_adapter: bool = False
    """Whether ``Tuner.export`` writes the tuned weights as a PEFT adapter."""
    remote: bool = False
    costs_money: bool = False
    emulated: bool = False
    notes: tuple[str, ...] = ()
    """Sentences for the readers of every run with the base model."""
