"""The calls of models that a client brings itself: those of scikit-learn, and archives."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Callable
from typing import Any

from sdk_world import World

Call = Callable[[World], Any]


def _ask(w: World, method: str, *given: Any, **more: Any) -> Any:
    """Call a method, and wait for it if it is asynchronous."""
    found = getattr(w.client.repository, method)(*given, **more)
    return w.wait(found) if asyncio.iscoroutine(found) else found


def _kept_as(w: World, kind: str) -> dict[str, Any]:
    names = w.client.repository.ModelMetaNames
    return {
        names.NAME: f"model {w.named('').name}",
        names.TYPE: kind,
        names.SOFTWARE_SPEC_ID: "12b83a17-24d8-5082-900f-0ab31fbfd3cb",
    }


def _archive(w: World, name: str = "model.json") -> str:
    path = w.named(".tar.gz")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(w.rows, arcname=name)
    return str(path)


def _content(w: World, ident: str) -> list[str]:
    path = w.named(".tar.gz")
    w.client.repository.download(ident, str(path))
    with tarfile.open(path) as archive:
        return archive.getnames()


def _stored(w: World, method: str = "store_model") -> str:
    details = _ask(w, method, _archive(w), _kept_as(w, "xgboost_1.5"))
    ident: str = details["metadata"]["id"]
    return ident


def _kept(w: World, method: str) -> bool:
    return _content(w, _stored(w, method)) == ["model.json"]


def _loaded(w: World, method: str) -> bool:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    details = w.client.repository.store_model(model, _kept_as(w, "scikit-learn_1.3"))
    found = _ask(w, method, details["metadata"]["id"])
    return bool((found.predict([[0.0], [1.0]]) == [0, 1]).all())


def _updated(w: World, method: str) -> bool:
    names = w.client.repository.ModelMetaNames
    ident, content = _stored(w), _archive(w, "new.json")
    details = _ask(w, method, ident, {names.NAME: "new"}, update_model=content)
    return details["metadata"]["name"] == "new" and _content(w, ident) == ["new.json"]


def _revision(w: World, method: str) -> bool:
    return str(_ask(w, method, _stored(w))["metadata"]["rev"]) == "1"


def _revised(w: World) -> str:
    ident = _stored(w)
    w.client.repository.create_model_revision(ident)
    return ident


def _revision_details(w: World, method: str) -> bool:
    (found,) = _ask(w, method, _revised(w), "1")["resources"]
    return str(found["metadata"]["rev"]) == "1"


def _promoted(w: World) -> bool:
    space, project = "22222222-2222-4333-8444-555555555555", w.emulator.project_id
    ident = w.client.repository.promote_model(_stored(w), project, space)
    there = w.own_client()
    there.set.default_space(space)
    return bool(there.repository.get_model_details(ident)["metadata"]["space_id"] == space)


def _bound(check: Callable[[World, str], Any], method: str) -> Call:
    return lambda w: check(w, method)


_CHECKS: dict[str, Callable[[World, str], Any]] = {
    "store_model": _kept,
    "load": _loaded,
    "update_model": _updated,
    "create_model_revision": _revision,
    "get_model_revision_details": _revision_details,
}
MODELS: dict[str, Call] = {
    **{
        f"repository.{method}": _bound(check, method)
        for name, check in _CHECKS.items()
        for method in (name, f"a{name}")
    },
    "repository.list_models_revisions": lambda w: (
        len(w.client.repository.list_models_revisions(_revised(w))) == 1
    ),
    "repository.promote_model": _promoted,
}
