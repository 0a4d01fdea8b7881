"""What must hold before a stopped run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunesmith.data_spec import ExperimentData
from tunesmith.errors import RunError
from tunesmith.runs import Run

if TYPE_CHECKING:
    from tunesmith.backend import Backend


def refuse_changed_data(run: Run, data: ExperimentData) -> None:
    """Refuse to go on with other rows than those that ``run`` began with.

    Raises:
        RunError: names the part that differs.
    """
    parts = data.parts()
    for name, recorded in run.record.data.items():
        part = parts.get(name)
        if part is None or part.fingerprint != recorded.fingerprint:
            raise RunError(
                f"{recorded.source}: the {name} data are not those that the run began with "
                f"({recorded.rows} rows then, {len(part) if part else 0} now); restore the file, "
                "or start anew with: tunesmith run"
            )


def forget_lost_job(run: Run, backend: Backend) -> None:
    """Forget a tuning that ``backend`` cannot resume, unless it was paid for."""
    # Where nothing can be resumed and nothing was paid for, tuning again is going on.
    can = backend.capabilities(run.record.base_model)
    if run.record.job_id and run.record.model is None and not can.resumable and not can.costs_money:
        run.update(job_id=None)
        run.note(f"backend {backend.name!r} cannot resume a tuning: it was started again")
