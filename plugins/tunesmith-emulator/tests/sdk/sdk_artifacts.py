"""The calls of functions, AI services, experiments and pipelines: the same for each kind."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

from sdk_world import World

Call = Callable[[World], Any]
# The SDK spells the plural of its lists of revisions in two ways.
KINDS = {
    "function": "list_functions_revisions",
    "ai_service": "list_ai_service_revisions",
    "experiment": "list_experiments_revisions",
    "pipeline": "list_pipelines_revisions",
}


def _arguments(w: World, kind: str) -> list[Any]:
    if kind == "pipeline":
        return [{"name": "p", "document": {"doc_type": "pipeline", "version": "2.0"}}]
    if kind == "experiment":
        return [{"name": "e"}]
    path = w.named(".py.gz")
    path.write_bytes(gzip.compress(b"def score(payload): return payload"))
    return [str(path), {"name": kind}]


def _stored(w: World, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = getattr(w.client.repository, f"store_{kind}")(*_arguments(w, kind))
    return found


def _made(w: World, kind: str) -> str:
    ident: str = _stored(w, kind)["metadata"]["id"]
    return ident


def _ask(w: World, method: str, *given: Any) -> Any:
    """Call a method, and wait for it if it is asynchronous."""
    found = getattr(w.client.repository, method)(*given)
    return w.wait(found) if asyncio.iscoroutine(found) else found


def _revised(w: World, kind: str) -> tuple[str, str]:
    ident = _made(w, kind)
    rev: str = _ask(w, f"create_{kind}_revision", ident)["metadata"]["rev"]
    return ident, rev


def _details(w: World, kind: str, method: str) -> Any:
    ident = _made(w, kind)
    return _ask(w, method, ident)["metadata"]["id"] == ident


def _revision_details(w: World, kind: str, method: str) -> Any:
    found = _ask(w, method, *_revised(w, kind))
    found = found["resources"][0] if "resources" in found else found
    return str(found["metadata"]["rev"]) == "1"


def _updated(w: World, kind: str, method: str) -> Any:
    return _ask(w, method, _made(w, kind), {"name": "new"})["metadata"]["name"] == "new"


def _kept(w: World, kind: str, method: str) -> Any:
    return isinstance(_ask(w, method, *_arguments(w, kind))["metadata"]["id"], str)


def _revision(w: World, kind: str, method: str) -> Any:
    return str(_ask(w, method, _made(w, kind))["metadata"]["rev"]) == "1"


def _of_kind(kind: str, listing: str) -> dict[str, Call]:
    calls: dict[str, Call] = {
        f"repository.list_{kind}s": lambda w: _made(w, kind) in set(_ask(w, f"list_{kind}s")["ID"]),
        f"repository.{listing}": lambda w: len(_ask(w, listing, _revised(w, kind)[0])) == 1,
    }
    for name in ("id", "href") if kind != "ai_service" else ("id",):
        calls[f"repository.get_{kind}_{name}"] = _told(kind, f"get_{kind}_{name}")
    checks = {
        f"get_{kind}_details": _details,
        f"get_{kind}_revision_details": _revision_details,
        f"create_{kind}_revision": _revision,
        f"store_{kind}": _kept,
        f"update_{kind}": _updated,
    }
    for name, check in checks.items():
        for method in (name, f"a{name}"):
            calls[f"repository.{method}"] = _bound(check, kind, method)
    return calls


def _told(kind: str, method: str) -> Call:
    return lambda w: isinstance(_ask(w, method, _stored(w, kind)), str)


def _bound(check: Callable[[World, str, str], Any], kind: str, method: str) -> Call:
    return lambda w: check(w, kind, method)


def _deleted(w: World) -> bool:
    return bool(w.client.repository.delete(_made(w, "function")) == "SUCCESS")


def _adeleted(w: World) -> bool:
    return bool(w.wait(w.client.repository.adelete(_made(w, "function"))) == "SUCCESS")


def _downloaded(w: World) -> bool:
    path = w.named(".gz")
    w.client.repository.download(_made(w, "function"), str(path))
    return b"score" in gzip.decompress(path.read_bytes())


def _adownloaded(w: World) -> bool:
    path = w.named(".gz")
    w.wait(w.client.repository.adownload(_made(w, "function"), str(path)))
    return b"score" in gzip.decompress(path.read_bytes())


def _named(w: World) -> str:
    name = f"only {w.named('')}"
    stored = w.client.repository.store_experiment({"name": name})
    assert stored["metadata"]["name"] == name
    return name


ARTIFACTS: dict[str, Call] = {
    **{name: call for kind, one in KINDS.items() for name, call in _of_kind(kind, one).items()},
    "repository.delete": _deleted,
    "repository.adelete": _adeleted,
    "repository.download": _downloaded,
    "repository.adownload": _adownloaded,
    "repository.create_revision": lambda w: (
        w.client.repository.create_revision(_made(w, "function"))["metadata"]["rev"] == "1"
    ),
    "repository.aget_id_by_name": lambda w: isinstance(
        w.wait(w.client.repository.aget_id_by_name(_named(w))), str
    ),
    "repository.get_id_by_name": lambda w: isinstance(
        w.client.repository.get_id_by_name(_named(w)), str
    ),
}
