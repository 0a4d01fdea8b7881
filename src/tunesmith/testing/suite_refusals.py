"""Conformance of refusals: a capability that is not declared raises ``UnsupportedError`` early."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

from functools import partial
from itertools import cycle, islice
from typing import Any, ClassVar, cast

import pytest
from pydantic import create_model

from tunesmith.backend import Backend, Range, Target
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.methods import AUTO, AUTO_SETTINGS, Method, ZeroShot
from tunesmith.pipeline.checks import check_experiment
from tunesmith.spec import GenerationParams
from tunesmith.testing.harness import Harness, needs, offered, refused

SAMPLES: dict[str, Any] = {
    "decoding_method": "greedy",
    "max_new_tokens": 3,
    "min_new_tokens": 1,
    "stop_sequences": ("\n",),
    "temperature": 0.5,
    "top_k": 5,
    "top_p": 0.9,
    "repetition_penalty": 1.1,
    "random_seed": 7,
    "truncate_input_tokens": 64,
    "time_limit": 60_000,
    "length_penalty": {"decay_factor": 1.5, "start_index": 2},
    "include_stop_sequence": True,
    "return_options": {"input_text": True},
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logit_bias": {1: -1.0},
    "constraint": {"kind": "choice", "value": ("a", "b")},
}
"""A value for each generation parameter that changes the results little."""
SAMPLING = {"temperature", "top_k", "top_p", "random_seed"}
MANY_ROWS = 20_000
"""The test of the row limit makes at most this number of rows."""


class NoSuchMethod(Method):
    """A method that no backend has."""

    name: ClassVar[str] = "conformance_no_such_method"
    tunes: ClassVar[bool] = True


class RefusalConformance(Harness):
    """No setting is ignored silently."""

    def _refused_twice(self, what: str, method: Method, backend: Backend) -> None:
        spec = self.experiment().model_copy(update={"method": method})
        with refused(f"{what} (tunesmith.pipeline.checks)", what):
            check_experiment(spec, backend, self.data())
        with refused(f"{what} (Tuner.submit)", what):
            self.tuner.submit(spec, self.train_rows)

    def _needs_tuning(self) -> None:
        needs(self.tunes(), "a method that tunes; see test_nothing_is_tuned_without_a_method")

    def test_declared_experiment_is_accepted(self, backend: Backend) -> None:
        """Troubleshooting: declare the method and all hyper-parameters that the experiment sets."""
        info = check_experiment(self.experiment(), backend, self.data()).info
        assert info.name == self.experiment().base_model

    def test_every_text_is_refused_without_inference(self, request: pytest.FixtureRequest) -> None:
        """A deployment that writes no text refuses to; a run then takes its decisions.

        Troubleshooting: raise ``UnsupportedError`` in ``generate``, or declare ``inference``.
        """
        if self.declared.inference or not self.tunes():
            pytest.skip("the deployments of the backend write text, or it has none")
        assert self.declared.label_scores, "a deployment must write text or have label scores"
        with refused("inference"):
            self.predictor.generate(request.getfixturevalue("deployment"), self.inputs())

    @pytest.mark.parametrize("name", sorted(GenerationParams.model_fields))
    def test_generation_parameter(self, name: str, writer: Target) -> None:
        """A generation parameter works if declared, else it is refused.

        Troubleshooting: compare ``params.asked()`` with ``generation_parameters``.
        """
        declared = self.declared.generation_parameters
        values = {name: SAMPLES[name]}
        if name in declared & SAMPLING and "decoding_method" in declared:
            values["decoding_method"] = "sample"
        if name == "include_stop_sequence" and {name, "stop_sequences"} <= declared:
            values["stop_sequences"] = SAMPLES["stop_sequences"]
        params = GenerationParams.model_validate(values)
        generate = partial(self.predictor.generate, writer, self.inputs(), params)
        answers = offered(name in declared, f"generation.{name}", generate, naming=name)
        assert answers is None or len(answers) == len(self.inputs())

    def test_declared_parameters_exist(self) -> None:
        """Troubleshooting: use the names of watsonx.ai, not those of your library."""
        assert self.declared.generation_parameters <= set(GenerationParams.model_fields)

    def test_undeclared_method(self, backend: Backend) -> None:
        """Troubleshooting: call ``check_submission`` at the start of ``submit``."""
        self._refused_twice(NoSuchMethod.name, NoSuchMethod(), backend)

    def test_prompting_method_is_not_tuned(self) -> None:
        """Troubleshooting: check ``method.tunes``, or call ``check_submission``."""
        experiment = self.experiment().model_copy(update={"method": ZeroShot()})
        with refused("tuning zero_shot"):
            self.tuner.submit(experiment, self.train_rows)

    def test_undeclared_hyperparameter(self, backend: Backend) -> None:
        """Troubleshooting: compare ``method.model_fields_set`` with ``hyperparameters``."""
        self._needs_tuning()
        method = self.experiment().method
        strange = create_model("Strange", __base__=type(method), no_such_setting=(int, 0))
        values = {**method.model_dump(), "no_such_setting": 1}
        asked = cast("Method", strange.model_validate(values))
        # The refusal must not be about a field that the experiment does not set.
        for name in set(type(method).model_fields) - method.model_fields_set:
            asked.model_fields_set.discard(name)
        self._refused_twice("method.no_such_setting", asked, backend)

    def test_hyperparameter_out_of_range(self, backend: Backend) -> None:
        """Troubleshooting: call ``check_submission``, which asks ``Range.accepts``."""
        self._needs_tuning()
        method = self.experiment().method
        for name, allowed in self.declared.hyperparameters.items():
            for value in _outside(allowed) if name in type(method).model_fields else ():
                # model_copy does not validate, so the method's own, wider range does not apply.
                beyond = method.model_copy(update={name: value})
                self._refused_twice(f"method.{name}", beyond, backend)

    def test_auto_settings(self, backend: Backend) -> None:
        """A setting that is ``auto`` is chosen if that is declared, else it is refused.

        Troubleshooting: ``TunedModel.method`` has the chosen value, and ``TunedModel.choices`` the
        reason.
        """
        self._needs_tuning()
        method, chosen = self.experiment().method, self.declared.auto_settings
        possible = set(AUTO_SETTINGS) & set(type(method).model_fields)
        for name in possible - chosen:
            self._refused_twice(f"method.{name}", method.model_copy(update={name: AUTO}), backend)
        if declared := possible & chosen:
            asked = method.model_copy(update=dict.fromkeys(declared, AUTO))
            experiment = self.experiment().model_copy(update={"method": asked})
            job = self.tuner.submit(experiment, self.train_rows)
            model = job.wait(timeout=self.timeout_seconds)
            assert {choice.setting for choice in model.choices} == declared
            for choice in model.choices:
                assert choice.reason
                assert model.method[choice.setting] == choice.value != AUTO

    def test_too_many_rows(self) -> None:
        """Troubleshooting: call ``check_submission``, which counts them."""
        self._needs_tuning()
        limit = self.declared.max_training_rows
        if limit is None or limit > MANY_ROWS:
            pytest.skip("the backend declares no limit, or a large one")
        rows = list(islice(cycle(self.train_rows), limit + 1))
        with refused(f"{limit + 1} rows"):
            self.tuner.submit(self.experiment(), rows)

    def test_answer_longer_than_its_limit(self) -> None:
        """Troubleshooting: tokenize each label, add the end-of-text token, and compare."""
        self._needs_tuning()
        allowed = self.declared.hyperparameters.get("max_output_tokens") or Range()
        declared = "max_output_tokens" in self.declared.hyperparameters and self.declared.tokenize
        needs(declared, "max_output_tokens and tokenize")
        shortest = int(allowed.minimum or 1)
        method = self.experiment().method.model_copy(update={"max_output_tokens": shortest})
        long = " ".join(["very"] * (shortest + 1))
        labels = LabelSet({"0": (f"{long} bad",), "1": (f"{long} good",)})
        update = {"method": method, "labels": labels}
        with pytest.raises(ExperimentError, match="max_output_tokens"):
            self.tuner.submit(self.experiment().model_copy(update=update), [*self.train_rows])

    def test_text_that_can_be_no_label(self, backend: Backend) -> None:
        """Troubleshooting: if you override ``check_answers``, call ``super()`` for text."""
        needs(self.writes(base=not self.tunes()), "text")
        needs("max_new_tokens" in self.declared.generation_parameters, "max_new_tokens")
        nothing = {"generation": GenerationParams(max_new_tokens=0)}
        experiment = self.experiment().model_copy(update=nothing)
        with pytest.raises(ExperimentError, match=r"generation\.max_new_tokens is 0"):
            check_experiment(experiment, backend, self.data(), "text")


def _outside(allowed: Range) -> list[Any]:
    if allowed.choices is not None:
        return ["conformance_no_such_choice"]
    ends = (allowed.minimum, -1), (allowed.maximum, 1)
    return [end + step for end, step in ends if end is not None]
