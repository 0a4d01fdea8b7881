"""Defects of refusals: settings that are ignored in silence, or refused although declared."""

from __future__ import annotations

from typing import ClassVar

from defective import Defective, caught_by

from tunesmith.backend import Range
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake import FakePredictor, FakeTuner


class Lenient(Defective):
    """Checks a submission against more than it declares."""

    submitting = False

    def wider(self, declared):
        raise NotImplementedError

    def capabilities(self, base_model):
        declared = super().capabilities(base_model)
        more = self.wider(declared) if self.submitting else {}
        return declared.model_copy(update=more)

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            self._backend.submitting = True
            try:
                return super().submit(spec, train, validation)
            finally:
                self._backend.submitting = False


@caught_by("test_declared_experiment_is_accepted")
class RefusesItsDefaults(Defective):
    """Refuses an experiment that leaves the generation parameters out."""

    class Tuner(FakeTuner):
        def check(self, spec, train, validation=None):
            if spec.generation == GenerationParams():
                raise ExperimentError("generation: set at least one parameter")


@caught_by("test_generation_parameter")
class IgnoresUnknownParameters(Defective):
    """Ignores parameters that it does not declare."""

    def check_parameters(self, params):
        pass


@caught_by("test_generation_parameter")
class RefusesADeclaredParameter(Defective):
    """Refuses a parameter that it declares."""

    def check_parameters(self, params):
        super().check_parameters(params)
        if params.temperature is not None:
            raise UnsupportedError("generation.temperature: not here")


@caught_by("test_declared_parameters_exist")
class ItsLibrarysNames(Defective):
    """Declares a parameter by the name of its library."""

    def capabilities(self, base_model):
        declared = super().capabilities(base_model)
        names = declared.generation_parameters | {"max_tokens"}
        return declared.model_copy(update={"generation_parameters": names})


@caught_by("test_undeclared_method")
class TunesInItsWay(Defective):
    """Tunes in its own way if it does not have the method."""

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            if spec.method.tunes and spec.method.name != PromptTuning.name:
                spec = spec.with_method(PromptTuning(num_epochs=1))
            return super().submit(spec, train, validation)


@caught_by("test_prompting_method_is_not_tuned")
class TunesPrompts(Defective):
    """Tunes for a method that only prompts."""

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            if not spec.method.tunes:
                spec = spec.with_method(PromptTuning(num_epochs=1))
            return super().submit(spec, train, validation)


@caught_by("test_undeclared_hyperparameter")
class IgnoresASetting(Lenient):
    """Ignores a hyper-parameter that it does not have."""

    def wider(self, declared):
        more = {"no_such_setting": Range()}
        return {"hyperparameters": {**declared.hyperparameters, **more}}


@caught_by("test_hyperparameter_out_of_range")
class WideRanges(Lenient):
    """Accepts values out of the range that it declares."""

    def wider(self, declared):
        return {"hyperparameters": dict.fromkeys(declared.hyperparameters, Range())}


@caught_by("test_auto_settings")
class GivesNoReasons(Defective):
    """Chooses settings and records no reason."""

    class Tuner(FakeTuner):
        def _tuned(self, training, job_id):
            training.choices = ()
            return super()._tuned(training, job_id)


@caught_by("test_auto_settings")
class UndeclaredChoice(Lenient):
    """Chooses a setting without declaring that it can."""

    declares: ClassVar = {"auto_settings": frozenset({"learning_rate"})}

    def wider(self, declared):
        return {"auto_settings": declared.auto_settings | {"init_method", "num_virtual_tokens"}}


@caught_by("test_too_many_rows")
class CutsTheRows(Defective):
    """Tunes on the first rows if there are too many."""

    declares: ClassVar = {"max_training_rows": 100}

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            return super().submit(spec, train[:100], validation)


@caught_by("test_answer_longer_than_its_limit")
class RaisesTheLimit(Defective):
    """Raises a limit that is too short for the labels."""

    class Tuner(FakeTuner):
        def submit(self, spec, train, validation=None):
            method = spec.method
            if method.name == PromptTuning.name and method.max_output_tokens == 1:
                method = method.model_copy(update={"max_output_tokens": 10})
            return super().submit(spec.model_copy(update={"method": method}), train, validation)


@caught_by("test_text_that_can_be_no_label")
class Unchecked(Defective):
    """Lets settings pass under which no label can be written."""

    class Predictor(FakePredictor):
        def check_answers(self, spec, prompts, answer):
            pass
