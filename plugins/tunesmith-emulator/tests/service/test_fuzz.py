"""Requests that schemathesis makes of the OpenAPI document: right ones, and ones that break it.

``FUZZ_EXAMPLES=2000 python -m pytest -s`` on this file, or ``make fuzz``, tries more, and prints
the counts of the statuses.
"""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service_rest import MODEL_ID, VERSION, Rest

from tunesmith_emulator import Emulator
from tunesmith_emulator.routes.document import ADDRESS
from tunesmith_emulator.routes.routing import Route
from tunesmith_emulator.routes.table import ROUTES

EMBEDDING_ID = "ibm/slate-125m-english-rtrvr-v2"
WITHOUT_BODY = {
    "POST /v2/package_extensions/{spec_id}/upload_complete",
    "POST /wx/v1/prompts/{prompt_id}/input",
}
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
"""For each route."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HTTP = [route for route in ROUTES if route.method != "WEBSOCKET"]
SERVICES = sorted({route.service for route in HTTP})
LIKELY = 0.9
SECONDS = 120
"""For an answer. A right request may ask for many tokens, such as one that rewards repetition."""
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


def in_order(service: str) -> list[Route]:
    """Return the routes of a service; those that end or remove things come last."""
    routes = [route for route in HTTP if route.service == service]
    last = ("reset", "complete")
    return sorted(routes, key=lambda r: (r.method == "DELETE", r.path.endswith(last)))


@pytest.fixture
def running(service: str, request: pytest.FixtureRequest) -> Emulator:
    """An emulator; over scikit-learn no base model would answer."""
    found: Emulator = request.getfixturevalue("local" if service == "inference" else "emulator")
    return found


@pytest.fixture
def serving(running: Emulator, rest_for: Callable[[Emulator], Rest]) -> Rest:
    return rest_for(running)


@pytest.fixture
def document(rest: Rest) -> dict[str, Any]:
    """The document as the emulator publishes it."""
    published: dict[str, Any] = rest.get(ADDRESS)
    return published


@pytest.fixture
def known(service: str, serving: Rest) -> dict[str, Any]:
    """Right values: of parameters by name, of fields of a body by name or by "object.name"."""
    asset = serving.upload()
    attached = serving.attach(asset)
    model = serving.tuned()
    deployment = serving.deploy(model)
    serving.ready(deployment)
    training = serving.get("/ml/v4/trainings")["resources"][0]["metadata"]["id"]
    body = serving.training_body(asset)
    if service == "embeddings":  # the first one loads the model, which takes seconds
        serving.post("/ml/v1/text/embeddings", {"model_id": EMBEDDING_ID, "inputs": ["a"]})
    artifact = serving.post("/ml/v4/functions", {"name": "f"})["metadata"]["id"]
    template = {"name": "n", "input_mode": "chat", "prompt": {"model_id": MODEL_ID}}
    prompt = serving.post("/wx/v1/prompts", template)["id"]
    return {
        **serving.scope,
        **VERSION,
        "asset_id": asset,
        "attachment_id": attached["attachment_id"],
        "signature": attached["url1"].rpartition("=")[2],
        "training_id": training,
        "deployment_id": deployment,
        "deployment": deployment,
        "guid": model,
        "model_id": EMBEDDING_ID if service == "embeddings" else MODEL_ID,
        "prompt.model_id": MODEL_ID,
        "prompt_id": prompt,
        "artifact_id": artifact,
        "prompt_template.id": prompt,
        "tool_name": "Weather",
        "asset_type": "data_asset",
        "training_data_references": body["training_data_references"],
        "results_reference": body["results_reference"],
        **body["prompt_tuning"],
        "asset.id": model,
        "value.id": model,
        "online.parameters": {},
        "filters": None,
    }


def test_the_document_has_every_route_with_its_successes_and_refusals(document):
    for route in HTTP:
        operation = document["paths"][route.path][route.method.lower()]
        assert {str(route.status), "4XX"} <= set(operation["responses"]), route.name
        bare = route.service in {"control", "assets"} or route.name in WITHOUT_BODY
        if route.method in {"POST", "PATCH"} and not bare:
            assert "requestBody" in operation, route.name
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) == len(HTTP)
    assert len({one["operationId"] for one in operations}) == len(HTTP)


def likely(value: Any, known: dict[str, Any], chance: random.Random, parent: str = "") -> Any:
    """Return a part of a request in which most values with a known name are right ones."""
    if isinstance(value, list):
        return [likely(inner, known, chance, parent) for inner in value]
    if not isinstance(value, dict):
        return value
    right = {name: known.get(f"{parent}.{name}", known.get(name)) for name in value}
    return {
        name: right[name]
        if right[name] is not None and chance.random() < LIKELY
        else likely(inner, known, chance, name)
        for name, inner in value.items()
    }


def improve(case: schemathesis.Case, known: dict[str, Any], chance: random.Random) -> None:
    """Make it likely that ``case`` gets past the first checks of a service."""
    declared = [p.name for p in case.operation.query if p.name in known]
    query = dict.fromkeys(declared) | (case.query or {})
    case.query = likely(query, known, chance)
    case.path_parameters = likely(case.path_parameters, known, chance)
    case.headers.pop("Authorization", None)
    if isinstance(case.body, dict):
        # The control plane takes no other fields, and a deployment has its model and project.
        complete = case.path.startswith("/_emulator/") or "deployment" in case.path_parameters
        named = () if complete else ("project_id", "model_id")
        case.body = likely(dict.fromkeys(named) | case.body, known, chance)


def cases_of(operation: Any) -> st.SearchStrategy[schemathesis.Case]:
    """Return requests that agree with the document, and requests that do not."""
    cases = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.body or any(operation.iter_parameters()):
        cases |= operation.as_strategy(GenerationMode.NEGATIVE)
    return cases


def statuses(operation: Any, known: dict[str, Any], send: Callable[..., Any]) -> Counter[int]:
    """Send requests, check the answers, and count their statuses."""
    counted: Counter[int] = Counter()

    @FEW
    @seed(0)
    @given(case=cases_of(operation), chance=st.randoms(use_true_random=False))
    def probe(case: schemathesis.Case, chance: random.Random) -> None:
        if chance.random() < LIKELY:
            improve(case, known, chance)
        response = send(case)
        case.validate_response(response, checks=CHECKS)
        counted[response.status_code] += 1

    probe()
    return counted


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_breaks_a_service_or_its_document(
    service, running, serving, document, known, caplog
):
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Authorization": f"Bearer {serving.token}"}
    with requests.Session() as session:

        def send(case: schemathesis.Case) -> Any:
            ca = str(running.ca_file)
            return case.call(running.url, session, headers, verify=ca, timeout=SECONDS)

        succeeded = 0
        for route in in_order(service):
            counted = statuses(schema[route.path][route.method], known, send)
            succeeded += counted[route.status]
            print(route.name, dict(sorted(counted.items())))
    assert succeeded > 0  # otherwise only refusals were checked
    failures = [r.getMessage() for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR]
    assert failures == []
    assert serving.healthy()
