"""Trainings: accepted and stored at once, run by the worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from tunesmith_emulator.assets.service import Assets
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.database import AssetRow, Database, TrainingRow, new_id
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.settings import Settings
from tunesmith_emulator.trainings.entity import FINE, PROMPT, view
from tunesmith_emulator.trainings.request import Label, read_request
from tunesmith_emulator.trainings.results import files
from tunesmith_emulator.trainings.states import WAITING
from tunesmith_emulator.trainings.tuning import Tuning, add_model
from tunesmith_emulator.trainings.worker import Worker

_ASSET_TYPE = {PROMPT: "wx_prompt_tune", FINE: "wx_fine_tune"}


class Trainings:
    """The trainings of all projects and spaces."""

    def __init__(
        self,
        database: Database,
        assets: Assets,
        catalogue: Catalogue,
        engine: Engine,
        settings: Settings,
    ) -> None:
        self._database = database
        self._assets = assets
        self._catalogue = catalogue
        self._engine = engine
        self.tuning = Tuning(database, assets, catalogue, engine, settings)
        self.worker = Worker(database, self.tuning)

    def create(self, kind: str, scope: ProjectScope, body: dict[str, Any]) -> dict[str, Any]:
        """Accept a training.

        Raises:
            ServiceError: 400 or 404, names the field that is wrong.
        """
        asked = read_request(kind, body, self._catalogue, self._engine)
        self._assets.data(scope, asked.asset_id)
        label = Label.read(body)
        marker = AssetRow(
            id=new_id(),
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=label.name,
            asset_type=_ASSET_TYPE[kind],
        )
        row = TrainingRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=label.name,
            description=label.description,
            tags=_tags(label.tags, kind, marker.id),
            kind=kind,
            request=body,
            base_model_id=asked.base_model_id,
            parameters=asked.parameters,
            method=asked.method,
        )
        with self._database.session() as session:
            session.add_all([marker, row])
        self.worker.wake()
        return view(row)

    def get(self, kind: str, scope: ProjectScope, training_id: str) -> dict[str, Any]:
        """Return a training."""
        with self._database.session() as session:
            return view(_row(session, kind, scope, training_id))

    def listed(
        self,
        kind: str,
        scope: ProjectScope,
        state: str | None,
        tags: Sequence[str],
        window: Window,
    ) -> Part[dict[str, Any]]:
        """Return trainings, newest first, in one state and with all ``tags``."""
        chosen = select(TrainingRow).where(
            TrainingRow.kind == kind,
            TrainingRow.within(scope),
        )
        if state:
            chosen = chosen.where(TrainingRow.state == state)
        for tag in tags:
            chosen = chosen.where(_has(tag))
        newest = TrainingRow.created_at.desc(), TrainingRow.id.desc()
        with self._database.session() as session:
            part = read_part(session, chosen, newest, window)
        return part.map(view)

    def remove(self, kind: str, scope: ProjectScope, training_id: str, *, hard: bool) -> None:
        """Cancel a training that has not ended; with ``hard`` delete it.

        Raises:
            ServiceError: 404; 400, it has ended already and ``hard`` is not set.
        """
        with self._database.session() as session:
            state = _row(session, kind, scope, training_id).state
        if state in WAITING:
            self.worker.cancel(training_id)
        elif not hard:
            # The SDK searches for this text.
            raise ServiceError(
                400, "job_already_completed", f"Job already completed with state {state}"
            )
        if hard:
            with self._database.session() as session:
                session.delete(_row(session, kind, scope, training_id))

    def cancel_all(self) -> None:
        """Cancel all trainings that have not ended."""
        waiting = select(TrainingRow.id).where(TrainingRow.state.in_(WAITING))
        with self._database.session() as session:
            # Newest first, so that no training starts because an older one is cancelled.
            left = session.scalars(waiting.order_by(TrainingRow.created_at.desc())).all()
        for training_id in left:
            self.worker.cancel(training_id)

    def progress(self, training_id: str) -> str:
        """Return the last message of the backend about a training of this process."""
        losses = self.tuning.losses.get(training_id)
        return losses.message if losses else ""

    def result_file(self, scope: ProjectScope, path: str) -> bytes:
        """Return a file of a training's results by its path in the storage of a project.

        Raises:
            ServiceError: 404, there is none, or the training has not ended yet.
        """
        parts = set(path.split("/"))
        named = select(TrainingRow).where(TrainingRow.within(scope), TrainingRow.id.in_(parts))
        with self._database.session() as session:
            for row in session.scalars(named):
                found = files(row).get(path)
                if found is not None:
                    return found.encode()
        raise not_found("file", path)

    def store_model(self, scope: ProjectScope, body: Mapping[str, Any]) -> str:
        """Make a model of a completed training that did not store its own, and return its id.

        Raises:
            ServiceError: 400, the body names no completed training.
        """
        training_id = str(body.get("training_id") or "")
        with self._database.session() as session:
            row = session.get(TrainingRow, training_id)
            if row is None or row.scope != scope or row.model is None:
                raise wrong_field(
                    "training_id",
                    "training_id must name a completed training. Other ways to store a model go "
                    "through object storage, which is not emulated; tune with "
                    "auto_update_model=True.",
                )
            stored = session.get(AssetRow, row.model_id) if row.model_id else None
            if stored is None:
                row.model_id = add_model(session, row)
            return str(row.model_id)


def _row(session: Session, kind: str, scope: ProjectScope, training_id: str) -> TrainingRow:
    row = session.get(TrainingRow, training_id)
    if row is None or row.scope != scope or row.kind != kind:
        raise not_found("training", training_id)
    return row


def _has(tag: str) -> ColumnElement[bool]:
    tags = func.json_each(TrainingRow.tags).table_valued("value")
    # The first condition is the faster one, and few other rows meet it.
    spelled = func.instr(TrainingRow.tags, json.dumps(tag)) > 0
    return and_(spelled, exists().where(tags.c.value == tag))


def _tags(given: list[str], kind: str, marker: str) -> list[str]:
    if kind == FINE:
        return given
    # The service adds the second tag: the SDK deletes the asset that it names.
    return [*(given[:1] or [PROMPT]), f"wx_prompt_tune.{marker}", *given[1:]]
