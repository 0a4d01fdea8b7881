"""The backends of this process. Estimators hold none, so that they can be copied and pickled."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from tunesmith.backend import Backend, BackendOptions
from tunesmith.backends.connect import backend_class, connect
from tunesmith.backends.options import resolve_options
from tunesmith.errors import ExperimentError
from tunesmith.records import Deployment, TunedModel

_open: dict[tuple[int, str, str], Backend] = {}
_lock = threading.Lock()


def connected(name: str, given: Mapping[str, Any]) -> Backend:
    """Return backend ``name``; equal options give the same one, with its base model loaded once.

    It is closed when the process ends. Its store is an absolute path.

    Raises:
        PluginError: no such backend, or it cannot be imported.
        ExperimentError: an option is unknown, wrong or a secret.
    """
    resolved = resolve_options(name, backend_class(name).options_model, given)
    _refuse_secrets(name, resolved, given)
    options = {**given, "store": resolved.store.absolute()}
    # A forked process must not use the threads and devices of its parent.
    key = (os.getpid(), name, repr(sorted(options.items())))
    with _lock:
        if key not in _open:
            _open[key] = connect(name, **options)
            atexit.register(_open[key].close)
        return _open[key]


def _refuse_secrets(name: str, options: BackendOptions, given: Mapping[str, Any]) -> None:
    for option in given:
        if isinstance(getattr(options, option), SecretStr):
            raise ExperimentError(
                f"options: {option!r} of backend {name!r} is a secret, and an estimator shows its "
                "parameters; set it in the environment or in the options file"
            )


@contextmanager
def deployed(backend: Backend, model: TunedModel) -> Iterator[Deployment]:
    """Deploy ``model`` for a while. Nothing of it stays in memory afterwards.

    Raises:
        NotFoundError: the backend no longer has the model.
    """
    # Each call has its own deployment: another thread must not end it.
    deployment = backend.deployer.deploy(model, f"estimator-{uuid4().hex}")
    try:
        yield deployment
    finally:
        backend.deployer.undeploy(deployment)
