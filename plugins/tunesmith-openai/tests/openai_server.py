"""A small provider with OpenAI's API: files, fine-tuning jobs, chats, decisions.

It answers with text classifiers, at once, and fails in the ways of providers on demand. The
emulator has the same API without faults, over language models.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import defaultdict
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import JSONResponse

from tunesmith.errors import NotFoundError, TunesmithError
from tunesmith.records import FINISHED, Deployment, Row
from tunesmith.spec import TuningSpec


class RefusalError(Exception):
    def __init__(self, status, message, param=None, code=None, headers=None):
        super().__init__(message)
        self.status, self.param, self.code, self.headers = status, param, code, headers


class Job:
    def __init__(self, job_id, body, tuning, pace, validation):
        self.id, self.body, self.tuning, self.pace = job_id, body, tuning, pace
        self.validation = validation
        self.created, self.begun = time.time(), time.time()
        self.forced = None  # a status that the user asked for
        self.model = None

    @property
    def status(self):
        if self.forced is not None:
            return self.forced
        if time.time() < self.begun + self.pace or self.tuning.status() not in FINISHED:
            return "running"
        return "succeeded" if self.tuning.status() == "completed" else "failed"


class Provider:
    """A server over ``backend``.

    Args:
        backend: tunes and answers.
        base: name of each base model to what answers in its place: a base model or a deployment.
        method: of the tunings.
        refused: paths that are not offered, and parameters that the chat refuses.
    """

    def __init__(self, backend, base, method, *, refused=(), pace=0.3, key=None):
        self.backend, self.method, self.refused, self.pace = backend, method, set(refused), pace
        self.key = key
        self.targets, self.files, self.jobs = dict(base), {}, {}
        self.requests = defaultdict(list)  # path to bodies
        self.throttled = 0  # answers with 429 that are still to come
        self.lock = threading.Lock()  # some backends answer one request at a time

    # what answers

    def target(self, name):
        if name not in self.targets:
            raise RefusalError(
                404, f"The model `{name}` does not exist", "model", "model_not_found"
            )
        return self.targets[name]

    def chat(self, body):
        for name in sorted(self.refused & body.keys()):
            raise RefusalError(
                400, f"Unsupported parameter: '{name}'", name, "unsupported_parameter"
            )
        target, text = self.target(body["model"]), body["messages"][-1]["content"]
        with self.lock:
            said, *more = self.answered(target, text)
        for stop in body.get("stop") or ():
            said = said.partition(stop)[0]
        return said, *more

    def answered(self, target, text):
        labels = list(target.model.labels)
        shares = self.backend.predictor.classify(target, [text], labels)[0].probabilities
        top = sorted(((n, math.log(p) if p else -9999.0) for n, p in shares.items()),
                     key=lambda pair: -pair[1])  # fmt: skip
        best = max(shares, key=shares.__getitem__)
        logprob = dict(top)[best]
        return best, [(best, logprob, top)], "stop", len(text.split()), 1

    def probabilities(self, name, text, labels):
        target = self.target(name)
        if isinstance(target, Deployment) and set(labels) - set(target.model.labels):
            return dict.fromkeys(labels, 1 / len(labels))
        with self.lock:
            return self.backend.predictor.classify(target, [text], labels)[0].probabilities

    # jobs

    def create(self, body):
        rows = self.rows(body["training_file"])
        labels = sorted({row.output for row in rows})
        validation = self.rows(body["validation_file"]) if body.get("validation_file") else ()
        target = self.target(body["model"])
        spec = TuningSpec(
            base_model=target.base_model, method=self.method, labels=labels, seed=body["seed"]
        )
        job_id = f"ftjob-{len(self.jobs)}"
        with self.lock:
            tuning = self.backend.tuner.submit(spec, rows)
        self.jobs[job_id] = Job(job_id, body, tuning, self.pace, validation)
        return self.jobs[job_id]

    def rows(self, file_id):
        if file_id not in self.files:
            raise RefusalError(400, f"invalid file id {file_id}", "training_file")
        rows = []
        for line in self.files[file_id].decode().splitlines():
            user, assistant = json.loads(line)["messages"]
            rows.append(Row(input=user["content"], output=assistant["content"]))
        return rows

    def job(self, job_id):
        if job_id not in self.jobs:
            raise RefusalError(404, f"Could not find fine tune: {job_id}", "fine_tune_id")
        job = self.jobs[job_id]
        if job.status == "succeeded" and job.model is None:
            name = f"ft:{job.body['model']}:tests:{job.body.get('suffix', '')}:{job_id}"
            with self.lock:
                self.targets[name] = self.backend.deployer.deploy(job.tuning.result(), job_id)
            job.model = name
        return job

    def force(self, job_id, status):
        job = self.job(job_id)
        if job.status not in ("running", "paused"):
            raise RefusalError(400, f"job is {job.status}")
        if status is None:
            job.begun = time.time()
        job.forced = status
        return job

    def losses(self, job):
        """Return step and loss; a classifier has one loss, which is measured on its rows."""
        epochs = job.body["method"]["supervised"]["hyperparameters"].get("n_epochs", 2)
        loss = self.loss(job, self.rows(job.body["training_file"]))
        return [(step, loss) for step in range(1, epochs + 1)]

    def loss(self, job, rows):
        labels = list(self.targets[job.model].model.labels)
        found = self.backend.predictor.classify(
            self.targets[job.model], [r.input for r in rows], labels
        )
        logs = [-math.log(max(f.probabilities[r.output], 1e-9))
                for f, r in zip(found, rows, strict=True)]  # fmt: skip
        return sum(logs) / len(logs)

    def events(self, job):
        told = [("message", "Created fine-tuning job", None)]
        if job.status == "succeeded":
            losses = self.losses(job)
            for step, loss in losses:
                data = {"step": step, "train_loss": loss, "total_steps": len(losses)}
                if job.validation:
                    data["full_valid_loss"] = self.loss(job, job.validation)
                told.append(("metrics", f"Step {step}/{len(losses)}", data))
            told.append(("message", "The job has successfully completed", None))
        return [
            {
                "id": f"ftevent-{job.id}-{n}",
                "object": "fine_tuning.job.event",
                "created_at": int(job.created),
                "level": "info",
                "type": kind,
                "message": message,
                "data": data,
            }
            for n, (kind, message, data) in enumerate(told)
        ][::-1]

    def shown(self, job):
        hyperparameters = job.body.get("method", {}).get("supervised", {}).get("hyperparameters")
        done = job.status in ("succeeded", "failed", "cancelled")
        return {
            "id": job.id,
            "object": "fine_tuning.job",
            "created_at": int(job.created),
            "finished_at": int(job.begun + job.pace) + 1 if done else None,
            "model": job.body["model"],
            "fine_tuned_model": job.model,
            "organization_id": "tests",
            "status": job.status,
            "hyperparameters": {"n_epochs": 2, **(hyperparameters or {})},
            "training_file": job.body["training_file"],
            "validation_file": job.body.get("validation_file"),
            "result_files": [],
            "trained_tokens": len(self.files[job.body["training_file"]]) if done else None,
            "seed": job.body["seed"],
            "error": None,
        }


def application(provider):  # noqa: C901  # the routes
    app = FastAPI()

    @app.exception_handler(RefusalError)
    async def refused(request, error):
        body = {"message": str(error), "type": "invalid_request_error", "param": error.param,
                "code": error.code}  # fmt: skip
        return JSONResponse({"error": body}, error.status, headers=error.headers)

    @app.exception_handler(TunesmithError)
    async def failed(request, error):
        status = 404 if isinstance(error, NotFoundError) else 400
        return JSONResponse({"error": {"message": str(error)}}, status)

    @app.middleware("http")
    async def checked(request: Request, call_next):
        path = request.url.path
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if provider.key and key != provider.key:
            return JSONResponse({"error": {"message": f"Incorrect API key provided: {key}"}}, 401)
        if path in provider.refused:
            return JSONResponse({"error": {"message": "Not Found"}}, 404)
        if provider.throttled and path.endswith(("/completions", "/decisions", "/systemone")):
            provider.throttled -= 1
            headers = {"Retry-After": "0", "x-should-retry": "false"}
            return JSONResponse({"error": {"message": "slow down"}}, 429, headers=headers)
        return await call_next(request)

    def listing(items, more=False):
        return {"object": "list", "data": items, "has_more": more}

    def model(name):
        return {"id": name, "object": "model", "created": 0, "owned_by": "tests"}

    @app.get("/v1/models")
    def models():
        return listing([model(name) for name in provider.targets])

    @app.get("/v1/models/{name}")
    def one_model(name: str):
        provider.target(name)
        return model(name)

    def file(file_id, purpose="fine-tune"):
        return {"id": file_id, "object": "file", "bytes": len(provider.files[file_id]),
                "created_at": 0, "filename": "rows.jsonl", "purpose": purpose,
                "status": "processed"}  # fmt: skip

    @app.post("/v1/files")
    async def upload(request: Request):
        async with request.form() as form:
            uploaded: UploadFile = form["file"]
            file_id = f"file-{len(provider.files)}"
            provider.files[file_id] = await uploaded.read()
            return file(file_id, str(form["purpose"]))

    @app.delete("/v1/files/{file_id}")
    def delete(file_id: str):
        del provider.files[file_id]
        return {"id": file_id, "object": "file", "deleted": True}

    @app.post("/v1/fine_tuning/jobs")
    def create(body: dict):
        provider.requests["jobs"].append(body)
        return provider.shown(provider.create(body))

    @app.get("/v1/fine_tuning/jobs")
    def jobs():
        return listing([provider.shown(job) for job in provider.jobs.values()])

    @app.get("/v1/fine_tuning/jobs/{job_id}")
    def retrieve(job_id: str):
        return provider.shown(provider.job(job_id))

    @app.get("/v1/fine_tuning/jobs/{job_id}/events")
    def events(job_id: str, after: str | None = None, limit: int = 20):
        found = provider.events(provider.job(job_id))
        ids = [event["id"] for event in found]
        rest = found[ids.index(after) + 1 :] if after else found
        return listing(rest[:limit], more=len(rest) > limit)

    @app.get("/v1/fine_tuning/jobs/{job_id}/checkpoints")
    def checkpoints(job_id: str):
        job = provider.job(job_id)
        step, loss = provider.losses(job)[-1]
        return listing([{
            "id": "ckpt-0", "object": "fine_tuning.job.checkpoint", "created_at": 0,
            "fine_tuned_model_checkpoint": f"{job.model}:ckpt-step-{step}",
            "fine_tuning_job_id": job_id, "step_number": step,
            "metrics": {"step": step, "train_loss": loss},
        }])  # fmt: skip

    @app.post("/v1/fine_tuning/jobs/{job_id}/{action}")
    def act(job_id: str, action: str):
        status = {"cancel": "cancelled", "pause": "paused", "resume": None}[action]
        return provider.shown(provider.force(job_id, status))

    @app.post("/v1/chat/completions")
    def chat(body: dict):
        provider.requests["chat"].append(body)
        text, tokens, reason, read, written = provider.chat(body)
        content = [
            {"token": t, "logprob": p, "bytes": None,
             "top_logprobs": [{"token": o, "logprob": q, "bytes": None} for o, q in top]}
            for t, p, top in tokens
        ]  # fmt: skip
        return {
            "id": "chat-0", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{
                "index": 0, "finish_reason": reason,
                "message": {"role": "assistant", "content": text},
                "logprobs": {"content": content} if body.get("logprobs") else None,
            }],
            "usage": {"prompt_tokens": read, "completion_tokens": written,
                      "total_tokens": read + written},
        }  # fmt: skip

    @app.post("/v1/decisions")
    def decisions(body: dict):
        provider.requests["decisions"].append(body)
        choices = [one["value"] for one in body["questions"][0]["choices"]]
        shares = provider.probabilities(body["model"], body["input"], choices)
        read = len(body["input"].split())
        return {
            "model": body["model"],
            "answers": [{
                "type": "choice", "name": body["questions"][0].get("name"), "confidence": 0.0,
                "choice": max(shares, key=shares.__getitem__),
                "probabilities": [{"value": v, "probability": p} for v, p in shares.items()],
            }],
            "usage": {"input_tokens": read, "output_tokens": 1, "total_tokens": read + 1,
                      "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                      "output_tokens_details": {"reasoning_tokens": 0}},
        }  # fmt: skip

    @app.post("/v1/systemone")
    def systemone(body: dict):
        provider.requests["systemone"].append(body)
        answers = {}
        for name, question in body["questions"].items():
            shares = provider.probabilities(
                body["model"], body["state"], list(question["criteria"])
            )
            best = max(shares, key=shares.__getitem__)
            answers[name] = {"type": "choice", "choice": best, "probabilities": shares,
                             "confidence": 0.0}  # fmt: skip
        usage = {"input_tokens": len(body["state"].split()), "output_tokens": 1}
        return {"model": body["model"], "answers": answers, "usage": usage}

    return app


@contextmanager
def served(provider):
    """Serve on a free port of this machine; yield the base URL."""
    config = uvicorn.Config(application(provider), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.should_exit = True
        thread.join()
