"""Runs one training of the database on the backend, and stores the tuned model."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from tunesmith.backend import TuningJob
from tunesmith.dataset import Dataset
from tunesmith.errors import TuningError
from tunesmith.records import FINISHED, TunedModel, TuningEvent
from tunesmith.spec import TuningSpec
from tunesmith_emulator.assets.service import Assets
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.database import (
    ArtifactRow,
    AssetRow,
    Database,
    TrainingRow,
    new_id,
    utc_now,
)
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.settings import Settings
from tunesmith_emulator.state_delays import StateDelays
from tunesmith_emulator.trainings.metrics import Losses
from tunesmith_emulator.trainings.request import TrainingBody, choose_method
from tunesmith_emulator.trainings.rows import labels_of, read_rows
from tunesmith_emulator.trainings.states import update

CheckStop = Callable[[], None]
"""Raises :class:`Canceled` or :class:`Interrupted` if the training must stop."""
_POLL_SECONDS = 0.05
MAX_ROWS = 10_000
"""Rows that a tuning may have."""


class Canceled(Exception):  # noqa: N818  # a signal, not an error
    """The training was cancelled."""


class Interrupted(Exception):  # noqa: N818  # a signal, not an error
    """The emulator stops; the training continues at its next start."""


class Tuning:
    """Runs trainings, one per call of :meth:`run`."""

    def __init__(
        self,
        database: Database,
        assets: Assets,
        catalogue: Catalogue,
        engine: Engine,
        settings: Settings,
    ) -> None:
        self.delays = StateDelays()
        self.losses: dict[str, Losses] = {}
        """The losses of the trainings of this process, by id."""
        self._database = database
        self._assets = assets
        self._catalogue = catalogue
        self._engine = engine
        self._settings = settings

    def run(self, row: TrainingRow, check_stop: CheckStop) -> None:
        """Tune to the end and store the model.

        Raises:
            Canceled: raised by ``check_stop``; the backend's job is cancelled.
            Interrupted: raised by ``check_stop``; the backend's job can be resumed.
            TunesmithError: the tuning failed.
            ServiceError: its data were deleted.
        """
        _linger(self.delays.pending, check_stop)
        while not self._engine.loaded(self._base_model(row), _POLL_SECONDS):
            check_stop()
        started, began = utc_now(), time.monotonic()
        job = self._job(row)
        model = self._follow(row, job, row.running_at or started, check_stop)
        _linger(self.delays.running - (time.monotonic() - began), check_stop)
        update(self._database, row.id, state="storing")
        self._store(row, model)

    def _job(self, row: TrainingRow) -> TuningJob:
        tuner = self._engine.backend.tuner
        if row.job_id is None:
            data = self._data(row)
            self._choose_method(row)
            job = tuner.submit(self._spec(row, data), data.rows)
            update(self._database, row.id, job_id=job.id)
            return job
        if not self._engine.capabilities(self._base_model(row)).resumable:
            raise TuningError(
                "the emulator was stopped during this tuning, and backend "
                f"{self._settings.backend!r} cannot resume it; create the training again"
            )
        return tuner.resume(row.job_id)

    def _choose_method(self, row: TrainingRow) -> None:
        if not row.method:
            served = self._base_model(row)
            row.method = choose_method(
                row.kind, row.base_model_id, row.parameters, served, self._engine
            )
            update(self._database, row.id, method=row.method)

    def _follow(
        self, row: TrainingRow, job: TuningJob, started: datetime, check_stop: CheckStop
    ) -> TunedModel:
        update(self._database, row.id, state="running", running_at=started)
        losses = self.losses[row.id] = Losses(started.replace(tzinfo=UTC))

        def take(event: TuningEvent) -> None:
            if losses.take(event) or event.status in FINISHED:
                known = {"metrics": list(losses.entries), "message": losses.message}
                update(self._database, row.id, **known)

        try:
            return job.wait(take, poll_seconds=_POLL_SECONDS, on_poll=check_stop)
        except Canceled:
            job.cancel()
            raise

    def _store(self, row: TrainingRow, model: TunedModel) -> None:
        # In one transaction: after a kill, the training is either finished and has its model, or
        # the next start finishes it.
        with self._database.session() as session:
            stored = session.get(TrainingRow, row.id)
            if stored is None:
                return
            stored.model = model.model_dump(mode="json")
            if stored.request.get("auto_update_model"):
                stored.model_id = add_model(session, stored)
            stored.state, stored.completed_at, stored.message = "completed", utc_now(), ""

    def _data(self, row: TrainingRow) -> Dataset:
        name, file = self._assets.data(row.scope, TrainingBody.read(row.request).asset_id)
        return read_rows(name, file, MAX_ROWS)

    def _spec(self, row: TrainingRow, data: Dataset) -> TuningSpec:
        return TuningSpec.from_values(
            {
                "name": row.name,
                "base_model": self._base_model(row),
                "method": {"name": row.method["name"], **row.method["settings"]},
                "labels": labels_of(data),
                "seed": self._settings.seed,
            },
            source=f"training {row.id}",
        )

    def _base_model(self, row: TrainingRow) -> str:
        # An accepted training is finished, even if the model was withdrawn meanwhile.
        return self._catalogue.served_by(row.base_model_id)


def add_model(session: Session, training: TrainingRow) -> str:
    """Make the asset of a tuned model, and return its id."""
    asset = AssetRow(
        id=new_id(),
        scope_kind=training.scope_kind,
        scope_id=training.scope_id,
        name=training.name,
        asset_type="wml_model",
        base_model_id=training.base_model_id,
        model=training.model,
    )
    session.add(asset)
    session.flush()
    document = {
        "type": "prompt_tune_1.0",
        "content_import_state": "completed",
        "software_spec": {"id": "", "name": "watsonx-cfm-caikit-1.0"},
        "training": {"base_model": {"model_id": training.base_model_id}},
    }
    session.add(ArtifactRow(id=asset.id, document=document))
    return asset.id


def _linger(seconds: float, check_stop: CheckStop) -> None:
    until = time.monotonic() + seconds
    check_stop()
    while time.monotonic() < until:
        check_stop()
        time.sleep(_POLL_SECONDS)
