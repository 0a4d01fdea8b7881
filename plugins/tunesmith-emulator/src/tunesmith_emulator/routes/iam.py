"""Sign-in: IBM Cloud's and Cloud Pak for Data's."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import JSONResponse

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.fields import Body, text
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf

_LIMIT = 65_536


class _ApiKey(Body):
    api_key: str = text("")


class _Password(Body):
    password: str = text()


async def token(request: Request, services: ServicesOf) -> JSONResponse:
    """Exchange an API key for a token."""
    # The Python SDK does not URL-encode the key, so a plain parser would turn "+" into a space.
    form = (await _body(request)).replace("+", "%2B")
    given = parse_qs(form).get("apikey", [""])[0]
    if not given:
        return _iam_error("BXNIM0109E", "Property missing or empty: 'apikey'.")
    try:
        return JSONResponse(services.iam.token(given))
    except ServiceError as error:
        return _iam_error(error.code, error.message)


def authorize(services: ServicesOf, body: JsonBody) -> JSON:
    """Sign in as Cloud Pak for Data does."""
    key = _ApiKey.read(body).api_key or _Password.read(body).password
    signed = services.iam.platform_token(key)
    return {"_messageCode_": "success", "message": "success", "token": signed}


async def _body(request: Request) -> str:
    parts = b""
    async for part in request.stream():
        parts += part
        if len(parts) > _LIMIT:
            raise ServiceError(413, "request_too_large", f"The body exceeds {_LIMIT} bytes.")
    return parts.decode("utf-8", errors="replace")


def _iam_error(code: str, message: str) -> JSONResponse:
    # The identity service has its own error envelope.
    body = {"errorCode": code, "errorMessage": message, "context": {}}
    return JSONResponse(body, status_code=400)


_FORM = "application/x-www-form-urlencoded"
ROUTES = (
    Route(
        "POST",
        "/identity/token",
        token,
        ("sdk", "inferred"),
        "iam",
        public=True,
        body=shapes.TokenForm,
        answer=shapes.Token,
        media=_FORM,
    ),
    Route(
        "POST",
        "/oidc/token",
        token,
        ("sdk",),
        "iam",
        public=True,
        note="The address in SDKs of 2024.",
        body=shapes.TokenForm,
        answer=shapes.Token,
        media=_FORM,
    ),
    Route(
        "POST",
        "/icp4d-api/v1/authorize",
        authorize,
        ("sdk",),
        "iam",
        public=True,
        note="Cloud Pak for Data's sign-in.",
        body=shapes.SignIn,
    ),
)
