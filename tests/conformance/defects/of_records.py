"""Defects of records, of the interface, and of the handling of secrets."""

from __future__ import annotations

from typing import ClassVar

from defective import EXPERIMENT, Defective, caught_by

from tunesmith.errors import BackendError, NotFoundError
from tunesmith.records import BaseModelInfo
from tunesmith.testing.fake import STOOD_IN_FOR, FakeDeployer, FakePredictor, FakeTuner


class TamperedModel(Defective):
    """Records something else of a tuned model."""

    def changes(self, model):
        raise NotImplementedError

    class Tuner(FakeTuner):
        def _tuned(self, training, job_id):
            model = super()._tuned(training, job_id)
            return model.model_copy(update=self._backend.changes(model))


@caught_by("test_records_survive_json")
class TuplesInDetails(TamperedModel):
    """Records a tuple, which JSON makes a list."""

    def changes(self, model):
        return {"details": {"shape": (1, 2)}}


@caught_by("test_records_hold_no_absolute_path")
class AbsolutePaths(TamperedModel):
    """Records a path of this machine."""

    def changes(self, model):
        return {"details": {"weights": str(self.options.store / "weights")}}


@caught_by("test_location_is_in_the_store")
class NoFileThere(TamperedModel):
    """Records a place at which nothing is."""

    def changes(self, model):
        return {"location": f"models/{model.id}"}


@caught_by("test_tuned_model_says_where_it_comes_from")
class LeavesDefaultsOut(TamperedModel):
    """Records only some of the hyper-parameters."""

    def changes(self, model):
        return {"method": {k: v for k, v in model.method.items() if k != "lr_schedule"}}


@caught_by("test_tuned_model_says_where_it_comes_from")
class HidesTheStandIn(TamperedModel):
    """Does not record that another model stands in."""

    knobs: ClassVar = {"experiment_values": {**EXPERIMENT, "base_model": STOOD_IN_FOR[0]}}

    def changes(self, model):
        return {"stand_in": None}


@caught_by("test_base_models_are_known_by_name")
class NamesOfTheService(Defective):
    """Lists a name that it does not accept."""

    def base_models(self):
        return [*super().base_models(), BaseModelInfo(name="internal-7b")]

    def base_model(self, name):
        if name == "internal-7b":
            raise NotFoundError(f"no base model {name!r}")
        return super().base_model(name)


@caught_by("test_no_secret_is_shown")
class KeyInTheRepr(Defective):
    """Shows the key in its ``repr``."""

    def __repr__(self):
        return f"<FakeBackend {self.options.api_key.get_secret_value()}>"


@caught_by("test_no_secret_is_shown")
class KeyInAnError(Defective):
    """Shows the key in a message."""

    class Deployer(FakeDeployer):
        def get(self, deployment_id):
            key = self._backend.options.api_key
            try:
                return super().get(deployment_id)
            except NotFoundError as error:
                raise NotFoundError(f"{error} (key {key and key.get_secret_value()})") from None


@caught_by("test_no_secret_is_shown")
class KeyInARecord(TamperedModel):
    """Records the key."""

    def changes(self, model):
        key = self.options.api_key
        return {"details": {"headers": {"Authorization": key and key.get_secret_value()}}}


@caught_by("test_signatures")
class OwnWords(Defective):
    """Gives a parameter another name."""

    class Predictor(FakePredictor):
        def tokenize(self, target, texts):
            return super().tokenize(target, texts)


@caught_by("test_backend_is_a_context_manager")
class ClosesOnce(Defective):
    """Fails if it is closed twice."""

    closed = False

    def close(self):
        if self.closed:
            raise BackendError("closed already")
        self.closed = True
        super().close()


@caught_by("test_versions_are_text")
class VersionAsANumber(Defective):
    """Returns a version as a number."""

    def versions(self):
        return {"fake": 1}
