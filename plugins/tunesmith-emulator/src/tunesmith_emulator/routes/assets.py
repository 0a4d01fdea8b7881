"""The routes of data assets."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from tunesmith_emulator.assets.promotion import PromotionBody
from tunesmith_emulator.assets.service import attachment_view
from tunesmith_emulator.database import AttachmentRow, new_id
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf, base_url
from tunesmith_emulator.services import Services


def create(services: ServicesOf, scope: ScopeOf, body: JsonBody) -> JSON:
    """Make an asset."""
    return services.assets.create(scope, body)


def get(asset_id: str, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return an asset."""
    return services.assets.get(scope, asset_id)


def delete(asset_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Delete an asset."""
    services.assets.delete(scope, asset_id)


def search(asset_type: str, services: ServicesOf, scope: ScopeOf, body: JsonBody) -> JSON:
    """List assets of a type."""
    return services.assets.search(scope, asset_type, body)


def attach(
    asset_id: str, request: Request, services: ServicesOf, scope: ScopeOf, body: JsonBody
) -> JSON:
    """Make an attachment, and return the address for its bytes."""
    row = services.assets.attach(scope, asset_id, body)
    return {**attachment_view(row), "url1": _content_url(row, request, services)}


async def put_content(
    asset_id: str, attachment_id: str, signature: str, request: Request, services: ServicesOf
) -> Response:
    """Store the bytes: the raw body (IBM Cloud) or its field ``file`` (Cloud Pak for Data)."""
    services.iam.check_signature(attachment_id, signature)
    await run_in_threadpool(services.assets.expect, asset_id, attachment_id)
    arriving = services.files.arriving / new_id()
    try:
        await _receive(request, arriving, services.settings.max_upload_bytes)
        await run_in_threadpool(services.assets.arrived, attachment_id, arriving)
    finally:
        arriving.unlink(missing_ok=True)
    return Response(status_code=200)


def get_content(
    asset_id: str, attachment_id: str, signature: str, services: ServicesOf
) -> FileResponse:
    """Return the bytes."""
    services.iam.check_signature(attachment_id, signature)
    path, row = services.assets.file(asset_id, attachment_id)
    # As a download, because a browser must not run it here.
    return FileResponse(path, media_type=row.mime_type, filename=row.name)


def complete(asset_id: str, attachment_id: str, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Complete an upload."""
    return services.assets.complete(scope, asset_id, attachment_id)


def attachment(
    asset_id: str, attachment_id: str, request: Request, services: ServicesOf, scope: ScopeOf
) -> JSON:
    """Return an attachment with the address of its bytes."""
    row = services.assets.attachment(scope, asset_id, attachment_id)
    return {**attachment_view(row), "url": _content_url(row, request, services)}


def promote(asset_id: str, services: ServicesOf, body: JsonBody) -> JSON:
    """Copy an asset of a project to a space."""
    asked = PromotionBody.read(body)
    for scope in (ProjectScope("project", asked.projectId), ProjectScope("space", asked.spaceId)):
        services.platform.check(scope)
    return {"promotedAsset": {"asset_id": services.promotion.promote(asked, asset_id)}}


class Promoted(BaseModel):
    """A promoted asset."""

    promotedAsset: dict[str, str]  # noqa: N815  # the service's name


def _content_url(row: AttachmentRow, request: Request, services: Services) -> str:
    path = f"/v2/assets/{row.asset_id}/attachments/{row.id}/content"
    return signed(path, row, request, services)


def signed(path: str, row: AttachmentRow, request: Request, services: Services) -> str:
    """Return the address ``path`` of the bytes of an attachment, for clients without a token."""
    path = f"{path}?signature={services.iam.sign(row.id)}"
    # Cloud Pak for Data's client adds its own host.
    relative = services.iam.is_platform_token(request.headers.get("authorization"))
    return path if relative else base_url(request) + path


async def _receive(request: Request, file: Path, limit: int) -> None:
    size = 0
    with file.open("wb") as out:
        async for part in _parts(request):
            size += len(part)
            if size > limit:
                raise ServiceError(413, "request_too_large", f"The file exceeds {limit} bytes.")
            out.write(part)
        out.flush()
        os.fsync(out.fileno())


async def _parts(request: Request) -> AsyncIterator[bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        async for part in request.stream():
            yield part
        return
    async with request.form() as form:
        upload = form.get("file")
        if upload is None or isinstance(upload, str):
            raise ServiceError(400, "invalid_request_entity", "The form has no field 'file'.")
        while part := await upload.read(1 << 20):
            yield part


def content_routes(path: str, service: str) -> tuple[Route, Route]:
    """Return the routes that take and give the bytes of an attachment at a signed address."""
    note = "A signed address, as of object storage: clients send no token."
    return (
        Route(
            "PUT",
            path,
            put_content,
            ("sdk",),
            service,
            public=True,
            note=note,
            media="application/octet-stream",
            answer_media="",
        ),
        Route(
            "GET", path, get_content, ("sdk",), service, public=True, note=note, answer_media="*/*"
        ),
    )


ROUTES = (
    Route(
        "POST",
        "/v2/assets",
        create,
        ("sdk",),
        "assets",
        status=201,
        body=shapes.NewAsset,
        answer=shapes.Asset,
    ),
    Route("GET", "/v2/assets/{asset_id}", get, ("sdk",), "assets", answer=shapes.Asset),
    Route("DELETE", "/v2/assets/{asset_id}", delete, ("sdk",), "assets", status=204),
    Route(
        "POST",
        "/v2/asset_types/{asset_type}/search",
        search,
        ("sdk",),
        "assets",
        body=shapes.AssetSearch,
        answer=shapes.Assets,
    ),
    Route(
        "POST",
        "/v2/assets/{asset_id}/attachments",
        attach,
        ("sdk",),
        "assets",
        status=201,
        body=shapes.NewAttachment,
        answer=shapes.Attachment,
    ),
    Route(
        "GET",
        "/v2/assets/{asset_id}/attachments/{attachment_id}",
        attachment,
        ("sdk",),
        "assets",
        answer=shapes.Attachment,
    ),
    Route(
        "POST",
        "/v2/assets/{asset_id}/attachments/{attachment_id}/complete",
        complete,
        ("sdk",),
        "assets",
        answer=shapes.Attachment,
    ),
    *content_routes("/v2/assets/{asset_id}/attachments/{attachment_id}/content", "assets"),
    Route(
        "POST",
        "/projects/api/rest/catalogs/assets/{asset_id}/promote",
        promote,
        ("sdk",),
        "assets",
        body=PromotionBody,
        answer=Promoted,
        note="The copy has the bytes, the model or the template of the asset.",
    ),
)
