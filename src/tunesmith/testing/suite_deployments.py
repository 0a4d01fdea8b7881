"""Conformance of deployments: they are found again, they answer, and they can be removed."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.backend import Backend, TuningJob
from tunesmith.errors import NotFoundError
from tunesmith.records import Deployment, TunedModel
from tunesmith.testing.harness import Harness, MakeBackend

UNKNOWN = "nosuchthing"


class DeploymentConformance(Harness):
    """A deployment is kept in the store and can be removed more than once."""

    def test_deployment_is_found_again(
        self, backend: Backend, model: TunedModel, deployment: Deployment
    ) -> None:
        """Troubleshooting: store the whole record, including its time."""
        assert deployment.name == "conformance"
        assert deployment.backend == backend.name
        assert deployment.base_model == model.base_model
        assert deployment.model == model
        assert self.deployer.get(deployment.id) == deployment
        assert deployment in self.deployer.list()

    def test_list_is_oldest_first(self, model: TunedModel) -> None:
        """Troubleshooting: sort by ``created_at``."""
        made = [self.deployer.deploy(model, name) for name in ("b", "a", "c")]
        listed = list(self.deployer.list())
        assert [d for d in listed if d in made] == made
        assert len({d.id for d in listed}) == len(listed)
        for deployment in made:
            self.deployer.undeploy(deployment)

    def test_second_instance_finds_deployment_and_model(
        self, make_backend: MakeBackend, model: TunedModel, deployment: Deployment
    ) -> None:
        """Troubleshooting: keep models and deployments in ``options.store``, or ask the service."""
        expected = self.answers(deployment)
        with make_backend() as second:
            assert second.deployer.get(deployment.id) == deployment
            assert deployment in second.deployer.list()
            assert self.answers(deployment, second.predictor) == expected
            other = second.deployer.deploy(model, "second")
            assert len(self.answers(other, second.predictor)) == len(expected)
            second.deployer.undeploy(other)

    def test_undeploy_is_idempotent(self, make_backend: MakeBackend, model: TunedModel) -> None:
        """Troubleshooting: catch the service's "not found" in ``undeploy``, and only there."""
        deployment = self.deployer.deploy(model, "short-lived")
        self.deployer.undeploy(deployment)
        try:
            self.deployer.undeploy(deployment)
            with make_backend() as second:
                second.deployer.undeploy(deployment)
        except Exception as error:  # noqa: BLE001  # any error is wrong here
            pytest.fail(f"a second undeploy raised {type(error).__name__}: {error}")
        assert deployment not in self.deployer.list()
        with pytest.raises(NotFoundError):
            self.deployer.get(deployment.id)
        with pytest.raises(NotFoundError):
            self.answers(deployment)

    def test_model_outlives_its_deployment(self, backend: Backend, job: TuningJob) -> None:
        """Troubleshooting: ``undeploy`` must not remove the tuned model."""
        del job  # skips a backend that tunes nothing
        model = self._tuned(backend, self.train_rows)  # of its own: the others are deployed
        self.deployer.undeploy(self.deployer.deploy(model, "first"))
        second = self.deployer.deploy(model, "second")
        assert len(self.answers(second)) == len(self.inputs())
        self.deployer.undeploy(second)

    def test_unknown_deployment(self, deployment: Deployment) -> None:
        """Troubleshooting: raise ``NotFoundError`` with the id in place of the service's error."""
        unknown = deployment.model_copy(update={"id": UNKNOWN})
        with pytest.raises(NotFoundError, match=UNKNOWN):
            self.deployer.get(UNKNOWN)
        with pytest.raises(NotFoundError, match=UNKNOWN):
            self.answers(unknown)

    @pytest.mark.parametrize("form", ["./{id}", "../{id}", "{store}/{id}", "../x", "/x"])
    def test_an_id_is_never_a_path(
        self, form: str, job: TuningJob, deployment: Deployment, store: Path
    ) -> None:
        """A path in place of an id raises ``NotFoundError``, even if a record is there.

        Troubleshooting: refuse an id that has other characters than yours before you open a file.
        """
        with pytest.raises(NotFoundError):
            self.deployer.get(form.format(id=deployment.id, store=store))
        if self.declared.resumable:
            with pytest.raises(NotFoundError):
                self.tuner.resume(form.format(id=job.id, store=store))

    def test_unknown_model(self, model: TunedModel) -> None:
        """Troubleshooting: look up the model in ``deploy`` before you make a record."""
        update = {"id": UNKNOWN}
        if model.location is not None:
            update["location"] = model.location.replace(model.id, UNKNOWN)
        with pytest.raises(NotFoundError):
            self.deployer.deploy(model.model_copy(update=update), "unknown")

    def test_unknown_base_model(self, backend: Backend) -> None:
        """Troubleshooting: append ``near_misses(name, known)`` of ``tunesmith.errors``."""
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
