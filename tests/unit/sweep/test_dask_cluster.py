"""Trials on the workers of a Dask cluster that come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from distributed import Client, KilledWorker, LocalCluster

from tunesmith.sweep.crossing import task_of
from tunesmith.sweep.dask_cluster import DaskExecutor
from tunesmith.sweep.records import Trial
from tunesmith.sweep.trial import BackendRef, run_trial

TRIAL = Trial(
    name="majority", backend="sklearn", base_model="any", seed=0, experiment={}, directory="d",
    trains_base_model=False,
)  # fmt: skip
TASK = task_of(TRIAL, BackendRef(name="sklearn"), "sweep", run_trial)


def joined(text: str, rows: bytes) -> bytes:
    """Return text and rows; runs on a worker."""
    return text.encode() + rows


@pytest.fixture
def empty() -> Iterator[LocalCluster]:
    """A cluster that has no worker yet."""
    with LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster:
        yield cluster


def test_a_trial_waits_for_a_worker_if_there_is_none(empty: LocalCluster) -> None:
    with Client(empty) as client:
        executor = DaskExecutor(client, ["sklearn"], pytest.fail, KilledWorker)
        assert executor.slots == 1
        answer = executor.submit(joined, TASK, b"rows")
        assert not answer.done()
        empty.scale(1)
        assert answer.result(timeout=60) == TASK.encode() + b"rows"


def test_workers_are_found_whatever_the_client_has_kept(
    empty: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refresh(**_: object) -> None:
        """Leave what the client's own refresh may leave at any moment."""
        client._scheduler_identity = {**client._scheduler_identity, "workers": {}}

    empty.scale(2)
    with Client(empty) as client:
        client.wait_for_workers(2, timeout=60)
        monkeypatch.setattr(client, "_update_scheduler_info", refresh)
        assert not client.scheduler_info(n_workers=-1)["workers"]
        executor = DaskExecutor(client, ["sklearn"], pytest.fail, KilledWorker)
        assert executor.slots == 2
