"""Runs the trials of a benchmark file on a Dask cluster, and counts them: FILE RUNS CLUSTER."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.scale import trials
from tests.scale.sweeps import swept

from tunesmith.errors import TunesmithError
from tunesmith.sweep.engines import on_dask


def main(file: str, runs: str, cluster: str) -> int:
    try:
        sweep, _, _ = swept(Path(file), Path(runs), on_dask(cluster=cluster), trials.counted)
    except TunesmithError as error:
        print(error)
        return 2
    return int(sweep.record.status != "completed")


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
