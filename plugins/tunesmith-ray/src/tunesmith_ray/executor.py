"""Runs tasks on a Ray cluster, which is there or is started on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ray.exceptions import RayError, RaySystemError, WorkerCrashedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tunesmith.errors import BackendError, ExperimentError, first_problem
from tunesmith.runs.provenance import own_version
from tunesmith.sweep.crossing import SCRATCH, why_not
from tunesmith.sweep.executor import GONE, settle

RETRIES = 1
"""Of a trial whose process ended. The next death fails it."""


class RayOptions(BaseModel):
    """The options of ``executor`` in a benchmark file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = None
    """As in ``ray.init``, e.g. ``auto``. None starts Ray on this machine."""
    num_gpus: float = Field(default=0, ge=0)
    """For each trial."""


@contextmanager
def opened(
    options: Mapping[str, Any],
    *,
    backends: Sequence[str],
    scratch: Path,
    remark: Callable[[str], None],
) -> Iterator[Executor]:
    """Yield an executor; see ``tunesmith.sweep.dask_cluster.opened``.

    Raises:
        ExperimentError: an option is wrong, there is no such cluster, or one of its machines cannot
            run the trials.
    """
    try:
        wanted = RayOptions.model_validate(options)
    except ValidationError as error:
        problem = first_problem(error, RayOptions.model_fields)
        raise ExperimentError(f"executor 'ray': {problem}") from None
    if wanted.address is None:
        os.environ[SCRATCH] = str(scratch)  # for the processes that Ray starts here
    try:
        _reach(wanted.address or "")
        ray.init(wanted.address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise ExperimentError(
            f"executor 'ray': no Ray cluster at {wanted.address}: {error}; start one with: "
            "ray start --head"
        ) from None
    try:
        _refuse_unable(tuple(backends))
        yield RayExecutor(wanted.num_gpus)
    finally:
        ray.shutdown()
        os.environ.pop(SCRATCH, None)


class RayExecutor(Executor):
    """Runs tasks, each on a processor and its share of GPUs. The rows are stored once."""

    def __init__(self, num_gpus: float) -> None:
        self._resources = {"num_cpus": 1, "num_gpus": num_gpus}
        self._rows: dict[bytes, Any] = {}

    @property
    def slots(self) -> int:
        """The tasks that the cluster has room for.

        Raises:
            BackendError: the cluster has ended.
        """
        try:
            there = ray.cluster_resources()
        except (RayError, RuntimeError, ConnectionError) as error:
            raise BackendError(f"{GONE} ({error})") from None
        room = [int(there.get("CPU", 0))]
        if self._resources["num_gpus"]:
            room.append(int(there.get("GPU", 0) / self._resources["num_gpus"]))
        if min(room) < 1:
            raise ExperimentError(
                f"executor 'ray': no machine of the cluster has {self._resources}; it has {there}"
            )
        return min(room)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See ``Executor.submit``. The arguments are a task and its rows."""
        text, rows = args
        if rows not in self._rows:
            self._rows[rows] = ray.put(rows)
        there = ray.remote(fn).options(max_retries=RETRIES, **self._resources)
        outcome: Future[Any] = Future()
        sent = there.remote(text, self._rows[rows])
        sent.future().add_done_callback(
            lambda done: settle(done, outcome, killed=(WorkerCrashedError,), gone=(RaySystemError,))
        )
        return outcome


def _reach(address: str) -> None:
    """Raise OSError if nobody listens at HOST:PORT. Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "//" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _refuse_unable(backends: tuple[str, ...]) -> None:
    check = ray.remote(why_not)
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        try:
            asked = check.options(scheduling_strategy=where, num_cpus=0)
            why = ray.get(asked.remote(own_version(), backends))
        except RayError as error:
            why = f"{error}; install tunesmith there"
        if why:
            raise ExperimentError(f"executor 'ray': {node['NodeName']} cannot run trials: {why}")
