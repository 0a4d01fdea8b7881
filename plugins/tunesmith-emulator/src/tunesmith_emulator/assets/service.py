"""Assets: records in the database, and one file for the bytes of each attachment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.database import AssetRow, AttachmentRow, Database
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field
from tunesmith_emulator.fields import Body, nested, text, texts
from tunesmith_emulator.files import Files
from tunesmith_emulator.in_use import check_not_deployed
from tunesmith_emulator.listing import Window, read_part
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import stamp

DATA_ASSET = "data_asset"
_BYTES = "application/octet-stream"
MOST = 200
"""Assets in one answer."""
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *;[ -~]*)?")
_FORBIDDEN = frozenset("/\\") | {chr(code) for code in range(32)}


def _plain_name(value: str) -> str:
    if set(value) & _FORBIDDEN or value in {".", ".."}:
        raise ValueError("must be a plain name: no slashes, no control characters")
    return value


def _media_type(value: str) -> str:
    if value and not _MIME.fullmatch(value):  # it becomes a header of the download
        raise ValueError("must be a media type")
    return value


_Name = Annotated[str, AfterValidator(_plain_name)]
_Mime = Annotated[str, AfterValidator(_media_type)]


class _Metadata(Body):
    name: _Name = text(most=255)
    description: str = text("")
    tags: list[str] = texts()
    asset_type: str = text(DATA_ASSET, most=255)


class _DataAsset(Body):
    mime_type: _Mime = text("", most=255)


class _Entity(Body):
    data_asset: _DataAsset = nested()


class AssetBody(Body):
    """The body that makes an asset."""

    metadata: _Metadata = nested()
    entity: _Entity = nested()


class _AttachmentBody(Body):
    name: _Name = text(most=255)
    mime: _Mime = text("", most=255)


class Assets:
    """The assets of all projects and spaces."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def create(self, scope: ProjectScope, body: dict[str, Any]) -> dict[str, Any]:
        """Make an asset without bytes."""
        given = AssetBody.read(body)
        row = AssetRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            **given.metadata.model_dump(),
            mime_type=given.entity.data_asset.mime_type or _BYTES,
        )
        with self._database.session() as session:
            session.add(row)
        return _view(row, ())

    def get(self, scope: ProjectScope, asset_id: str) -> dict[str, Any]:
        """Return an asset with its attachments."""
        with self._database.session() as session:
            row = _row(session, scope, asset_id)
            return _view(row, _attachments(session, asset_id))

    def delete(self, scope: ProjectScope, asset_id: str) -> None:
        """Delete an asset and its bytes.

        Raises:
            ServiceError: 404; 409, it is a model that is still deployed.
        """
        with self._database.session() as session:
            row = _row(session, scope, asset_id)
            check_not_deployed(session, asset_id)
            files = [self._files.attachment(a.id) for a in _attachments(session, asset_id)]
            session.delete(row)
        for file in files:  # after the commit: no record may point to missing bytes
            file.unlink(missing_ok=True)

    def search(self, scope: ProjectScope, asset_type: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return one page of assets; ``next`` is the body of the request for the next page."""
        limit, start = _number(body, "limit", 200), _number(body, "bookmark", 0)
        query = select(AssetRow).where(
            AssetRow.within(scope),
            AssetRow.asset_type == asset_type,
        )
        order = _order(body.get("sort"))
        with self._database.session() as session:
            part = read_part(session, query, order, Window(start, min(limit, MOST), counted=True))
            attached = _attached(session, [row.id for row in part.items])
        views = [_view(row, attached.get(row.id, ())) for row in part.items]
        answer: dict[str, Any] = {"total_rows": part.total, "results": views}
        if part.more:
            answer["next"] = {**body, "bookmark": str(start + len(views))}
        return answer

    def attach(self, scope: ProjectScope, asset_id: str, body: dict[str, Any]) -> AttachmentRow:
        """Make an attachment for bytes that will be uploaded.

        Raises:
            ServiceError: 400 for connected data, which the emulator cannot reach.
        """
        if body.get("connection_id") is not None:
            raise wrong_field(
                "connection_id", "Connected data is not emulated; upload the file as a data asset."
            )
        with self._database.session() as session:
            asset = _row(session, scope, asset_id)
            given = _AttachmentBody.read({"name": asset.name, **body})
            attachment = AttachmentRow(
                asset_id=asset.id, name=given.name, mime_type=given.mime or asset.mime_type
            )
            session.add(attachment)
        return attachment

    def attachment(self, scope: ProjectScope, asset_id: str, attachment_id: str) -> AttachmentRow:
        """Return an attachment."""
        with self._database.session() as session:
            _row(session, scope, asset_id)
            return _attachment(session, asset_id, attachment_id)

    def expect(self, asset_id: str, attachment_id: str) -> None:
        """Check that bytes may be uploaded.

        Raises:
            ServiceError: 404; 409, the upload is complete already.
        """
        with self._database.session() as session:
            if _attachment(session, asset_id, attachment_id).complete:
                raise ServiceError(409, "already_complete", "This attachment is complete.")

    def arrived(self, attachment_id: str, file: Path) -> None:
        """Keep the bytes in ``file``."""
        size = file.stat().st_size
        file.replace(self._files.attachment(attachment_id))
        with self._database.session() as session:
            row = session.get(AttachmentRow, attachment_id)
            if row is not None:
                row.size = size
        if row is None:  # the asset was deleted meanwhile
            self._files.attachment(attachment_id).unlink(missing_ok=True)

    def complete(self, scope: ProjectScope, asset_id: str, attachment_id: str) -> dict[str, Any]:
        """Complete an upload.

        Raises:
            ServiceError: 400, no bytes have arrived.
        """
        with self._database.session() as session:
            _row(session, scope, asset_id)
            row = _attachment(session, asset_id, attachment_id)
            if row.size is None:
                raise ServiceError(400, "no_bytes", "No bytes have arrived; PUT them to url1.")
            row.complete = True
            return attachment_view(row)

    def file(self, asset_id: str, attachment_id: str) -> tuple[Path, AttachmentRow]:
        """Return the bytes of an attachment."""
        with self._database.session() as session:
            row = _attachment(session, asset_id, attachment_id)
        if not row.complete:
            raise ServiceError(404, "attachment_incomplete", "The upload was never completed.")
        return self._files.attachment(attachment_id), row

    def data(self, scope: ProjectScope, asset_id: str) -> tuple[str, Path]:
        """Return name and file of a data asset whose upload is complete.

        Raises:
            ServiceError: 404, no such asset; 400, it has no bytes.
        """
        with self._database.session() as session:
            row = _row(session, scope, asset_id)
            found = [a for a in _attachments(session, asset_id) if a.complete]
        if not found:
            raise ServiceError(
                400, "invalid_request_entity", f"Data asset {row.name!r} has no uploaded file."
            )
        return row.name, self._files.attachment(found[0].id)


def attachment_view(row: AttachmentRow) -> dict[str, Any]:
    """Return an attachment as the service shows it, without its URLs."""
    return {
        "attachment_id": row.id,
        "asset_type": DATA_ASSET,
        "name": row.name,
        "mime": row.mime_type,
        "size": row.size or 0,
        "is_partitioned": False,
        "is_remote": False,
        "transfer_completed": row.complete,
        "created_at": stamp(row.created_at),
    }


def _row(session: Session, scope: ProjectScope, asset_id: str) -> AssetRow:
    row = session.get(AssetRow, asset_id)
    if row is None or row.scope != scope:
        raise not_found("asset", asset_id)
    return row


def _attachments(session: Session, asset_id: str) -> Sequence[AttachmentRow]:
    return _attached(session, [asset_id]).get(asset_id, ())


def _attached(session: Session, asset_ids: Sequence[str]) -> dict[str, list[AttachmentRow]]:
    """Return the attachments of the assets that have some, by asset, oldest first."""
    query = select(AttachmentRow).where(AttachmentRow.asset_id.in_(asset_ids))
    found: dict[str, list[AttachmentRow]] = {}
    for row in session.scalars(query.order_by(AttachmentRow.created_at)):
        found.setdefault(row.asset_id, []).append(row)
    return found


def _attachment(session: Session, asset_id: str, attachment_id: str) -> AttachmentRow:
    row = session.get(AttachmentRow, attachment_id)
    if row is None or row.asset_id != asset_id:
        raise not_found("attachment", attachment_id)
    return row


def _view(row: AssetRow, attachments: Sequence[AttachmentRow]) -> dict[str, Any]:
    size = sum(a.size or 0 for a in attachments)
    return {
        "metadata": {
            **row.scope.entry(),
            "asset_id": row.id,
            "asset_type": row.asset_type,
            "name": row.name,
            "description": row.description,
            "tags": row.tags,
            "origin_country": "us",
            "size": size,
            "version": 2.0,
            "created": int(row.created_at.timestamp() * 1000),
            "created_at": stamp(row.created_at),
            "owner_id": "IBMid-emulator",
            "asset_state": "available",
            "asset_category": "USER",
            "usage": {"last_updated_at": stamp(row.modified_at), "access_count": 0},
        },
        "entity": {DATA_ASSET: {"mime_type": row.mime_type}},
        "attachments": [{"id": a.id, **attachment_view(a)} for a in attachments],
        "href": f"/v2/assets/{row.id}",
    }


def _order(sort: object) -> tuple[Any, Any]:
    """Return the order of a search: the newest first if it is asked for, else the oldest."""
    if isinstance(sort, str) and sort.startswith("-asset.created_at"):
        return AssetRow.created_at.desc(), AssetRow.id.desc()
    return AssetRow.created_at, AssetRow.id


def _number(body: dict[str, Any], field: str, default: int) -> int:
    try:
        value = int(body.get(field, default))
    except (TypeError, ValueError, OverflowError):
        raise wrong_field(field, f"{field} must be a whole number.") from None
    if not 0 <= value <= 10_000_000:
        raise wrong_field(field, f"{field} is out of range.")
    return value
