"""A process that trains what rank 0 trains, on its part of the rows.

python -m tunesmith_local.training.follower    reads the options of the backend from stdin
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

from tunesmith.backends.jobs import JobStopped
from tunesmith.errors import TunesmithError
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.errors import DivergedError
from tunesmith_local.methods.registry import method_of, settings_of
from tunesmith_local.options import LocalOptions
from tunesmith_local.store import Store
from tunesmith_local.training.job_run import JobRun
from tunesmith_local.training.ranks import RankError, Ranks, joined


def follow(catalog: Catalog, options: LocalOptions) -> None:
    """Train what rank 0 trains, until it ends.

    Raises:
        TunesmithError: the job cannot be trained here, for example without the base model.
    """
    ranks = joined()
    texts: TextCache = StateCache(int(options.text_cache_mb * 2**20))
    with contextlib.suppress(RankError):  # rank 0 ended
        while job := ranks.told():
            with tempfile.TemporaryDirectory(prefix="tunesmith-store-") as store:
                _train(catalog, ranks, texts, Store(Path(store)), job)


def _train(catalog: Catalog, ranks: Ranks, texts: TextCache, store: Store, job: bytes) -> None:
    folder = store.job_folder("job")
    with zipfile.ZipFile(io.BytesIO(job)) as archive:
        archive.extractall(folder)  # as rank 0 packed it
    record = store.job("job")
    settings = settings_of(record.method)
    method, base = method_of(settings), catalog.load(record.base_model)
    rows = store.rows("job")
    prepared = method.prepare(base, settings, record.labels, record.seed, *rows)
    with contextlib.suppress(JobStopped, DivergedError):  # rank 0 says it
        method.train(base, prepared, JobRun(folder=folder, texts=texts, ranks=ranks))


def main() -> int:
    """Follow until rank 0 ends."""
    options = LocalOptions.model_validate_json(sys.stdin.read())
    try:
        follow(Catalog(options), options)
    except TunesmithError as error:
        print(f"a process of the tuning ends: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
