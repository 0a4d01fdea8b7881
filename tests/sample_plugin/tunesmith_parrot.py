"""A plugin in one module: a backend that always answers with its first training label."""

from __future__ import annotations

import uuid

from tunesmith.atomic import write_atomically
from tunesmith.backend import Backend, Capabilities, Deployer, Predictor, Tuner
from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.errors import NotFoundError, UnsupportedError
from tunesmith.hookspecs import BackendEntry, MethodEntry, hookimpl
from tunesmith.methods import Method
from tunesmith.pipeline.checks import check_submission
from tunesmith.records import BaseModelInfo, Deployment, Generation, TunedModel


@hookimpl
def register_backends():
    method = MethodEntry("repeat", "repeats the first label", "tunesmith_parrot:Repeat")
    target = "tunesmith_parrot:Parrot"
    return [BackendEntry("parrot", "repeats a label", target, methods=(method,))]


class Repeat(Method):
    name = "repeat"
    tunes = True


class Parrot(Backend, Tuner, Deployer, Predictor):
    name = "parrot"
    tuner = deployer = predictor = property(lambda self: self)

    def base_models(self):
        return [BaseModelInfo(name="acme/parrot")]

    def base_model(self, name):
        if name != "acme/parrot":
            raise NotFoundError(f"no base model {name!r}; did you mean 'acme/parrot'?")
        return self.base_models()[0]

    def capabilities(self, base_model):
        self.base_model(base_model)
        return Capabilities(
            methods=("repeat",), seeded=True, batch_independent=True, cancellable=True
        )

    def submit(self, spec, train, validation=None):
        check_submission(spec, self, train, validation)

        def work(job):
            if job.stop_requested.wait(0.02):
                raise JobStopped
            model = TunedModel(
                id=uuid.uuid4().hex,
                backend=self.name,
                base_model=spec.base_model,
                method={"name": "repeat"},
                labels=spec.labels,
                job_id=job.id,
                details={"says": spec.labels.surface(train[0].output)},
            )
            self._keep(model)
            return model

        return ThreadJob(uuid.uuid4().hex, work).start()

    def resume(self, job_id):
        raise UnsupportedError("submit again")

    def deploy(self, model, name):
        TunedModel.from_json(self._read(model.id))
        deployment = Deployment(
            id=uuid.uuid4().hex,
            name=name,
            backend=self.name,
            base_model=model.base_model,
            model=model,
        )
        self._keep(deployment)
        return deployment

    def get(self, deployment_id):
        return Deployment.from_json(self._read(deployment_id))

    def list(self):
        texts = [p.read_text() for p in self.options.store.iterdir()]
        found = [Deployment.from_json(text) for text in texts if '"model": {' in text]
        return sorted(found, key=lambda d: d.created_at)

    def undeploy(self, deployment):
        (self.options.store / deployment.id).unlink(missing_ok=True)

    def generate(self, target, inputs, params=None):
        if isinstance(target, str):
            raise UnsupportedError("a parrot answers from a deployment only")
        for name in params.asked() if params else ():
            raise UnsupportedError(f"generation.{name}: a parrot has none; leave it out")
        says = self.get(target.id).model.details["says"]
        return [Generation(text=says, prompt=text) for text in inputs]

    def _keep(self, record):
        write_atomically(self.options.store / record.id, record.to_json())

    def _read(self, record_id):
        path = self.options.store / record_id
        if not record_id.isalnum() or not path.is_file():  # an id is never a path
            raise NotFoundError(f"nothing named {record_id!r} in the store; tune or deploy again")
        return path.read_text()
