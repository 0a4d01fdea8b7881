"""A mounted Secret: a folder with one file for each key."""

from __future__ import annotations

import os
from pathlib import Path

from fsspec.config import conf, set_conf_env

from tunesmith.errors import ExperimentError

SECRETS = "TUNESMITH_SECRETS"
"""Environment variable of a container: the folder of the mounted Secret."""


def set_environment() -> None:
    """Make the keys of the mounted Secret environment variables, unless they are set already.

    Raises:
        ExperimentError: the Secret should be mounted, and is not.
    """
    place = os.environ.get(SECRETS)
    if not place:
        return
    folder = Path(place)
    if not folder.is_dir():
        raise ExperimentError(
            f"option secret: the Secret is not mounted at {folder}: the Kubeflow Trainer of the "
            "cluster does not honor runtimePatches; upgrade it, or leave the option out and give "
            "the pods access by their service account"
        )
    # Kubernetes also keeps folders and links there, whose names begin with dots.
    for file in sorted(folder.glob("[!.]*")):
        if file.is_file():
            os.environ.setdefault(file.name, file.read_text("utf-8").rstrip("\n"))
    # The Secret of a connection in OpenShift AI has the endpoint under a name of its own.
    if endpoint := os.environ.get("AWS_S3_ENDPOINT"):
        os.environ.setdefault("AWS_ENDPOINT_URL_S3", endpoint)
    # fsspec has read its variables when it was imported.
    set_conf_env(conf, os.environ)
