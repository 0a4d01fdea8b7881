"""The calls of deployed functions and AI services, and of batch jobs, in a space."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from sdk_world import World

Call = Callable[[World], Any]
DATA = {"fields": ["a", "b"], "values": [[2, 3], [4, 5]]}


def _scored(answer: Any) -> bool:
    return bool(answer["predictions"][0]["values"] == [[60], [200]])


def _payload(w: World) -> dict[str, Any]:
    return {w.there.deployments.ScoringMetaNames.INPUT_DATA: [dict(DATA)]}


def _ask(w: World, method: str, *given: Any, **more: Any) -> Any:
    """Call a method, and wait for it if it is asynchronous."""
    found = getattr(w.there.deployments, method)(*given, **more)
    return w.wait(found) if asyncio.iscoroutine(found) else found


def _job(w: World, method: str = "create_job") -> dict[str, Any]:
    found: dict[str, Any] = _ask(w, method, w.batch_deployment, _payload(w))
    return found


def _ended(w: World, method: str = "create_job") -> str:
    ident: str = w.there.deployments.get_job_id(_job(w, method))
    until = time.monotonic() + 60
    while w.there.deployments.get_job_status(ident)["state"] in {"queued", "running"}:
        assert time.monotonic() < until
        time.sleep(0.02)
    return ident


def _created(w: World, method: str) -> bool:
    ident = _ended(w, method)
    return _scored(w.there.deployments.get_job_details(ident)["entity"]["scoring"])


def _told(w: World, method: str) -> bool:
    found = _ask(w, method, _ended(w))
    return bool(found["entity"]["scoring"]["status"]["state"] == "completed")


def _state(w: World, method: str) -> bool:
    return bool(_ask(w, method, _ended(w))["state"] == "completed")


def _deleted(w: World, method: str) -> bool:
    ident = _ended(w)
    done = _ask(w, method, ident, hard_delete=True) == "SUCCESS"
    return done and ident not in set(w.there.deployments.list_jobs()["JOB-ID"])


def _score(w: World, method: str) -> bool:
    return _scored(_ask(w, method, w.function_deployment, _payload(w)))


def _run(w: World, method: str) -> bool:
    return bool(_ask(w, method, w.ai_service, {"name": "you"}) == {"said": "Hello you"})


def _serving_href(w: World) -> bool:
    details = w.there.deployments.get_details(w.function_deployment)
    return "/serves_products/" in w.there.deployments.get_serving_href(details)


def _bound(check: Callable[[World, str], Any], method: str) -> Call:
    return lambda w: check(w, method)


_CHECKS: dict[str, Callable[[World, str], Any]] = {
    "create_job": _created,
    "get_job_details": _told,
    "get_job_status": _state,
    "delete_job": _deleted,
    "score": _score,
    "run_ai_service": _run,
}
CODE: dict[str, Call] = {
    **{
        f"deployments.{method}": _bound(check, method)
        for name, check in _CHECKS.items()
        for method in (name, f"a{name}")
    },
    "deployments.get_job_id": lambda w: isinstance(w.there.deployments.get_job_id(_job(w)), str),
    "deployments.get_job_uid": lambda w: isinstance(w.there.deployments.get_job_uid(_job(w)), str),
    "deployments.get_job_href": lambda w: (
        "/ml/v4/deployment_jobs/" in w.there.deployments.get_job_href(_job(w))
    ),
    "deployments.list_jobs": lambda w: _ended(w) in set(w.there.deployments.list_jobs()["JOB-ID"]),
    "deployments.get_serving_href": _serving_href,
    "deployments.run_ai_service_stream": lambda w: (
        [
            piece.strip()
            for piece in w.there.deployments.run_ai_service_stream(w.ai_service, {"name": "you"})
        ]
        == ["Hello", "you"]
    ),
    "deployments.arun_ai_service_stream": lambda w: (
        len(w.collect(w.there.deployments.arun_ai_service_stream(w.ai_service, {"name": "you"})))
        == 2
    ),
}
