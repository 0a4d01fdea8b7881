"""The executors of a benchmark file: Dask, and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunesmith.errors import ExperimentError, near_misses
from tunesmith.plugins import import_target, registry
from tunesmith.sweep.trial import BackendRef

DASK = "dask"
_TARGETS = {DASK: "tunesmith.sweep.dask_cluster:opened"}


def on_dask(processes: int | None = None, cluster: str | None = None) -> dict[str, Any] | None:
    """Return the executor of the keys ``processes`` and ``cluster``; None if trials run in line."""
    if cluster:
        return {"name": DASK, "cluster": cluster}
    return {"name": DASK, "processes": processes} if processes and processes > 1 else None


@contextmanager
def engine(
    wanted: Mapping[str, Any] | None,
    refs: Iterable[BackendRef],
    scratch: Path,
    remark: Callable[[str], None],
) -> Iterator[Executor | None]:
    """Yield the executor that ``wanted`` names, with its options; None runs trials in line.

    Raises:
        ExperimentError: there is no such executor, or an option is wrong.
        PluginError: something that it needs is missing.
    """
    if wanted is None:
        yield None
        return
    targets = _TARGETS | {name: one.target for name, one in registry().executors().items()}
    name = str(wanted["name"])
    if name not in targets:
        raise ExperimentError(
            f"no executor {name!r}; installed: {', '.join(targets)}.{near_misses(name, targets)}"
        )
    options = {key: value for key, value in wanted.items() if key != "name"}
    backends = tuple(ref.name for ref in refs)
    opened = import_target(targets[name])
    with opened(options, backends=backends, scratch=scratch, remark=remark) as executor:
        yield executor
