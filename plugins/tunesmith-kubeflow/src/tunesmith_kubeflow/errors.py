"""Translates the errors of the SDK and of its Kubernetes client into tunesmith's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kubernetes.client.exceptions import ApiException, OpenApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError, MaxRetryError

from tunesmith.errors import (
    AuthenticationError,
    BackendError,
    BackendTimeoutError,
    ExperimentError,
    NotFoundError,
    QuotaError,
    TunesmithError,
)

_LONGEST = 600
_LOGIN = "log in again (kubectl config current-context, or oc login), or choose another context"
_RIGHTS = (
    "ask for the rights: kubectl auth can-i create trainjobs.trainer.kubeflow.org "
    "--namespace {namespace}"
)
_THERE = "check that the cluster runs and can be reached: kubectl cluster-info"
_NO_TRAINER = (
    "this cluster has no Kubeflow Trainer 2: kubectl get crd trainjobs.trainer.kubeflow.org"
)
_NAMESPACE = "check the option namespace"
_CONFIG = "set KUBECONFIG or the option kubeconfig, and check the option context"
_AGAIN = "try again later"


class UnreachableError(BackendError):
    """The API server does not answer, or answers that it cannot."""


@contextmanager
def translated(doing: str, namespace: str) -> Iterator[None]:
    """Translate the errors that are raised inside.

    Args:
        doing: the action, for the message, e.g. ``"creating TrainJob 'a'"``.
        namespace: of the remedies; empty if it is not known yet.
    """
    try:
        yield
    except TunesmithError:
        raise
    except ConfigException as error:
        raise ExperimentError(f"{doing}: {error}; {_CONFIG}") from error
    except Exception as error:  # the SDK raises Exception itself
        kind, hint = _kind(error)
        hint = hint.format(namespace=namespace or "NAMESPACE")
        told = f"{doing}: {reason(error)}"
        raise kind(f"{told}; {hint}" if hint else told) from error


def reason(error: BaseException) -> str:
    """Return what the API server says, else the first cause, in short."""
    found = api_error(error)
    if found is not None:
        told = _body(found).get("message") or str(found.body or found.reason or "").strip()
        return f"{told[:_LONGEST]} (HTTP {found.status})"
    chain = list(_chain(error))
    told = str(chain[-1]) or type(chain[-1]).__name__
    pool = next((one.pool for one in chain if isinstance(one, MaxRetryError)), None)
    if pool is not None:
        told = f"{pool.host}:{getattr(pool, 'port', None)}: {told}"
    return told[:_LONGEST]


def api_error(error: BaseException | None) -> ApiException | None:
    """Return the refusal of the API server behind ``error``; None if there is none."""
    return next((one for one in _chain(error) if isinstance(one, ApiException)), None)


def names_missing(error: BaseException, kind: str) -> bool:
    """Return whether the API server has no such object of ``kind``, e.g. ``trainjobs``."""
    found = api_error(error)
    if found is None or found.status != 404:
        return False
    details = _body(found).get("details")
    return isinstance(details, Mapping) and details.get("kind") == kind


def _kind(error: BaseException) -> tuple[type[TunesmithError], str]:
    found = api_error(error)
    if found is not None:
        return _of_status(found)
    chain = list(_chain(error))
    if any(isinstance(one, HTTPError | ConnectionError) for one in chain):
        return UnreachableError, _THERE
    if any(isinstance(one, TimeoutError) for one in chain):
        return BackendTimeoutError, _THERE
    if any(isinstance(one, OpenApiException) for one in chain):
        return BackendError, "check that the kubeconfig names a Kubernetes API server"
    return BackendError, ""


def _of_status(found: ApiException) -> tuple[type[TunesmithError], str]:
    if found.status == 401:
        return AuthenticationError, _LOGIN
    if found.status == 403:
        if "exceeded quota" in str(found.body):
            return QuotaError, "ask for a higher quota, or for less with gpus, cpus and memory"
        return AuthenticationError, _RIGHTS
    if found.status == 404:
        if not _body(found):
            return NotFoundError, _NO_TRAINER
        return NotFoundError, _NAMESPACE if names_missing(found, "namespaces") else ""
    if found.status == 429:
        return QuotaError, _AGAIN
    if found.status is None or found.status >= 500 or found.status == 0:
        return UnreachableError, _AGAIN
    return BackendError, ""


def _body(error: ApiException) -> dict[str, Any]:
    try:
        told = json.loads(error.body or "")
    except (TypeError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
