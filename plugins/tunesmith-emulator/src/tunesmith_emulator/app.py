"""The FastAPI application: the route table, tokens, errors and the web page."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from tunesmith.errors import TunesmithError
from tunesmith_emulator.envelope import ServiceError, Target, wrong_parameter
from tunesmith_emulator.fault_middleware import FaultMiddleware, FaultRoute
from tunesmith_emulator.replay import ReplayMiddleware
from tunesmith_emulator.routes.document import ADDRESS, answers, document
from tunesmith_emulator.routes.routing import JSON_MEDIA, Route, ServicesOf, base_url
from tunesmith_emulator.routes.table import ROUTES
from tunesmith_emulator.services import Services
from tunesmith_emulator.settings import is_loopback
from tunesmith_emulator.translation import translated
from tunesmith_emulator.version import __version__

log = logging.getLogger("tunesmith_emulator")
_PAGE = Path(__file__).parent / "page"
_HTTP_ERRORS = {
    404: ("not_found", " This address is not emulated."),
    405: ("method_not_allowed", " This method is not emulated for this address."),
}
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return document(self)


def create_app(services: Services) -> FaultMiddleware:
    """Return the application over ``services``, inside its fault middleware."""
    app = _App(
        title="watsonx.ai emulator",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=ADDRESS,
    )
    app.router.route_class = FaultRoute
    app.state.services = services
    for route in ROUTES:
        _add(app, route)
    app.add_route("/", _page)
    app.mount("/_emulator/page", StaticFiles(directory=_PAGE))
    app.add_exception_handler(ServiceError, _known_error)
    app.add_exception_handler(TunesmithError, _known_error)
    app.add_exception_handler(DatabaseError, _known_error)
    app.add_exception_handler(OSError, _known_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)
    # Outside the framework's layers: a dropped connection needs the server's own ``send``.
    return FaultMiddleware(_replaying(app, services), services.control)


def _replaying(app: FastAPI, services: Services) -> ASGIApp:
    if services.replay is None:
        return app
    longest = services.settings.max_upload_bytes
    return ReplayMiddleware(app, services.replay, services.iam.check, longest)


def _add(app: FastAPI, route: Route) -> None:
    if route.method == "WEBSOCKET":
        app.add_api_websocket_route(route.path, route.handler)
        return
    if route.service == "control":
        guards = [Depends(_local)]
    else:
        guards = [] if route.public else [Depends(_token_or_key if route.by_key else _token)]
        guards += [Depends(_dated)] if route.dated else []
    app.add_api_route(
        route.path,
        route.handler,
        methods=[route.method],
        status_code=route.status,
        dependencies=guards,
        response_model=None,
        response_class=JSONResponse if route.answer_media == JSON_MEDIA else Response,
        responses=answers(route),
    )


def _token(request: Request, services: ServicesOf) -> None:
    services.iam.check(request.headers.get("authorization"))


def _token_or_key(request: Request, services: ServicesOf) -> None:
    services.iam.check(request.headers.get("authorization"), or_key=True)


async def _dated(request: Request) -> None:
    version = request.query_params.get("version")
    try:
        date.fromisoformat(version or "")
    except ValueError:
        raise wrong_parameter(
            "version", "The query parameter version must be a date, e.g. version=2026-10-14."
        ) from None


async def _local(request: Request, services: ServicesOf) -> None:
    if request.client is not None and not is_loopback(request.client.host):
        raise ServiceError(403, "forbidden", "The control plane answers to its own machine only.")
    # A page of another site may have its own name resolve to this machine. Its requests come from
    # here, and their origin is their host.
    host = _named_host(request)
    if host not in services.settings.control_hosts:
        raise ServiceError(
            403,
            "forbidden",
            f"The control plane does not answer to the name {host!r}; "
            "admit it with --allowed-host.",
        )
    origin = request.headers.get("origin")
    if origin is not None and origin != base_url(request):
        raise ServiceError(403, "forbidden", "The control plane answers to its own page only.")


def _named_host(request: Request) -> str | None:
    # Of the header itself: for a name that it cannot read, the framework takes its own address.
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None


def _page(request: Request) -> FileResponse:
    del request
    return FileResponse(_PAGE / "index.html", headers=_SECURITY)


def _answer(error: ServiceError) -> JSONResponse:
    return JSONResponse(error.body(), status_code=error.status)


def _known_error(request: Request, error: Exception) -> JSONResponse:
    del request
    return _answer(translated(error))


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    first: dict[str, Any] = error.errors()[0]
    where, *path = map(str, first["loc"])
    name = ".".join(path) or where
    kind = "parameter" if where == "query" else "field"
    target = Target("parameter" if kind == "parameter" else "field", name)
    message = f"{name}: {first['msg']}"
    return _answer(ServiceError(400, "invalid_input_argument", message, target))


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    code, hint = _HTTP_ERRORS.get(error.status_code, ("invalid_request", ""))
    message = f"{request.method} {request.url.path}: {error.detail}.{hint}"
    return _answer(ServiceError(error.status_code, code, message))


def _gone(request: Request, error: Exception) -> Response:
    # The client hung up in mid-request. Nobody reads this answer, and it is no failure.
    del request, error
    return Response(status_code=400)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The traceback goes to the log; the client gets the envelope.
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(ServiceError(500, "internal_server_error", "The emulator failed; see its log."))
