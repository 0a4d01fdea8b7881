"""Conformance of deployments: they are found again, they answer, and they can be removed."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

import pytest

from tunesmith.backend import Backend
from tunesmith.errors import NotFoundError
from tunesmith.records import Deployment, TunedModel
from tunesmith.testing.harness import Harness, MakeBackend

UNKNOWN = "nosuchthing"


class DeploymentConformance(Harness):
    """A deployment is kept in the store and can be removed more than once."""

    def test_deployment_is_found_again(
        self, backend: Backend, model: TunedModel, deployment: Deployment
    ) -> None:
        """``get`` and ``list`` return the deployment that ``deploy`` returned.

        Troubleshooting: store the whole record, including its time.
        """
        assert deployment.name == "conformance"
        assert deployment.backend == backend.name
        assert deployment.base_model == model.base_model
        assert deployment.model == model
        assert backend.deployer.get(deployment.id) == deployment
        assert deployment in backend.deployer.list()

    def test_list_is_oldest_first(self, backend: Backend, model: TunedModel) -> None:
        """``list`` returns each deployment once, oldest first.

        Troubleshooting: sort by ``created_at``.
        """
        made = [backend.deployer.deploy(model, name) for name in ("b", "a", "c")]
        listed = list(backend.deployer.list())
        assert [d for d in listed if d in made] == made
        assert len({d.id for d in listed}) == len(listed)
        for deployment in made:
            backend.deployer.undeploy(deployment)

    def test_second_instance_finds_deployment_and_model(
        self,
        backend: Backend,
        make_backend: MakeBackend,
        model: TunedModel,
        deployment: Deployment,
    ) -> None:
        """Another instance on the same store serves the deployment and can deploy the model.

        Troubleshooting: write models and deployments to ``options.store``, or ask the service.
        """
        expected = backend.predictor.generate(deployment, self.inputs())
        with make_backend() as second:
            assert second.deployer.get(deployment.id) == deployment
            assert deployment in second.deployer.list()
            again = second.predictor.generate(deployment, self.inputs())
            assert [g.text for g in again] == [g.text for g in expected]
            other = second.deployer.deploy(model, "second")
            assert len(second.predictor.generate(other, self.inputs())) == len(expected)
            second.deployer.undeploy(other)

    def test_undeploy_is_idempotent(
        self, backend: Backend, make_backend: MakeBackend, model: TunedModel
    ) -> None:
        """``undeploy`` removes a deployment, and a second ``undeploy`` does nothing.

        Troubleshooting: catch the service's "not found" in ``undeploy``, and only there.
        """
        deployment = backend.deployer.deploy(model, "short-lived")
        backend.deployer.undeploy(deployment)
        try:
            backend.deployer.undeploy(deployment)
            with make_backend() as second:
                second.deployer.undeploy(deployment)
        except Exception as error:  # noqa: BLE001  # any error is wrong here
            pytest.fail(f"a second undeploy raised {type(error).__name__}: {error}")
        assert deployment not in backend.deployer.list()
        with pytest.raises(NotFoundError):
            backend.deployer.get(deployment.id)
        with pytest.raises(NotFoundError):
            backend.predictor.generate(deployment, self.inputs())

    def test_model_outlives_its_deployment(self, backend: Backend, model: TunedModel) -> None:
        """A model can be deployed again after its deployment is removed.

        Troubleshooting: ``undeploy`` must not remove the tuned model.
        """
        backend.deployer.undeploy(backend.deployer.deploy(model, "first"))
        second = backend.deployer.deploy(model, "second")
        assert len(backend.predictor.generate(second, self.inputs())) == len(self.inputs())
        backend.deployer.undeploy(second)

    def test_unknown_deployment(self, backend: Backend, deployment: Deployment) -> None:
        """An unknown deployment raises ``NotFoundError``, and the message names it.

        Troubleshooting: raise ``NotFoundError`` with the id in place of the service's error.
        """
        unknown = deployment.model_copy(update={"id": UNKNOWN})
        with pytest.raises(NotFoundError, match=UNKNOWN):
            backend.deployer.get(UNKNOWN)
        with pytest.raises(NotFoundError, match=UNKNOWN):
            backend.predictor.generate(unknown, self.inputs())

    def test_unknown_model(self, backend: Backend, model: TunedModel) -> None:
        """A model that the backend no longer has cannot be deployed.

        Troubleshooting: look up the model in ``deploy`` before you make a record.
        """
        update = {"id": UNKNOWN}
        if model.location is not None:
            update["location"] = model.location.replace(model.id, UNKNOWN)
        with pytest.raises(NotFoundError):
            backend.deployer.deploy(model.model_copy(update=update), "unknown")

    def test_unknown_base_model(self, backend: Backend) -> None:
        """A misspelt base model raises ``NotFoundError``, and the message suggests the right name.

        Troubleshooting: append ``near_misses(name, known)`` of ``tunesmith.errors``.
        """
        if self.any_base_model:
            assert backend.base_model("no/such-model").name == "no/such-model"
            return
        known = self.experiment().base_model
        misspelt = f"{known}x"
        with pytest.raises(NotFoundError, match=misspelt) as caught:
            backend.base_model(misspelt)
        assert known in str(caught.value).replace(misspelt, "")
        with pytest.raises(NotFoundError):
            backend.capabilities(misspelt)
