"""The interface of a method: how it prepares rows, trains, is loaded and answers.

A method need not have a gradient. One that has subclasses :class:`~.gradient.GradientMethod`; any
other one fits as it likes, as the linear probe does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from tunesmith.methods import Method
from tunesmith.records import ChosenSetting, LearningCurve
from tunesmith_local.methods.prepared import Prepared

if TYPE_CHECKING:
    from tunesmith.hookspecs import Artifact
    from tunesmith.labels import LabelSet
    from tunesmith.records import Row
    from tunesmith.spec import GenerationParams
    from tunesmith_local.engine.answers import Answers
    from tunesmith_local.engine.encoding import EncodedPrompt
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.prepared import GradientRows
    from tunesmith_local.methods.search_plan import Judge, SearchPlan
    from tunesmith_local.methods.tunable import Tunable
    from tunesmith_local.methods.tuned import AdapterFiles, Tuned
    from tunesmith_local.model.loading import BaseLM


class Savable(Protocol):
    """A tuned model before it is on disk."""

    @property
    def base(self) -> BaseLM:
        """The model that reads the rows."""
        ...

    def save(self, directory: Path) -> None:
        """Write the weights into an empty directory."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The course of a training by gradient; the result is in the parameters."""

    curve: LearningCurve
    steps: int
    """Optimizer steps done."""
    stopped_early: bool


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training, with details for the record of the tuned model."""

    weights: Savable
    details: Mapping[str, Any]
    """JSON values; ``notes`` is a list of sentences for the user."""
    curve: LearningCurve = field(default_factory=LearningCurve)
    choices: Sequence[ChosenSetting] = ()
    """The settings that were ``auto``."""


class TrainingRun(Protocol):
    """The services of a job for the method that it trains."""

    @property
    def texts(self) -> TextCache:
        """Keeps the states of texts for all trainings and deployments."""
        ...

    def optimize(self, tunable: Tunable, rows: GradientRows) -> TrainingResult:
        """Train by gradient, with checkpoints and events.

        Raises:
            JobStopped: the job was asked to stop; the last step is saved.
            DivergedError: a loss or gradient is not finite.
        """
        ...

    def search(
        self, plan: SearchPlan, rows: GradientRows, start: Start, judge: Judge
    ) -> ChosenSetting:
        """Search for the learning rate, or return the result of an earlier process.

        Args:
            plan: candidates, rows and steps.
            rows: encoded rows, and the settings.
            start: returns the parameters before their first step.
            judge: judges a candidate on the rows that are held out.

        Raises:
            JobStopped: the job was asked to stop; the search starts again.
            DivergedError: every candidate diverged.
        """
        ...

    def stop_if_asked(self) -> None:
        """Raise :class:`~tunesmith.backends.jobs.JobStopped` if the job was asked to stop."""
        ...


Start = Callable[[], "Tunable"]
"""Returns the parameters before their first step."""
S = TypeVar("S", bound=Method)
P = TypeVar("P", bound=Prepared)


class TuningMethod(ABC, Generic[S, P]):
    """A method of this backend.

    Attributes:
        settings: its hyper-parameters and their ranges.
        weights_file: name of the file of weights in a saved model; its digest is recorded.
    """

    settings: type[S]
    weights_file: ClassVar[str] = "adapter_model.safetensors"

    @abstractmethod
    def prepare(
        self,
        base: BaseLM,
        settings: S,
        labels: LabelSet,
        seed: int,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
    ) -> P:
        """Check everything that the base model decides, and encode the rows.

        No forward pass is made; the same arguments give the same result.

        Raises:
            ExperimentError: the settings cannot work with this base model or with each other.
            DatasetError: there are no rows, or one has no label of ``labels``.
            UnsupportedError: the base model has no place for what is trained.
        """

    @abstractmethod
    def train(self, base: BaseLM, prepared: P, run: TrainingRun) -> Trained:
        """Train on the prepared rows.

        Raises:
            JobStopped: the job was asked to stop.
            TunesmithError: the training failed.
        """

    @abstractmethod
    def reads(self, files: AdapterFiles) -> bool:
        """Return whether this method saved the files of a tuned model."""

    @abstractmethod
    def load(self, base: BaseLM, files: AdapterFiles) -> Tuned:
        """Load a tuned model that :meth:`reads` accepted.

        Raises:
            AdapterError: a file is missing or damaged, or does not fit the base model.
        """

    def answers(
        self, base: BaseLM, settings: S, labels: LabelSet, prompts: Sequence[EncodedPrompt]
    ) -> Answers:
        """Return the labels as a tuned model answers ``prompts`` with them.

        Here it gives the text of a label, as the linear probe does.

        Raises:
            ExperimentError: the settings do not fit the labels.
        """
        from tunesmith_local.engine.answers import Answers

        del settings, prompts
        return Answers(base, [labels.surface(name) for name in labels], ended=True, rule="apart")

    def check_generation(self, params: GenerationParams) -> None:
        """Refuse generation parameters that a tuned model of this method will not honor.

        Raises:
            UnsupportedError: names the parameter.
        """
        del params

    def artifact(self, settings: S) -> Artifact | None:
        """Return the description of the exported files; None for that of the method's entry."""
        del settings
        return None
