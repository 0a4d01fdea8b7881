"""Trials on Dask: by processes of this machine, or on a cluster that runs elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.errors import BackendError, ExperimentError, PluginError
from tunesmith.runs.provenance import own_version
from tunesmith.sweep.crossing import SCRATCH, Task, why_not
from tunesmith.sweep.executor import GONE, settle

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 1
"""Of a trial whose process ended. The next death fails it."""
_SECONDS = 30
"""To wait for a scheduler, and for its first worker."""


@contextmanager
def opened(
    options: Mapping[str, Any],
    *,
    backends: Sequence[str],
    scratch: Path,
    remark: Callable[[str], None],
) -> Iterator[Executor]:
    """Yield an executor: ``processes``, their number, or ``cluster``, an address or a file.

    Args:
        options: one of the two.
        backends: the plugins that a worker must have.
        scratch: folder of the unfinished trials of this machine's processes.
        remark: gets what a user should read, such as the workers that are refused.

    Raises:
        PluginError: Dask is not installed.
        ExperimentError: an option is wrong, or there is no such cluster.
    """
    try:
        import distributed
    except ImportError:
        raise PluginError(
            "several trials at a time need Dask; install it with: pip install 'tunesmith[dask]'"
        ) from None
    cluster, processes = options.get("cluster"), options.get("processes")
    if set(options) not in ({"cluster"}, {"processes"}) or not (cluster or processes):
        raise ExperimentError(
            "executor 'dask': give 'processes', a number, or 'cluster', an address or a file"
        )
    start = _joined(str(cluster)) if cluster else _started(int(processes or 1), scratch)
    with start as client:
        yield DaskExecutor(client, backends, remark, distributed.scheduler.KilledWorker)


@contextmanager
def _started(processes: int, scratch: Path) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster, Security

    threads = os.environ.get("OMP_NUM_THREADS") or max(1, (os.cpu_count() or 1) // processes)
    settings = {
        "distributed.scheduler.allowed-failures": RETRIES,
        "distributed.worker.preload": ["tunesmith.sweep.dask_worker"],
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=processes, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0",
            # Otherwise every user of this machine could run code as this one.
            protocol="tls://", security=Security.temporary(),
            # A trial may use all memory while the others use little.
            memory_limit=0, silence_logs=logging.CRITICAL,
            env={"OMP_NUM_THREADS": str(threads), SCRATCH: str(scratch)},
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client


@contextmanager
def _joined(cluster: str) -> Iterator[Client]:
    from distributed import Client

    if "://" not in cluster and not Path(cluster).is_file():
        raise ExperimentError(
            f"cluster: {cluster!r} is neither an address, e.g. tcp://host:8786, nor a scheduler "
            "file; start one with: dask scheduler"
        )
    place = {"address": cluster} if "://" in cluster else {"scheduler_file": cluster}
    given = cluster if "://" in cluster else f"--scheduler-file {cluster}"
    try:
        client = Client(**place, timeout=_SECONDS)
    except (OSError, ValueError) as error:
        raise ExperimentError(
            f"cluster: no Dask scheduler at {cluster}: {error}; start one with: dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError:
            raise ExperimentError(
                f"cluster: {cluster} has no worker; start one with: "
                f"dask worker --nthreads 1 {given}"
            ) from None
        yield client


class DaskExecutor(Executor):
    """Runs tasks on the workers of a Dask cluster, one at a time on each.

    The rows go to a worker once. A task goes to a worker that has its base model loaded, if one is
    free.
    """

    def __init__(
        self,
        client: Client,
        backends: Sequence[str],
        remark: Callable[[str], None],
        killed: type[Exception],
    ) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)
        self._backends, self._remark, self._killed = tuple(backends), remark, killed
        self._checked: dict[str, str] = {}
        self._busy: dict[Future[bytes], str] = {}
        self._loaded: dict[str, str] = {}
        self._rows: dict[bytes, Any] = {}

    @property
    def slots(self) -> int:
        """The workers of the moment that can run the trials, at least 1.

        If there is no worker at the moment, one trial waits on the scheduler for the next one.

        Raises:
            BackendError: the cluster has ended.
            ExperimentError: no worker can run them.
        """
        return max(1, len(self._workers()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See ``Executor.submit``. The arguments are a task and its rows."""
        text, rows = args
        loads = Task.from_json(text).loads
        worker = self._best(loads)
        if rows not in self._rows:  # a task, because the scheduler repeats one that is lost
            self._rows[rows] = self._client.submit(bytes, rows, pure=False)
        prefer = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        sent = self._executor.submit(fn, text, self._rows[rows], **prefer)
        outcome: Future[Any] = Future()
        if worker is not None:
            self._busy[outcome], self._loaded[worker] = worker, loads
        sent.add_done_callback(lambda done: self._finish(done, outcome))
        return outcome

    def _best(self, loads: str) -> str | None:
        workers, busy = self._workers(), set(self._busy.values())
        free = [worker for worker in workers if worker not in busy] or workers
        fitting = [worker for worker in free if self._loaded.get(worker) == loads]
        unused = [worker for worker in free if worker not in self._loaded]
        return next(iter(fitting or unused or free), None)

    def _finish(self, done: Future[Any], outcome: Future[Any]) -> None:
        self._busy.pop(outcome, None)
        settle(done, outcome, killed=(self._killed,), gone=(CancelledError,))

    def _workers(self) -> list[str]:
        if self._client.status != "running":
            raise BackendError(GONE)
        # Not `scheduler_info`: between its request and its return, the client may put an answer
        # without workers in the place of the one that was asked for.
        scheduler: Any = self._client.scheduler
        known = list(self._client.sync(scheduler.identity, n_workers=-1)["workers"])
        new = [address for address in known if address not in self._checked]
        if new:
            self._check(new)
        able = [address for address in known if not self._checked.get(address)]
        if known and not able:
            raise ExperimentError(
                f"no worker of the cluster can run the trials: {self._checked[known[0]]}"
            )
        return able or known

    def _check(self, workers: Sequence[str]) -> None:
        found = self._client.run(
            why_not, own_version(), self._backends, workers=list(workers), on_error="return"
        )
        for address, answer in found.items():
            why = str(answer)
            if isinstance(answer, Exception):  # it cannot even import this function
                why = f"{type(answer).__name__}: {answer}; install tunesmith there"
            self._checked[address] = why
            if why:
                self._remark(f"the worker {address} is not used: {why}")
