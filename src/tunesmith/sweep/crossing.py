"""A trial in another process, perhaps on another machine: text goes there, an archive comes back.

A task is JSON text, and its rows are compressed JSON text. An archive is a ZIP file: the result as
``result.json``, the run directory below ``run/``, and below ``store/`` what the stores hold of the
run. Nothing is pickled, no secret is sent, and no file system is shared.
"""

from __future__ import annotations

import contextlib
import getpass
import io
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tunesmith.atomic import folder_atomically
from tunesmith.audit import Overlaps
from tunesmith.audit.affixes import Affixes
from tunesmith.audit.copies import Copies
from tunesmith.backends.connect import backend_class
from tunesmith.backends.options import secret_options
from tunesmith.dataset import ExperimentData
from tunesmith.errors import ExperimentError, TunesmithError
from tunesmith.pipeline.checks import Loaded
from tunesmith.plugins import import_target
from tunesmith.records import Record
from tunesmith.run import Run
from tunesmith.runs.directory import LOCK
from tunesmith.runs.provenance import own_version
from tunesmith.sweep.records import Trial, TrialResult
from tunesmith.sweep.trial import TRIALS, BackendRef, Connections, Place

SCRATCH = "TUNESMITH_SCRATCH"
"""Environment variable of a worker: the folder of its trials, instead of a temporary one."""
RESULT, RUN, STORE = "result.json", "run/", "store/"
_HELD: dict[Path, Connections] = {}
_ONE_AT_A_TIME = threading.Lock()
"""Trials of one process share connections and the output."""


class Task(Record):
    """A trial as text."""

    version: str
    sweep: str
    """The name of the sweep's directory, which no other sweep has."""
    trial: Trial
    backend: BackendRef
    run: str
    """The function that runs it: ``module:name``."""

    @property
    def loads(self) -> str:
        """What a worker must have loaded for it. Tasks with the same text share that."""
        return f"{self.backend.name} {self.trial.base_model}"


def task_of(trial: Trial, ref: BackendRef, sweep: str, run: Callable[..., TrialResult]) -> str:
    """Return a trial as text.

    Raises:
        ExperimentError: an option is a secret, which a worker must take from its environment.
    """
    _refuse_secrets(ref)
    name = f"{run.__module__}:{run.__qualname__}"
    task = Task(version=own_version(), sweep=sweep, trial=trial, backend=ref, run=name)
    return task.to_json()


class _Sent(Record):
    """The rows of an experiment with what an audit found, as text. Numbers of rows are lists."""

    data: ExperimentData
    affixes: tuple[Affixes, Affixes]
    copies: tuple[list[int], list[int]]
    near: tuple[list[int], list[int]]


def pack_rows(loaded: Loaded) -> bytes:
    """Return rows as compressed text."""
    found = loaded.overlaps
    sent = _Sent(
        data=loaded.data,
        affixes=found.affixes,
        copies=(found.copies.train.tolist(), found.copies.test.tolist()),
        near=(found.near_train.tolist(), found.near_test.tolist()),
    )
    return zlib.compress(sent.to_json().encode())


@lru_cache(maxsize=4)  # the trials of a worker mostly have the same rows
def unpack_rows(packed: bytes) -> Loaded:
    """Return what :func:`pack_rows` packed."""
    import numpy as np

    sent = _Sent.from_json(zlib.decompress(packed).decode())
    train, test, *near = (np.array(part, np.int64) for part in (*sent.copies, *sent.near))
    return Loaded(sent.data, Overlaps(sent.affixes, Copies(train, test), *near))


def run_task(text: str, rows: bytes) -> bytes:
    """Run a trial in this process and return its archive. A failure is a result.

    If another process of this machine began the trial, it is resumed.
    """
    raw = json.loads(text)
    with _ONE_AT_A_TIME, contextlib.redirect_stdout(sys.stderr):  # stdout is for --json
        if raw["version"] == own_version():
            result = _run(Task.from_json(text), unpack_rows(rows))
        else:
            trial, why = Trial.model_validate(raw["trial"]), why_not(raw["version"], ())
            result = TrialResult(trial=trial, status="failed", reason=why)
        if result.status == "failed":
            told = result.model_copy(update={"reason": f"{platform.node()}: {result.reason}"})
            return _archive(told, {})
        return _with_files(result, _folder(raw["sweep"]))


def unpack(archive: bytes, trial: Trial, folder: Path) -> TrialResult:
    """Put the files of an archive into ``folder``, the directory of a sweep; return the result."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            result = TrialResult.model_validate_json(files.read(RESULT))
            of_run = [name for name in files.namelist() if name.startswith(RUN)]
            if of_run:
                with folder_atomically(folder / trial.directory) as made:
                    for name in of_run:
                        target = made / name.removeprefix(RUN)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(files.read(name))
            for name in files.namelist():
                if name.startswith(STORE):
                    files.extract(name, folder / TRIALS)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError) as error:
        reason = f"its archive is damaged ({error}); the same command tries the trial again"
        return TrialResult(trial=trial, status="failed", reason=reason)
    return result


def why_not(version: str, backends: Sequence[str]) -> str:
    """Return why this process cannot run trials on ``backends``; empty if it can."""
    if version != own_version():
        return f"it has tunesmith {own_version()}, the sweep {version}; install the same there"
    for name in backends:
        try:
            backend_class(name)
        except TunesmithError as error:
            return str(error)
    return ""


def _refuse_secrets(ref: BackendRef) -> None:
    secrets = secret_options(backend_class(ref.name).options_model) & set(ref.options)
    if secrets:
        raise ExperimentError(
            f"backend {ref.shown!r}: {', '.join(sorted(secrets))}: a secret is not sent to other "
            "processes; set it in the environment of the workers, and leave the option out"
        )


def _run(task: Task, loaded: Loaded) -> TrialResult:
    folder = _folder(task.sweep)
    place = Place(folder, lambda _: loaded, _connections(folder / TRIALS))
    run: Callable[..., TrialResult] = import_target(task.run)
    return run(task.trial, task.backend, place)


def _connections(runs_dir: Path) -> Connections:
    """Return the connections of this process for a sweep; those for another one are closed."""
    if runs_dir not in _HELD:
        for other in _HELD.values():
            other.close()
        _HELD.clear()
        _HELD[runs_dir] = Connections(runs_dir)
    return _HELD[runs_dir]


def _folder(sweep: str) -> Path:
    """Return this process's folder for a sweep, which other users cannot read."""
    ours = Path(tempfile.gettempdir()) / f"tunesmith-{getpass.getuser()}"
    root = Path(os.environ.get(SCRATCH) or ours)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and root.stat().st_uid != os.geteuid():
        raise ExperimentError(f"{root}: belongs to another user; set {SCRATCH} to another folder")
    return root / sweep


def _with_files(result: TrialResult, folder: Path) -> bytes:
    """Return the archive of a trial, and remove its files."""
    run, stores = folder / result.trial.directory, folder / TRIALS / STORE
    if not run.is_dir():
        return _archive(result, {})
    record = Run.load(run).record
    ids = {record.job_id, record.model and record.model.id,
           record.deployment and record.deployment.id}  # fmt: skip
    kept = [path for path in stores.rglob("*") if ids & {path.name, path.stem}]
    files = {f"{RUN}{path.relative_to(run).as_posix()}": path for path in _files(run)}
    for place in kept:
        for path in _files(place):
            files[f"{STORE}{path.relative_to(stores).as_posix()}"] = path
    archive = _archive(result, files)
    for place in (run, *kept):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    return archive


def _files(place: Path) -> list[Path]:
    return [p for p in (place, *sorted(place.rglob("*"))) if p.is_file() and p.name != LOCK]


def _archive(result: TrialResult, files: Mapping[str, Path]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RESULT, result.model_dump_json())
        for name, path in files.items():
            archive.write(path, name)
    return made.getvalue()
