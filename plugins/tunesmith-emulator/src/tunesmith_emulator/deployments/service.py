"""Deployments: accepted and stored at once, made ready in the background."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field
from sqlalchemy import or_, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from tunesmith.errors import TunesmithError
from tunesmith.records import Deployment, TunedModel
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.database import RETRY_SECONDS, AssetRow, Database, DeploymentRow
from tunesmith_emulator.deployments.entity import view
from tunesmith_emulator.deployments.patch import LONGEST_NAME, Change
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, Target, not_found, wrong_field
from tunesmith_emulator.fields import Body, nested, text, texts
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.prompts.service import Prompts
from tunesmith_emulator.prompts.template import Template
from tunesmith_emulator.state_delays import StateDelays
from tunesmith_emulator.stored_code.service import KINDS, Kind, Program, StoredCode
from tunesmith_emulator.translation import failure_of

log = logging.getLogger("tunesmith_emulator")
_SERVING_NAME = re.compile(r"[A-Za-z0-9_-]{1,36}")
_POLL_SECONDS = 0.05


def _checked_serving_name(name: Any) -> str:
    if not isinstance(name, str) or not _SERVING_NAME.fullmatch(name):
        raise wrong_field(
            "online.parameters.serving_name",
            "serving_name must be 1 to 36 letters, digits, underscores or hyphens.",
        )
    return name


class _Parameters(Body):
    serving_name: Annotated[str | None, BeforeValidator(_checked_serving_name)] = None


_OF_CODE = "; batch deployments are emulated for stored functions alone"


class _Online(Body):
    predicate = f"must be an object{_OF_CODE}"
    parameters: _Parameters = nested()


class _Asset(Body):
    id: str = Field(
        min_length=1,
        description="must name a tuned model. Deploying a base model on demand is not emulated; "
        "base models answer under /ml/v1/text/generation",
    )


class _Prompt(Body):
    id: str = Field(min_length=1, description="must name a prompt template")


class AssetBody(Body):
    """The tuned model in the body of a deployment."""

    online: Annotated[dict[str, Any], Field(description=_Online.predicate)]
    asset: _Asset = nested()


class PromptBody(Body):
    """The prompt template in the body of a deployment, and the base model that answers it."""

    prompt_template: _Prompt
    base_model_id: str | None = Field(None, description="must name a base model")


class OnlineBody(Body):
    """The serving name in the body of a deployment."""

    online: _Online


class CodeBody(Body):
    """A function or an AI service in the body of a deployment."""

    asset: _Asset = nested()
    online: dict[str, Any] | None = Field(None, description="must be an object")
    batch: dict[str, Any] | None = Field(None, description="must be an object")
    custom: dict[str, Any] = nested()


class Label(Body):
    """The fields in the body of a deployment that only describe it."""

    name: str = text(most=LONGEST_NAME)
    description: str = text("")
    tags: list[str] = texts()


@dataclass(frozen=True)
class Serving:
    """The target of requests to a deployment's id or serving name."""

    target: Deployment | None
    """The backend's deployment of a tuned model; None: the base model answers."""
    model_id: str
    """The catalogue id of the base model."""
    template: Template | None = None
    """The prompt template that the base model answers, if it is one that is deployed."""


class Deployments:
    """The deployments of all projects and spaces."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        catalogue: Catalogue,
        prompts: Prompts,
        code: StoredCode,
    ) -> None:
        self.delays = StateDelays()
        self._database = database
        self._engine = engine
        self._catalogue = catalogue
        self._prompts = prompts
        self._code = code
        self._ready: dict[str, Serving] = {}
        self._unrecorded: dict[str, Deployment] = {}
        """The backend's deployments that were made and are not recorded yet, by name."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        """Held while deployments change, so that no two take the same serving name."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="deployments")

    def start(self) -> None:
        """Continue the unfinished deployments of an earlier process."""
        waiting = select(DeploymentRow.id).where(DeploymentRow.state == "initializing")
        with self._database.session() as session:
            left = session.scalars(waiting).all()
        if left:
            self._pool.submit(self._find_unrecorded, frozenset(left))
        for ident in left:
            self._accepted(ident)

    def stop(self) -> None:
        """Finish the running deployment; waiting ones are left for the next start."""
        self._closing.set()
        self._pool.shutdown()

    def _find_unrecorded(self, left: frozenset[str]) -> None:
        # Once: a backend may read all of its deployments for its list.
        with contextlib.suppress(TunesmithError):  # then each deployment has the same error
            known = self._engine.backend.deployer.list()
            self._unrecorded = {one.name: one for one in known if one.name in left}

    def create(self, scope: ProjectScope, body: Mapping[str, Any], base_url: str) -> dict[str, Any]:
        """Accept a deployment of a tuned model, of a prompt template or of stored code.

        Raises:
            ServiceError: 400 or 404, names the field; 409, the serving name is taken.
        """
        label = Label.read(body).model_dump()
        prompt = self._of_prompt(scope, body) if body.get("prompt_template") is not None else None
        with self._lock, self._database.session() as session:
            fields = prompt or self._of_asset(session, scope, body)
            serving_name = None
            if fields.get("batch") is None:
                serving_name = OnlineBody.read(body).online.parameters.serving_name
                fields["online"] = body["online"]
            _check_free(session, serving_name)
            row = DeploymentRow(
                scope_kind=scope.kind,
                scope_id=scope.id,
                **label,
                serving_name=serving_name,
                **fields,
            )
            session.add(row)
        self._accepted(row.id)
        return view(row, base_url)

    def _of_asset(
        self, session: Session, scope: ProjectScope, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        given = body.get("asset")
        ident = given.get("id") if isinstance(given, dict) else None
        named = session.get(AssetRow, ident) if isinstance(ident, str) else None
        if named is not None and named.scope == scope and named.asset_type in KINDS:
            self._code.check()
            code = CodeBody.read(body)
            return {
                "asset_id": named.id,
                "base_model_id": "",
                "model": {},
                "code": KINDS[named.asset_type],
                "custom": code.custom,
                "batch": code.batch if code.online is None else None,
            }
        asset = _model(session, scope, AssetBody.read(body).asset.id)
        return {
            "asset_id": asset.id,
            "base_model_id": asset.base_model_id,
            "model": asset.model,
        }

    def _of_prompt(self, scope: ProjectScope, body: Mapping[str, Any]) -> dict[str, Any]:
        given = PromptBody.read(body)
        template = self._prompts.template(scope, given.prompt_template.id)
        base_model_id = given.base_model_id or template.prompt.model_id
        self._catalogue.find(base_model_id, patience=0)  # refuses an unknown model
        return {
            "asset_id": given.prompt_template.id,
            "base_model_id": base_model_id,
            "is_prompt": True,
            "model": {},
        }

    def get(self, scope: ProjectScope, deployment_id: str, base_url: str) -> dict[str, Any]:
        """Return a deployment."""
        with self._database.session() as session:
            return view(_row(session, scope, deployment_id), base_url)

    def listed(
        self, scope: ProjectScope, query: Mapping[str, Any], base_url: str, window: Window
    ) -> Part[dict[str, Any]]:
        """Return deployments, newest first, filtered by serving name, asset, name and state."""
        chosen = select(DeploymentRow).where(DeploymentRow.within(scope))
        for field in ("serving_name", "asset_id", "name", "state"):
            if field in query:
                chosen = chosen.where(getattr(DeploymentRow, field) == query[field])
        newest = DeploymentRow.created_at.desc(), DeploymentRow.id.desc()
        with self._database.session() as session:
            part = read_part(session, chosen, newest, window)
        return part.map(lambda row: view(row, base_url))

    def check_free(self, serving_name: str) -> None:
        """Check that a serving name is free.

        Raises:
            ServiceError: 409, it is taken.
        """
        with self._database.session() as session:
            _check_free(session, serving_name)

    def change(
        self, scope: ProjectScope, deployment_id: str, changes: Sequence[Change], base_url: str
    ) -> dict[str, Any]:
        """Apply a JSON patch.

        Raises:
            ServiceError: 404; 409, the new serving name is taken.
        """
        with self._lock, self._database.session() as session:
            row = _row(session, scope, deployment_id)
            before = row.deployed
            for change in changes:
                _apply(session, row, change)
            session.flush()
            shown = view(row, base_url)
        self._ready.clear()
        if any(change.field == "asset" for change in changes):
            self._undeploy(before)
            self._accepted(row.id)
        return shown

    def delete(self, scope: ProjectScope, deployment_id: str) -> None:
        """Delete a deployment."""
        with self._lock, self._database.session() as session:
            row = _row(session, scope, deployment_id)
            session.delete(row)
        self._undeploy(row.deployed)
        self._code.forget(row.id)

    def delete_all(self) -> None:
        """Delete the deployments of all projects and spaces."""
        with self._lock, self._database.session() as session:
            rows = session.scalars(select(DeploymentRow)).all()
            for row in rows:
                session.delete(row)
        for row in rows:
            self._undeploy(row.deployed)
            self._code.forget(row.id)

    def program(self, id_or_name: str) -> tuple[Program, DeploymentRow]:
        """Return the code of a deployment, and the deployment.

        Raises:
            ServiceError: 404, it does not exist or is not ready; 400, it has no code.
        """
        with self._database.session() as session:
            row = _named(session, id_or_name)
        if row.code is None:
            raise _unfit(id_or_name, "has no stored code; ask it for text")
        if row.state != "ready":
            raise _unready(id_or_name, row.state)
        return _program(row), row

    def serving(self, id_or_name: str) -> Serving:
        """Return the target for a deployment's id or serving name.

        Raises:
            ServiceError: 404, it does not exist or is not ready.
        """
        found = self._ready.get(id_or_name)
        return self._look_up(id_or_name) if found is None else found

    def _look_up(self, id_or_name: str) -> Serving:
        # Under the lock: a deployment that was deleted or renamed meanwhile must not be cached.
        with self._lock, self._database.session() as session:
            row = _named(session, id_or_name)
            if row.code is not None:
                raise _unfit(id_or_name, "runs stored code; ask for predictions or ai_service")
            if row.state != "ready" or (row.deployed is None and not row.is_prompt):
                raise _unready(id_or_name, row.state)
            if not row.is_prompt:
                serving = Serving(Deployment.model_validate(row.deployed), row.base_model_id)
                self._ready[id_or_name] = serving
                return serving
        # Not kept: the template may be changed at any time.
        return Serving(None, row.base_model_id, self._prompts.template(row.scope, row.asset_id))

    def _accepted(self, deployment_id: str) -> None:
        self._pool.submit(self._make_ready, deployment_id, time.monotonic())

    def _make_ready(self, deployment_id: str, accepted: float) -> None:
        while time.monotonic() < accepted + self.delays.initializing:
            if self._closing.wait(_POLL_SECONDS):
                break
        while not self._closing.is_set():
            try:
                self._try_ready(deployment_id)
            except DatabaseError as error:
                log.error("deployment %s waits: state.sqlite: %s", deployment_id, error.orig)
                self._closing.wait(RETRY_SECONDS)
            else:
                return

    def _try_ready(self, deployment_id: str) -> None:
        with self._database.session() as session:
            row = session.get(DeploymentRow, deployment_id)
        if row is None or row.state != "initializing":
            return
        changes: dict[str, Any]
        try:
            changes = {"state": "ready"}
            if row.code is not None:
                self._code.load(_program(row))
            elif not row.is_prompt:
                changes["deployed"] = self._deploy(row).model_dump(mode="json")
        except Exception as error:  # noqa: BLE001  # no error of a backend may end the pool
            if row.code is not None and self._code.closed:
                return  # the next start makes it ready
            failure = failure_of(error, f"deployment {deployment_id}")
            changes = {"state": "failed", "failure": failure}
        recorded = self._record(row, changes)
        self._unrecorded.pop(row.id, None)
        if not recorded and "deployed" in changes:
            self._remove(Deployment.model_validate(changes["deployed"]))

    def _record(self, row: DeploymentRow, changes: Mapping[str, Any]) -> bool:
        with self._lock, self._database.session() as session:
            current = session.get(DeploymentRow, row.id)
            if current is None or current.asset_id != row.asset_id:
                return False  # it was deleted or has another model now
            for name, value in changes.items():
                setattr(current, name, value)
            return True

    def _undeploy(self, deployed: Mapping[str, Any] | None) -> None:
        """Remove a deployment of the backend in the background: it may have to be loaded."""
        self._ready.clear()
        if deployed is not None:
            self._pool.submit(self._remove, Deployment.model_validate(deployed))

    def _remove(self, deployed: Deployment) -> None:
        try:
            self._engine.backend.deployer.undeploy(deployed)
        except Exception:  # nobody waits for it, and the client's deployment is gone
            log.exception("deployment %s stays in the backend", deployed.id)

    def _deploy(self, row: DeploymentRow) -> Deployment:
        # The name is the row's id, so that the deployment of a killed process is found again.
        model = TunedModel.model_validate(row.model)
        known = self._unrecorded.get(row.id)
        if known is None or known.model.id != model.id:
            known = self._engine.backend.deployer.deploy(model, row.id)
            self._unrecorded[row.id] = known
        return known


def _row(session: Session, scope: ProjectScope, deployment_id: str) -> DeploymentRow:
    row = session.get(DeploymentRow, deployment_id)
    if row is None or row.scope != scope:
        raise not_found("deployment", deployment_id)
    return row


def _named(session: Session, id_or_name: str) -> DeploymentRow:
    named = or_(DeploymentRow.id == id_or_name, DeploymentRow.serving_name == id_or_name)
    row = session.scalars(select(DeploymentRow).where(named)).first()
    if row is None:
        raise not_found("deployment", id_or_name)
    return row


def _unready(id_or_name: str, state: str) -> ServiceError:
    return ServiceError(404, "deployment_not_ready", f"Deployment {id_or_name!r} is {state}.")


def _unfit(id_or_name: str, why: str) -> ServiceError:
    message = f"Deployment {id_or_name!r} {why}."
    return ServiceError(400, "unsupported_deployment", message)


def _program(row: DeploymentRow) -> Program:
    # The column holds what was looked up in KINDS.
    return Program(row.id, cast("Kind", row.code), row.scope, row.asset_id, row.custom)


def _apply(session: Session, row: DeploymentRow, change: Change) -> None:
    if change.field == "serving_name":
        if change.value != row.serving_name:
            _check_free(session, _checked_serving_name(change.value))
        row.serving_name = change.value
        row.online = {"parameters": {"serving_name": change.value}}
    elif change.field == "asset":
        if row.is_prompt or row.code is not None:
            what = "answers with a prompt template" if row.is_prompt else "runs stored code"
            raise wrong_field("/asset", f"The deployment {what}; change that instead.")
        asset = _model(session, row.scope, change.value)
        row.asset_id, row.model = asset.id, dict(asset.model or {})
        row.base_model_id = str(asset.base_model_id)
        row.state, row.failure, row.deployed = "initializing", None, None
    else:
        setattr(row, change.field, change.value)


def _model(session: Session, scope: ProjectScope, ident: str) -> AssetRow:
    row = session.get(AssetRow, ident)
    if row is None or row.scope != scope or row.model is None:
        raise ServiceError(
            404,
            "asset_not_found",
            f"No tuned model with id {ident!r} in this {scope.kind}.",
            Target("field", "asset.id"),
        )
    return row


def _check_free(session: Session, serving_name: str | None) -> None:
    if serving_name is None:
        return
    taken = select(DeploymentRow.id).where(DeploymentRow.serving_name == serving_name)
    if session.scalars(taken).first() is not None:
        raise ServiceError(
            409,
            "serving_name_conflict",
            f"The serving name {serving_name!r} is taken; choose another one.",
            Target("field", "online.parameters.serving_name"),
        )
