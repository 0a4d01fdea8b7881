"""Jobs of batch deployments: accepted and stored at once, run one after another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from tunesmith_emulator.database import RETRY_SECONDS, Database, JobRow, utc_now
from tunesmith_emulator.deployments.service import Deployments
from tunesmith_emulator.envelope import MORE_INFO, ServiceError, not_found, wrong_field
from tunesmith_emulator.fields import Body, nested, text
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.metadata import metadata
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.stored_code.service import StoredCode
from tunesmith_emulator.times import stamp
from tunesmith_emulator.translation import failure_of

log = logging.getLogger("tunesmith_emulator")
JSON = dict[str, Any]
_UNDER_WAY = ("queued", "running")


class _Deployment(Body):
    id: str = text()


class _Scoring(Body):
    input_data: list[dict[str, Any]] = Field(
        min_length=1,
        description="must be a list of objects with 'values'; data by reference are not emulated",
    )


class JobBody(Body):
    """The body that makes a job."""

    name: str = text("")
    deployment: _Deployment = nested()
    scoring: _Scoring = nested()


class Jobs:
    """The jobs of all projects and spaces."""

    def __init__(self, database: Database, deployments: Deployments, code: StoredCode) -> None:
        self._database = database
        self._deployments = deployments
        self._code = code
        self._lock = threading.Lock()
        """Held while a job changes: a client and the worker may want two changes at once."""
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jobs")

    def start(self) -> None:
        """Begin the unfinished jobs of an earlier process again."""
        unended = select(JobRow.id).where(JobRow.state.in_(_UNDER_WAY))
        with self._database.session() as session:
            left = session.scalars(unended.order_by(JobRow.created_at)).all()
        for ident in left:
            self._pool.submit(self._run, ident)

    def stop(self) -> None:
        """End the code. The running job and the waiting ones are left for the next start."""
        self._closing.set()
        self._code.close()
        self._pool.shutdown(cancel_futures=True)

    def create(self, scope: ProjectScope, body: Mapping[str, Any]) -> JSON:
        """Accept a job.

        Raises:
            ServiceError: 400 or 404, names the field.
        """
        asked = JobBody.read(body)
        _, deployment = self._deployments.program(asked.deployment.id)
        if deployment.scope != scope:
            raise not_found("deployment", asked.deployment.id)
        if deployment.batch is None:
            raise wrong_field("deployment.id", "deployment.id must name a batch deployment.")
        row = JobRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=asked.name,
            deployment_id=deployment.id,
            scoring=dict(body["scoring"]),
        )
        with self._database.session() as session:
            session.add(row)
        self._pool.submit(self._run, row.id)
        return _view(row)

    def get(self, scope: ProjectScope, job_id: str, shown: Collection[str] = ()) -> JSON:
        """Return a job; with ``shown`` only these fields of ``scoring``."""
        with self._database.session() as session:
            return _view(_row(session, scope, job_id), shown)

    def listed(self, scope: ProjectScope, shown: Collection[str], window: Window) -> Part[JSON]:
        """Return jobs, newest first; see :meth:`get`."""
        query = select(JobRow).where(JobRow.within(scope))
        newest = JobRow.created_at.desc(), JobRow.id.desc()
        with self._database.session() as session:
            part = read_part(session, query, newest, window)
        return part.map(lambda row: _view(row, shown))

    def remove(self, scope: ProjectScope, job_id: str, *, hard: bool) -> None:
        """Cancel a job that has not ended; with ``hard`` delete it.

        Raises:
            ServiceError: 404; 400, it has ended already and ``hard`` is not set.
        """
        with self._lock, self._database.session() as session:
            row = _row(session, scope, job_id)
            running = row.state == "running"
            if row.state not in _UNDER_WAY and not hard:
                message = f"Job already completed with state {row.state}"
                raise ServiceError(400, "job_already_completed", message)
            if hard:
                session.delete(row)
            else:
                row.state, row.completed_at = "canceled", utc_now()
        if running:
            self._code.forget(row.deployment_id)  # the next request starts the code again

    def _run(self, job_id: str) -> None:
        while not self._closing.is_set():
            try:
                if self._change(job_id, state="running", running_at=utc_now()):
                    self._work(job_id)
            except DatabaseError as error:
                log.error("job %s waits: state.sqlite: %s", job_id, error.orig)
                self._closing.wait(RETRY_SECONDS)
            else:
                return

    def _work(self, job_id: str) -> None:
        with self._database.session() as session:
            row = session.get(JobRow, job_id)
        if row is None:
            return
        ended: JSON
        try:
            program, _ = self._deployments.program(row.deployment_id)
            predictions = self._code.score(program, row.scoring)["predictions"]
            ended = {"state": "completed", "predictions": predictions}
        except Exception as error:  # noqa: BLE001  # no error of the code may end the pool
            ended = {"state": "failed", "failure": failure_of(error, f"job {job_id}")}
            if self._code.closed:
                return  # the next start begins it again
        self._change(job_id, completed_at=utc_now(), **ended)

    def _change(self, job_id: str, **values: Any) -> bool:
        """Change a job that has not ended; return whether it was there."""
        with self._lock, self._database.session() as session:
            row = session.get(JobRow, job_id)
            if row is None or row.state not in _UNDER_WAY:
                return False
            for name, value in values.items():
                setattr(row, name, value)
            return True


def _view(row: JobRow, shown: Collection[str] = ()) -> JSON:
    status: JSON = {"state": row.state}
    if row.running_at is not None:
        status["running_at"] = stamp(row.running_at)
    if row.completed_at is not None:
        status["completed_at"] = stamp(row.completed_at)
    if row.failure is not None:
        error = {"code": "job_failed", "message": row.failure, "more_info": MORE_INFO}
        status["failure"] = {"errors": [error]}
    scoring = {**row.scoring, "status": status}
    if row.predictions is not None:
        scoring["predictions"] = row.predictions
    if shown:
        scoring = {name: value for name, value in scoring.items() if name in shown}
    return {
        "metadata": metadata(row),
        "entity": {
            "name": row.name,
            "deployment": {"id": row.deployment_id},
            "platform_job": {"job_id": row.id, "run_id": row.id},
            "scoring": scoring,
        },
    }


def _row(session: Session, scope: ProjectScope, job_id: str) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None or row.scope != scope:
        raise not_found("job", job_id)
    return row
