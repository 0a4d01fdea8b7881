"""Sign-in: IBM Cloud's and Cloud Pak for Data's."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import JSONResponse

from tunesmith_emulator.bodies import JsonBody
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.fields import Fields
from tunesmith_emulator.routing import JSON, HouseOf, Route

_LIMIT = 65_536


async def token(request: Request, house: HouseOf) -> JSONResponse:
    """Exchange an API key for a token."""
    # The Python SDK sends the key without URL-encoding it, so a plain parser would spoil a "+".
    form = (await _body(request)).replace("+", "%2B")
    given = parse_qs(form).get("apikey", [""])[0]
    if not given:
        return _iam_error("BXNIM0109E", "Property missing or empty: 'apikey'.")
    try:
        return JSONResponse(house.iam.token(given))
    except ServiceError as error:
        return _iam_error(error.code, error.message)


def authorize(house: HouseOf, body: JsonBody) -> JSON:
    """Sign in as Cloud Pak for Data does."""
    given = Fields(body)
    signed = house.iam.platform_token(given.text("api_key", "") or given.text("password"))
    return {"_messageCode_": "success", "message": "success", "token": signed}


async def _body(request: Request) -> str:
    parts = b""
    async for part in request.stream():
        parts += part
        if len(parts) > _LIMIT:
            raise ServiceError(413, "request_too_large", f"The body exceeds {_LIMIT} bytes.")
    return parts.decode("utf-8", errors="replace")


def _iam_error(code: str, message: str) -> JSONResponse:
    # The identity service has an envelope of its own.
    body = {"errorCode": code, "errorMessage": message, "context": {}}
    return JSONResponse(body, status_code=400)


ROUTES = (
    Route("POST", "/identity/token", token, ("sdk", "inferred"), "iam", public=True),
    Route(
        "POST",
        "/oidc/token",
        token,
        ("sdk",),
        "iam",
        public=True,
        note="The address that SDKs of 2024 use.",
    ),
    Route(
        "POST",
        "/icp4d-api/v1/authorize",
        authorize,
        ("sdk",),
        "iam",
        public=True,
        note="Cloud Pak for Data's sign-in.",
    ),
)
