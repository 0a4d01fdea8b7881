"""The routes of files and of fine-tuning jobs."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tunesmith_emulator.openai_api.files import Files
from tunesmith_emulator.openai_api.jobs import Jobs
from tunesmith_emulator.openai_api.paging import page
from tunesmith_emulator.openai_api.requests import NewJob
from tunesmith_emulator.openai_api.views import (
    checkpoints_view,
    events_view,
    file_view,
    job_view,
)
from tunesmith_emulator.uploads import upload_of
from tunesmith_serve.bodies import checked, json_of
from tunesmith_serve.openapi import reads

_MOST_FILES = 10_000
_JOBS = "/v1/fine_tuning/jobs"
_JOB = f"{_JOBS}/{{job_id}}"


class Routes:
    """The handlers, and the router that has them.

    Args:
        files: the files.
        jobs: the jobs.
        most_bytes: the limit of a JSON body.
    """

    def __init__(self, files: Files, jobs: Jobs, most_bytes: int) -> None:
        self._files = files
        self._jobs = jobs
        self._most_bytes = most_bytes
        self.router = router = APIRouter()
        router.post("/v1/files")(self.upload)
        router.get("/v1/files")(self.list_files)
        router.get("/v1/files/{file_id}")(self.get_file)
        router.get("/v1/files/{file_id}/content")(self.content)
        router.delete("/v1/files/{file_id}")(self.delete_file)
        router.post(_JOBS, openapi_extra=reads(NewJob))(self.create)
        router.get(_JOBS)(self.list_jobs)
        router.get(_JOB)(self.get_job)
        router.post(f"{_JOB}/cancel")(self.cancel)
        router.post(f"{_JOB}/pause")(self.pause)
        router.post(f"{_JOB}/resume")(self.resume)
        router.get(f"{_JOB}/events")(self.events)
        router.get(f"{_JOB}/checkpoints")(self.checkpoints)
        router.delete("/v1/models/{name:path}")(self.delete_model)

    async def upload(self, request: Request) -> JSONResponse:
        """Keep a file."""
        given = await upload_of(request)
        keep = self._files.upload
        record = await asyncio.to_thread(keep, given.filename, given.purpose, given.content)
        return JSONResponse(file_view(record))

    def list_files(self, request: Request) -> JSONResponse:
        """List files."""
        query = request.query_params
        found = self._files.all(query.get("purpose"), query.get("order", "desc"))
        views = [file_view(one) for one in found]
        return JSONResponse(page(views, query, usual=_MOST_FILES, most=_MOST_FILES))

    def get_file(self, file_id: str) -> JSONResponse:
        """Describe a file."""
        return JSONResponse(file_view(self._files.get(file_id)))

    def content(self, file_id: str) -> Response:
        """Return the bytes of a file."""
        return Response(self._files.content(file_id), media_type="application/octet-stream")

    def delete_file(self, file_id: str) -> JSONResponse:
        """Delete a file."""
        self._files.delete(file_id)
        return JSONResponse({"id": file_id, "object": "file", "deleted": True})

    async def create(self, request: Request) -> JSONResponse:
        """Create a job. Nulls count as left out."""
        given = await json_of(request, self._most_bytes)
        body = checked(NewJob, given)
        return JSONResponse(job_view(await asyncio.to_thread(self._jobs.create, body)))

    def list_jobs(self, request: Request) -> JSONResponse:
        """List jobs, the newest first."""
        return JSONResponse(page([job_view(one) for one in self._jobs.all()], request.query_params))

    def get_job(self, job_id: str) -> JSONResponse:
        """Describe a job."""
        return JSONResponse(job_view(self._jobs.get(job_id)))

    def cancel(self, job_id: str) -> JSONResponse:
        """End a job for good."""
        return JSONResponse(job_view(self._jobs.cancel(job_id)))

    def pause(self, job_id: str) -> JSONResponse:
        """Pause a job."""
        return JSONResponse(job_view(self._jobs.pause(job_id)))

    def resume(self, job_id: str) -> JSONResponse:
        """Go on with a paused job."""
        return JSONResponse(job_view(self._jobs.resume(job_id)))

    def events(self, request: Request, job_id: str) -> JSONResponse:
        """List the events of a job, the newest first."""
        return JSONResponse(page(events_view(*self._jobs.events(job_id)), request.query_params))

    def checkpoints(self, request: Request, job_id: str) -> JSONResponse:
        """List the checkpoints of a job."""
        found: list[dict[str, Any]] = checkpoints_view(*self._jobs.events(job_id))
        return JSONResponse(page(found, request.query_params))

    def delete_model(self, name: str) -> JSONResponse:
        """Delete a fine-tuned model."""
        self._jobs.delete_model(name)
        return JSONResponse({"id": name, "object": "model", "deleted": True})
