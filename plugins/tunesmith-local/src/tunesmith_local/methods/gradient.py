"""Methods that follow a gradient: one way to prepare rows and to train for all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from tunesmith.errors import UnsupportedError
from tunesmith.methods import GradientTuning
from tunesmith_local.methods.method import Trained, TrainingResult, TuningMethod
from tunesmith_local.methods.prepared import GradientRows

if TYPE_CHECKING:
    from tunesmith.labels import LabelSet
    from tunesmith.records import Row
    from tunesmith_local.engine.answers import Answers
    from tunesmith_local.engine.encoding import EncodedPrompt
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.method import TrainingRun
    from tunesmith_local.methods.tunable import Tunable
    from tunesmith_local.methods.tuned import AdapterFiles
    from tunesmith_local.model.loading import BaseLM


G = TypeVar("G", bound=GradientTuning)


class GradientMethod(TuningMethod[G, GradientRows]):
    """A method that follows a gradient. Its :meth:`start` returns the parameters.

    Attributes:
        peft_types: the ``peft_type`` of the adapters that it saves, if PEFT's format is used.
        chooses: settings that may be ``auto``.
    """

    peft_types: ClassVar[tuple[str, ...]] = ()
    chooses: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def start(
        self, base: BaseLM, settings: G, seed: int, texts: TextCache | None = None
    ) -> Tunable:
        """Return the parameters to train, before their first step.

        Args:
            base: the base model, which is not changed.
            settings: the hyper-parameters.
            seed: draws the parameters that start at random.
            texts: keeps the states of texts for the training; None keeps nothing.

        Raises:
            ExperimentError: the settings do not fit the base model.
            UnsupportedError: the base model has no place for what is trained.
        """

    def check(self, base: BaseLM, settings: G) -> None:
        """Refuse settings that cannot work with this base model, before anything is copied.

        Raises:
            ExperimentError: the settings do not fit the base model.
            UnsupportedError: the base model has no place for what is trained.
        """
        del base, settings

    def prepare(
        self,
        base: BaseLM,
        settings: G,
        labels: LabelSet,
        seed: int,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
    ) -> GradientRows:
        """Check settings and rows, and encode the rows; see :meth:`TuningMethod.prepare`."""
        from tunesmith_local.methods.preparation import check_rows, prepare

        for name in set(settings.auto_settings).difference(self.chooses):
            raise UnsupportedError(
                f"method.{name}: 'auto' is not possible for method {settings.name!r}; set a value"
            )
        check_rows(labels, train, validation)
        self.check(base, settings)
        return prepare(base, settings, labels, seed, train, validation)

    def answers(
        self, base: BaseLM, settings: G, labels: LabelSet, prompts: Sequence[EncodedPrompt]
    ) -> Answers:
        """Return the labels as a tuned model writes them; see :meth:`TuningMethod.answers`."""
        from tunesmith_local.methods.preparation import answers_of

        return answers_of(base, settings, labels, prompts)[0]

    def reads(self, files: AdapterFiles) -> bool:
        """Return whether the adapter has one of the :attr:`peft_types`."""
        return files.peft_type in self.peft_types

    def train(self, base: BaseLM, prepared: GradientRows, run: TrainingRun) -> Trained:
        """Start and optimize; see :meth:`TuningMethod.train`."""
        settings: Any = prepared.settings
        tunable = self.start(base, settings, prepared.seed, run.texts)
        result = run.optimize(tunable, prepared)
        details = _details(base, prepared, tunable, result)
        return Trained(tunable, details, result.curve, prepared.choices)


def _details(
    base: BaseLM, prepared: GradientRows, tunable: Tunable, result: TrainingResult
) -> dict[str, Any]:
    notes = [*prepared.notes, *tunable.notes]
    if not base.padding_exact:
        notes.append("padding is not exact for this base model: only equal lengths share a batch")
    return {
        **tunable.facts,
        "trained_parameters": sum(p.numel() for p in tunable.parameters.values()),
        "rows": len(prepared.train),
        "answer_tokens": prepared.rule,
        **({"template": prepared.template} if prepared.settings.chat else {}),
        "optimizer_steps": result.steps,
        "stopped_early": result.stopped_early,
        "truncated_rows": prepared.truncated_rows,
        "padding_exact": base.padding_exact,
        "prefix_shared": base.prefix_exact,
        "notes": notes,
    }
