"""The other processes of a tuning, as rank 0 has them.

``--option devices=N`` starts them; ``accelerate launch`` or ``torchrun`` did it already. Each of
them follows (``follower.py``): it waits for a job, reads the base model, trains on its part of the
rows, and waits for the next one. A job is sent as the files of its folder in the store, in a ZIP
archive, so that the others need no access to the store.

They live until rank 0 ends. If one of them ends in a job, all do: the rest could not add up.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import PrefixStore, TCPStore

from tunesmith.backends.jobs import JobStopped
from tunesmith.errors import ExperimentError
from tunesmith.methods import GradientTuning
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.registry import settings_of
from tunesmith_local.model.launched import launched
from tunesmith_local.options import LocalOptions
from tunesmith_local.store import JobRecord, Store
from tunesmith_local.training.job_run import CHECKPOINTS, SEARCH
from tunesmith_local.training.ranks import ALONE, PATIENCE, RankError, Ranks, joined

_SENT = ("job.json", "train.jsonl", "validation.jsonl", SEARCH, f"{CHECKPOINTS}/*/*")
_HERE = "127.0.0.1"
_ONE_AT_A_TIME = threading.Lock()
_teams: list[Team] = []
"""At most one: torch has one group for each process."""


class Team:
    """Rank 0 with the processes that follow it.

    Args:
        ranks: the place of this process among them.
        started: those that this process started.
    """

    def __init__(self, ranks: Ranks, started: list[subprocess.Popen[bytes]]) -> None:
        self.ranks = ranks
        self._started = started
        atexit.register(self.end)

    def end(self, *, told: bool = True) -> None:
        """Let the others go.

        Args:
            told: False if they do not wait for a job. They end with their connection.
        """
        atexit.unregister(self.end)
        if told:
            with contextlib.suppress(RankError):
                self.ranks.told()
        dist.destroy_process_group()
        for process in self._started:
            if not told:
                process.kill()
            process.wait()


@contextlib.contextmanager
def together(options: LocalOptions, store: Store, job: JobRecord) -> Iterator[Ranks]:
    """Return the processes that train a job, for the time of its training.

    Raises:
        ExperimentError: this machine has fewer devices.
        TuningError: a process ended.
    """
    count = max(options.devices, launched())
    if count == 1 or not isinstance(settings_of(job.method), GradientTuning):
        yield ALONE
        return
    with _ONE_AT_A_TIME, _threads_for(count):
        team = _team(options)
        try:
            team.ranks.told(_packed(store.job_folder(job.id)))
            yield team.ranks
        except (JobStopped, DivergedError):
            raise  # in every process, at the same step
        except BaseException:
            _teams.remove(team)
            team.end(told=False)
            raise


def _team(options: LocalOptions) -> Team:
    count = max(options.devices, launched())
    if _teams and _teams[0].ranks.count != count:
        _teams.pop().end()
    if not _teams:
        _teams.append(Team(joined(), []) if launched() > 1 else _start(options))
    return _teams[0]


def check_devices(options: LocalOptions) -> None:
    """Refuse more devices than there are.

    Raises:
        ExperimentError: names how many there are.
    """
    asked, started = options.devices, launched()
    if started > 1 and asked not in (1, started):
        raise ExperimentError(
            f"option devices: {asked}, but {started} processes were launched; leave it out"
        )
    gpus = torch.cuda.device_count() if options.device in ("auto", "cuda") else 0
    here, noun = (gpus, "GPU") if gpus else (os.cpu_count() or 1, "processor")
    if started == 1 and asked > here:
        raise ExperimentError(
            f"option devices: {asked}, but this machine has {here} {noun}{'s' * (here != 1)}; set "
            f"at most {here}"
        )


def _start(options: LocalOptions) -> Team:
    count = options.devices
    # Port 0: the system picks a free one.
    store = TCPStore(_HERE, 0, count, is_master=True, wait_for_workers=False)
    common = {"WORLD_SIZE": str(count), "MASTER_ADDR": _HERE, "MASTER_PORT": str(store.port)}
    started = []
    for rank in range(1, count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        process = subprocess.Popen(
            [sys.executable, "-m", "tunesmith_local.training.follower"],
            env=os.environ | common | own | threads,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        with process.stdin as given:  # type: ignore[union-attr]  # it is a pipe
            given.write(options.model_dump_json().encode())
        started.append(process)
    prefixed = PrefixStore("default_pg", store)  # as the others' rendezvous does
    dist.init_process_group("gloo", store=prefixed, rank=0, world_size=count, timeout=PATIENCE)
    return Team(Ranks(0, count), started)


@contextlib.contextmanager
def _threads_for(count: int) -> Iterator[None]:
    """Share the threads of this process with those that it starts."""
    threads = torch.get_num_threads()
    if launched() == 1:
        torch.set_num_threads(max(1, threads // count))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for pattern in _SENT:
            for file in sorted(folder.glob(pattern)):
                archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()
