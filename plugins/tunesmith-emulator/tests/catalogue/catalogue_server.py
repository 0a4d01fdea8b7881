"""The catalogue's routes alone, behind TLS, for the real SDK."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.routes.catalogue import ROUTES


def _app(catalogue: Catalogue) -> FastAPI:
    app = FastAPI()
    # The embedding models are listed by another service, which is not under test here.
    embeddings = SimpleNamespace(specs=lambda filters: [])
    app.state.services = SimpleNamespace(catalogue=catalogue, embeddings=embeddings)
    app.add_exception_handler(ServiceError, _envelope)
    for route in ROUTES:
        app.add_api_route(route.path, route.handler, methods=[route.method])
    app.add_api_route("/v2/projects/{guid}", _project)
    return app


def _envelope(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return JSONResponse(error.body(), status_code=error.status)


def _project(guid: str) -> dict:
    """Stands for the platform, whose service is not under test here."""
    return {
        "metadata": {"guid": guid},
        "entity": {"name": guid, "storage": {"type": "bmcos_object_storage"}},
    }


@contextmanager
def served(catalogue: Catalogue, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve ``catalogue``; give its address and the certificate to trust."""
    authority = Authority(folder)
    context = authority.server_context(("localhost",))
    config = uvicorn.Config(
        _app(catalogue),
        port=0,
        log_level="warning",
        ssl_context_factory=lambda config, default: context,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        (socket,) = server.servers[0].sockets
        yield f"https://localhost:{socket.getsockname()[1]}", authority.ca_file
    finally:
        server.should_exit = True
        thread.join()
