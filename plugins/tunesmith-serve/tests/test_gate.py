"""Keys, limits, metrics and the log."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
from served_prompts import client_of

from tunesmith_serve.app import create_app
from tunesmith_serve.logs import JsonLines

NOUL = {"type": "noul", "instructions": "Is it a complaint?"}
BODY = {"state": "A secret text.", "model": "jev-latest", "questions": {"q": NOUL}}
PATHS = {"/v1/systemone": "detail", "/v1/decisions": "error", "/v1/chat/completions": "error"}


def test_a_key_is_needed_if_there_are_keys(serving: Any) -> None:
    service = serving(api_keys=("right", "other"))
    client = client_of(service)
    assert client.post("/v1/systemone", json=BODY).status_code == 401
    for header in ("Bearer wrong", "Basic right", "right", "Bearer "):
        response = client.post("/v1/systemone", json=BODY, headers={"Authorization": header})
        assert response.status_code == 401
        assert response.json()["detail"]["error_type"] == "authentication_error"
    for key in ("right", "other"):
        headers = {"Authorization": f"Bearer {key}"}
        assert client.post("/v1/systemone", json=BODY, headers=headers).status_code == 200
    response = client.get("/v1/models")
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert [client.get(path).status_code for path in ("/health", "/ready", "/metrics")] == [200] * 3


def test_a_key_is_in_no_representation(serving: Any) -> None:
    service = serving(api_keys=("hidden-key",), admin_key="hidden-admin")
    assert "hidden" not in repr(service.settings)


def test_further_requests_than_the_bound_are_refused_with_a_time(serving: Any) -> None:
    """Of six requests at once, two are answered; the others may try again."""
    app = create_app(serving(max_requests=2))

    async def together() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await asyncio.gather(
                *(client.post("/v1/systemone", json=BODY) for _ in range(6))
            )

    found = asyncio.run(together())
    assert sorted(one.status_code for one in found) == [200] * 2 + [429] * 4
    refused = next(one for one in found if one.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["detail"]["error_type"] == "rate_limit_error"
    assert client_of(app_service(app)).post("/v1/systemone", json=BODY).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(serving: Any) -> None:
    client = client_of(serving(request_seconds=1e-4))
    response = client.post("/v1/systemone", json=BODY)
    assert response.status_code == 429
    assert response.headers["retry-after"]


def test_a_server_that_stops_says_so(service: Any, client: Any) -> None:
    service.close()
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200
    assert client.post("/v1/systemone", json=BODY).status_code == 503


def test_every_path_answers_in_the_shape_of_its_wire(client: Any) -> None:
    for path, key in PATHS.items():
        assert set(client.post(path, json={}).json()) == {key}
        assert set(client.get(path).json()) == {key}
    assert client.get("/v1/systemone").status_code == 405
    assert client.post("/nowhere").json()["error"]["message"].startswith("POST /nowhere")


def test_metrics_count_requests_tokens_and_batches(client: Any) -> None:
    client.post("/v1/systemone", json=BODY)
    client.post("/v1/systemone", json={})
    text = client.get("/metrics").text
    assert 'tunesmith_requests_total{route="/v1/systemone",status="200"} 1.0' in text
    assert 'tunesmith_requests_total{route="/v1/systemone",status="422"} 1.0' in text
    assert "tunesmith_batch_rows_count 1.0" in text
    for name in ("tokens_total", "request_seconds_bucket", "cache_bytes", "cache_hits_total",
                 "waiting_rows", "prompts 2.0"):  # fmt: skip
        assert f"tunesmith_{name}" in text


def test_an_unknown_path_is_no_label_of_a_metric(client: Any) -> None:
    client.get("/v1/secret-path")
    assert "secret" not in client.get("/metrics").text


def lines(caplog: Any) -> list[dict[str, Any]]:
    records = [one for one in caplog.records if one.name == "tunesmith_serve.requests"]
    return [json.loads(JsonLines().format(one)) for one in records]


def test_the_log_holds_no_texts_unless_asked_for(serving: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "tunesmith_serve")
    client_of(serving()).post("/v1/systemone", json=BODY)
    (line,) = lines(caplog)
    assert line["route"] == "/v1/systemone"
    assert (line["status"], line["questions"]) == (200, 1)
    assert line["input_tokens"] > 0
    assert "secret" not in caplog.text + json.dumps(line)
    client_of(serving(log_texts=True)).post("/v1/systemone", json=BODY)
    assert lines(caplog)[-1]["body"] == BODY


def test_the_schema_is_published(client: Any) -> None:
    schema = client.get("/openapi.json").json()
    assert {*PATHS, "/v1/completions", "/v1/prompts/{name}"} <= set(schema["paths"])
    places = json.dumps(schema).split('"$ref": "')[1:]
    names = {place.partition('"')[0].removeprefix("#/components/schemas/") for place in places}
    assert names <= set(schema["components"]["schemas"])


def app_service(app: Any) -> Any:
    return app._service
