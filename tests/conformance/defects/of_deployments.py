"""Defects of deployments."""

from __future__ import annotations

from pathlib import Path

from defective import Defective, caught_by

from tunesmith.errors import NotFoundError
from tunesmith.records import Deployment
from tunesmith.testing.fake import FAKE_MODEL, FakeDeployer, FakePredictor, FakeStore, FakeTuner


@caught_by("test_deployment_is_found_again")
class CutsNames(Defective):
    """Keeps eight characters of a name."""

    class Deployer(FakeDeployer):
        def deploy(self, model, name):
            return super().deploy(model, name[:8])


@caught_by("test_list_is_oldest_first")
class NewestFirst(Defective):
    """Lists the newest deployment first."""

    class Deployer(FakeDeployer):
        def list(self):
            return super().list()[::-1]


@caught_by("test_second_instance_finds_deployment_and_model")
class KeepsDeploymentsInMemory(Defective):
    """Loses the deployments with the process."""

    def __init__(self, options=None):
        super().__init__(options)
        shared = self.stored
        self.stored = FakeStore(shared.trainings, shared.models, {})


@caught_by("test_undeploy_is_idempotent")
class TouchyUndeploy(Defective):
    """Fails to remove what is already gone."""

    class Deployer(FakeDeployer):
        def undeploy(self, deployment):
            self.get(deployment.id)
            super().undeploy(deployment)


@caught_by("test_undeploy_is_idempotent")
class KeepsDeployments(Defective):
    """Does not remove a deployment, and does not say so."""

    class Deployer(FakeDeployer):
        def undeploy(self, deployment):
            pass


@caught_by("test_undeploy_is_idempotent")
class AnswersAfterwards(Defective):
    """Answers from a deployment that was removed."""

    def __init__(self, options=None):
        super().__init__(options)
        self.removed: dict[str, Deployment] = {}

    class Deployer(FakeDeployer):
        def undeploy(self, deployment):
            super().undeploy(deployment)
            self._backend.removed[deployment.id] = deployment

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            if isinstance(target, Deployment) and target.id in self._backend.removed:
                return super().generate(FAKE_MODEL, inputs, params)
            return super().generate(target, inputs, params)


@caught_by("test_model_outlives_its_deployment")
class TakesTheModelAlong(Defective):
    """Removes a model with its last deployment."""

    class Deployer(FakeDeployer):
        def undeploy(self, deployment):
            super().undeploy(deployment)
            if all(one.model.id != deployment.model.id for one in self.list()):
                self._backend.stored.models.pop(deployment.model.id, None)


@caught_by("test_unknown_deployment")
class NamesNoDeployment(Defective):
    """Does not name the deployment that it does not find."""

    class Deployer(FakeDeployer):
        def get(self, deployment_id):
            try:
                return super().get(deployment_id)
            except NotFoundError:
                raise NotFoundError("no such deployment") from None


@caught_by("test_an_id_is_never_a_path")
class PathsToDeployments(Defective):
    """Opens the file to which a path leads."""

    class Deployer(FakeDeployer):
        def get(self, deployment_id):
            return super().get(Path(deployment_id).name)


@caught_by("test_an_id_is_never_a_path")
class PathsToJobs(Defective):
    """Opens the file of a job to which a path leads."""

    class Tuner(FakeTuner):
        def resume(self, job_id):
            return super().resume(Path(job_id).name)


@caught_by("test_an_id_is_never_a_path")
class OwnPathError(Defective):
    """Refuses a path with an error that is not documented."""

    class Deployer(FakeDeployer):
        def get(self, deployment_id):
            if "/" in deployment_id:
                raise ValueError(deployment_id)
            return super().get(deployment_id)


@caught_by("test_unknown_model")
class DeploysAnything(Defective):
    """Deploys a model that it does not have."""

    class Deployer(FakeDeployer):
        def deploy(self, model, name):
            stored = self._backend.stored.models
            stored.setdefault(model.id, next(iter(stored.values())))
            return super().deploy(model, name)


@caught_by("test_unknown_base_model")
class MuteAboutNames(Defective):
    """Does not name the base models that there are."""

    def base_model(self, name):
        known = {info.name: info for info in self.base_models()}
        if name not in known:
            raise NotFoundError(f"no base model {name!r}")
        return known[name]


@caught_by("test_unknown_base_model")
class CapableOfAnything(Defective):
    """Has capabilities for a base model that it does not have."""

    def capabilities(self, base_model):
        known = {info.name for info in self.base_models()}
        return super().capabilities(base_model if base_model in known else FAKE_MODEL)
