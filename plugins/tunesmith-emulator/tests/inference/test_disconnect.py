"""A client that goes away in the middle of a stream: it costs no more, and nobody else notices."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tunesmith_emulator.inference.service import Inference

SECONDS = 30


class Watched(Inference):
    """Says when a stream was given up."""

    given_up = threading.Event()

    def generate_stream(
        self, body: dict[str, Any], deployment: str | None = None
    ) -> Iterator[dict[str, Any]]:
        try:
            yield from super().generate_stream(body, deployment)
        except GeneratorExit:
            self.given_up.set()
            raise


@pytest.fixture
def port(local: Any) -> Iterator[int]:
    """Serve the routes over real sockets."""
    plain = local.inference
    local.inference = Watched(local.engine, plain._catalogue, plain._deployments)
    config = uvicorn.Config(local.app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(SECONDS)
    local.inference = plain


def test_a_stream_without_its_reader_ends(local: Any, port: int) -> None:
    parameters = {"max_new_tokens": 256, "min_new_tokens": 256}
    body = {"model_id": "ibm/granite-13b-instruct-v2", "project_id": "p", "input": "Good?",
            "parameters": parameters}  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("POST", "/ml/v1/text/generation_stream", json.dumps(body))
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.readline() == b"id: 1\n"
    answer.close()
    connection.close()
    assert Watched.given_up.wait(SECONDS)
    assert local.result()["generated_text"]
