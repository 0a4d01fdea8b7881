"""The routes of deployed functions and AI services, and of the jobs of batch deployments."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain
from json import dumps
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.jobs.service import JobBody
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf, scope_of_body
from tunesmith_emulator.stored_code.process import failed
from tunesmith_emulator.translation import translated
from tunesmith_serve.streaming import EventStream

_BODILESS = {"content-length", "transfer-encoding"}


def score(deployment_id: str, services: ServicesOf, body: JsonBody) -> JSON:
    """Answer with the predictions of a function."""
    if not isinstance(body.get("input_data"), list):
        raise wrong_field("input_data", "input_data must be a list of objects with 'values'.")
    program, _ = services.deployments.program(deployment_id)
    return services.stored_code.score(program, body)


def generate(
    deployment_id: str, request: Request, services: ServicesOf, body: JsonBody
) -> Response:
    """Answer with what an AI service returns."""
    program, _ = services.deployments.program(deployment_id)
    answer = services.stored_code.generate(program, _context(request, body))
    headers = answer.get("headers") or {}
    if not isinstance(headers, dict):
        raise failed("The headers of the AI service's answer must be an object.")
    told = {str(k).lower(): str(v) for k, v in headers.items() if str(k).lower() not in _BODILESS}
    if isinstance(answer["body"], str):
        return Response(answer["body"], headers={"content-type": "text/plain"} | told)
    told.pop("content-type", None)
    return JSONResponse(answer["body"], headers=told)


def stream(
    deployment_id: str, request: Request, services: ServicesOf, body: JsonBody
) -> EventStream:
    """Answer with the pieces of an AI service, as events."""
    program, _ = services.deployments.program(deployment_id)
    pieces = services.stored_code.stream(program, _context(request, body))
    first = next(pieces, None)  # a refusal has its own status
    return EventStream(_events(chain([] if first is None else [first], pieces)))


def _events(pieces: Iterator[Any]) -> Generator[str, None, None]:
    number = 0
    try:
        for number, piece in enumerate(pieces, start=1):
            yield _event(number, "message", piece if isinstance(piece, str) else dumps(piece))
    except Exception as error:  # noqa: BLE001  # the status is already sent
        yield _event(number + 1, "error", dumps(translated(error).body()))


def _event(number: int, name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"id: {number}\nevent: {name}\n{lines}\n"


def _context(request: Request, body: JSON) -> JSON:
    token = request.headers.get("authorization", "").partition(" ")[2]
    return {
        "json": body,
        "user_token": token,
        "headers": dict(request.headers),
        "method": request.method,
        "suffix": request.path_params.get("suffix", ""),
        "query": dict(request.query_params),
    }


def create_job(services: ServicesOf, body: JsonBody) -> JSON:
    """Accept a job."""
    return services.jobs.create(scope_of_body(services, body), body)


def jobs(
    request: Request, services: ServicesOf, scope: ScopeOf, include: str | None = None
) -> JSON:
    """List jobs."""
    return page(partial(services.jobs.listed, scope, _names(include)), request)


def job(job_id: str, services: ServicesOf, scope: ScopeOf, include: str | None = None) -> JSON:
    """Return a job."""
    return services.jobs.get(scope, job_id, _names(include))


def remove_job(
    job_id: str, services: ServicesOf, scope: ScopeOf, hard_delete: bool = False
) -> None:
    """Cancel or delete a job."""
    services.jobs.remove(scope, job_id, hard=hard_delete)


def _names(include: str | None) -> list[str]:
    return [name.strip() for name in (include or "").split(",") if name.strip()]


class ScoringRequest(BaseModel):
    """The input of a function."""

    input_data: list[JSON] = Field(min_length=1)


class ScoringAnswer(BaseModel):
    """The answer of a function."""

    predictions: list[Any]


class AiServiceRequest(BaseModel):
    """Any object: what an AI service reads."""


class NewScoringJob(JobBody, shapes.InScope):
    """A job of a batch deployment of a function."""


_NOTE = "Only with --run-code: the stored Python runs in a process of its own."
_ONE = "/ml/v4/deployments/{deployment_id}"
_JOB = "/ml/v4/deployment_jobs/{job_id}"


def _route(method: str, path: str, handler: Any, **more: Any) -> Route:
    return Route(method, path, handler, ("sdk", "docs"), "stored_code", **more)


ROUTES = (
    _route(
        "POST",
        f"{_ONE}/predictions",
        score,
        body=ScoringRequest,
        answer=ScoringAnswer,
        note=_NOTE,
    ),
    _route(
        "POST",
        f"{_ONE}/ai_service",
        generate,
        body=AiServiceRequest,
        answer_media="*/*",
        note=_NOTE,
    ),
    _route(
        "POST",
        f"{_ONE}/ai_service/{{suffix:path}}",
        generate,
        body=AiServiceRequest,
        answer_media="*/*",
        note=_NOTE,
    ),
    _route(
        "POST",
        f"{_ONE}/ai_service_stream",
        stream,
        body=AiServiceRequest,
        answer_media="text/event-stream",
        note=_NOTE,
    ),
    _route(
        "POST",
        "/ml/v4/deployment_jobs",
        create_job,
        status=202,
        body=NewScoringJob,
        answer=shapes.Resource,
        note="Batch deployments of functions, with data in the request; only with --run-code.",
    ),
    _route("GET", "/ml/v4/deployment_jobs", jobs, answer=shapes.Page),
    _route("GET", _JOB, job, answer=shapes.Resource),
    _route("DELETE", _JOB, remove_job, status=204),
)
