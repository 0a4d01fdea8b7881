"""Deployments: accepted and stored at once, made ready in the background."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tunesmith.errors import TunesmithError
from tunesmith.records import Deployment, TunedModel
from tunesmith_emulator.database import AssetRow, Database, DeploymentRow
from tunesmith_emulator.deployments.entity import view
from tunesmith_emulator.deployments.patch import LONGEST_NAME, Change
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, Target, not_found, wrong_field
from tunesmith_emulator.fields import Fields
from tunesmith_emulator.project_scope import Scope
from tunesmith_emulator.state_delays import Pace

_SERVING_NAME = re.compile(r"[A-Za-z0-9_-]{1,36}")
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Serving:
    """What answers under a deployment's id or serving name."""

    target: Deployment
    """The backend's own deployment."""
    model_id: str
    """The base model, as the catalogue names it."""


class Deployments:
    """Knows the deployments of every project and space."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.pace = Pace()
        self._database = database
        self._engine = engine
        self._ready: dict[str, Serving] = {}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        """Held while deployments change: two must not take one serving name."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="deployments")

    def start(self) -> None:
        """Take up what an earlier process left unfinished."""
        waiting = select(DeploymentRow.id).where(DeploymentRow.state == "initializing")
        with self._database.session() as session:
            left = session.scalars(waiting).all()
        for ident in left:
            self._accepted(ident)

    def stop(self) -> None:
        """Let a deployment under way finish; what waits stays for the next start."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def create(self, scope: Scope, body: Mapping[str, Any], base_url: str) -> dict[str, Any]:
        """Accept a deployment of a tuned model.

        Raises:
            ServiceError: 400 or 404, names the field; 409, the serving name is taken.
        """
        fields, online = Fields(body), _online(body)
        with self._lock, self._database.session() as session:
            asset = _model(session, scope, fields.object("asset").values.get("id"))
            _check_free(session, _serving_name(online))
            row = DeploymentRow(
                scope_kind=scope.kind,
                scope_id=scope.id,
                name=fields.text("name", most=LONGEST_NAME),
                description=fields.text("description", ""),
                tags=fields.texts("tags"),
                serving_name=_serving_name(online),
                asset_id=asset.id,
                base_model_id=asset.base_model_id,
                online=online,
                model=asset.model,
            )
            session.add(row)
        self._accepted(row.id)
        return view(row, base_url)

    def get(self, scope: Scope, deployment_id: str, base_url: str) -> dict[str, Any]:
        """Return a deployment."""
        with self._database.session() as session:
            return view(_row(session, scope, deployment_id), base_url)

    def listed(self, scope: Scope, query: Mapping[str, Any], base_url: str) -> list[dict[str, Any]]:
        """Return deployments, newest first, filtered by serving name, asset and name."""
        chosen = select(DeploymentRow).where(DeploymentRow.within(scope))
        for field in ("serving_name", "asset_id", "name", "state"):
            if field in query:
                chosen = chosen.where(getattr(DeploymentRow, field) == query[field])
        newest = DeploymentRow.created_at.desc(), DeploymentRow.id
        with self._database.session() as session:
            rows = session.scalars(chosen.order_by(*newest)).all()
        return [view(row, base_url) for row in rows]

    def check_free(self, serving_name: str) -> None:
        """Let a serving name pass.

        Raises:
            ServiceError: 409, it is taken.
        """
        with self._database.session() as session:
            _check_free(session, serving_name)

    def change(
        self, scope: Scope, deployment_id: str, changes: Sequence[Change], base_url: str
    ) -> dict[str, Any]:
        """Carry out a JSON patch.

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

    def delete(self, scope: Scope, deployment_id: str) -> None:
        """Remove a deployment; it answers no more."""
        with self._lock, self._database.session() as session:
            row = _row(session, scope, deployment_id)
            session.delete(row)
        self._undeploy(row.deployed)

    def delete_all(self) -> None:
        """Remove every deployment of every project and space."""
        with self._lock, self._database.session() as session:
            rows = session.scalars(select(DeploymentRow)).all()
            for row in rows:
                session.delete(row)
        for row in rows:
            self._undeploy(row.deployed)

    def serving(self, id_or_name: str) -> Serving:
        """Return what answers for a deployment, by id or serving name.

        Raises:
            ServiceError: 404, there is none, or it is not ready.
        """
        found = self._ready.get(id_or_name)
        return self._look_up(id_or_name) if found is None else found

    def _look_up(self, id_or_name: str) -> Serving:
        named = or_(DeploymentRow.id == id_or_name, DeploymentRow.serving_name == id_or_name)
        # Under the lock: what was deleted or renamed meanwhile must not be remembered.
        with self._lock, self._database.session() as session:
            row = session.scalars(select(DeploymentRow).where(named)).first()
            if row is None:
                raise not_found("deployment", id_or_name)
            if row.deployed is None or row.state != "ready":
                raise ServiceError(
                    404, "deployment_not_ready", f"Deployment {id_or_name!r} is {row.state}."
                )
            serving = Serving(Deployment.model_validate(row.deployed), row.base_model_id)
            self._ready[id_or_name] = serving
        return serving

    def _accepted(self, deployment_id: str) -> None:
        self._pool.submit(self._make_ready, deployment_id, time.monotonic())

    def _make_ready(self, deployment_id: str, accepted: float) -> None:
        while time.monotonic() < accepted + self.pace.initializing:
            if self._closing.wait(_POLL_SECONDS):
                return
        with self._database.session() as session:
            row = session.get(DeploymentRow, deployment_id)
        if row is None or row.state != "initializing":
            return
        changes: dict[str, Any]
        try:
            deployed = self._deploy(row)
            changes = {"state": "ready", "deployed": deployed.model_dump(mode="json")}
        except TunesmithError as error:
            changes = {"state": "failed", "failure": str(error)}
        except Exception as error:  # noqa: BLE001  # whatever a backend raises fails one deployment
            changes = {"state": "failed", "failure": f"internal error: {type(error).__name__}"}
        if not self._record(row, changes):
            self._undeploy(changes.get("deployed"))

    def _record(self, row: DeploymentRow, changes: Mapping[str, Any]) -> bool:
        with self._lock, self._database.session() as session:
            current = session.get(DeploymentRow, row.id)
            if current is None or current.asset_id != row.asset_id:
                return False  # it was deleted, or has another model now
            for name, value in changes.items():
                setattr(current, name, value)
            return True

    def _undeploy(self, deployed: Mapping[str, Any] | None) -> None:
        self._ready.clear()
        if deployed is not None:
            self._engine.backend.deployer.undeploy(Deployment.model_validate(deployed))

    def _deploy(self, row: DeploymentRow) -> Deployment:
        # Under the row's id: what a killed process had deployed is found again.
        deployer, model = self._engine.backend.deployer, TunedModel.model_validate(row.model)
        for known in deployer.list():
            if known.name == row.id and known.model.id == model.id:
                return known
        return deployer.deploy(model, row.id)


def _row(session: Session, scope: Scope, deployment_id: str) -> DeploymentRow:
    row = session.get(DeploymentRow, deployment_id)
    if row is None or row.scope != scope:
        raise not_found("deployment", deployment_id)
    return row


def _apply(session: Session, row: DeploymentRow, change: Change) -> None:
    if change.field == "serving_name":
        if change.value != row.serving_name:
            _check_free(session, _checked_serving_name(change.value))
        row.serving_name = change.value
        row.online = {"parameters": {"serving_name": change.value}}
    elif change.field == "asset":
        asset = _model(session, row.scope, change.value)
        row.asset_id, row.model = asset.id, dict(asset.model or {})
        row.base_model_id = str(asset.base_model_id)
        row.state, row.failure, row.deployed = "initializing", None, None
    else:
        setattr(row, change.field, change.value)


def _model(session: Session, scope: Scope, ident: Any) -> AssetRow:
    if not isinstance(ident, str) or not ident:
        raise wrong_field(
            "asset.id",
            "asset.id must name a tuned model. Deploying a base model on demand is not emulated; "
            "base models answer under /ml/v1/text/generation.",
        )
    row = session.get(AssetRow, ident)
    if row is None or row.scope != scope or row.model is None:
        raise ServiceError(
            404,
            "asset_not_found",
            f"No tuned model with id {ident!r} in this {scope.kind}.",
            Target("field", "asset.id"),
        )
    return row


def _online(body: Mapping[str, Any]) -> dict[str, Any]:
    online = body.get("online")
    if not isinstance(online, Mapping):
        raise wrong_field("online", "online must be an object; batch deployments are not emulated.")
    return dict(online)


def _serving_name(online: Mapping[str, Any]) -> str | None:
    name = Fields(online, "online").object("parameters").values.get("serving_name")
    return None if name is None else _checked_serving_name(name)


def _checked_serving_name(name: Any) -> str:
    if not isinstance(name, str) or not _SERVING_NAME.fullmatch(name):
        raise wrong_field(
            "online.parameters.serving_name",
            "serving_name must be 1 to 36 letters, digits, underscores or hyphens.",
        )
    return name


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
