"""Promotion: the copy of an asset of a project in a space."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.database import (
    ArtifactRow,
    AssetRow,
    AttachmentRow,
    Database,
    PromptRow,
    Table,
    new_id,
)
from tunesmith_emulator.envelope import not_found, wrong_field
from tunesmith_emulator.fields import Body, text
from tunesmith_emulator.files import Files
from tunesmith_emulator.project_scope import ProjectScope

T = TypeVar("T", bound=Table)
_TIMES = ("created_at", "modified_at")


class PromotionBody(Body):
    """The body that promotes an asset."""

    projectId: str = text()  # noqa: N815  # the service's name
    spaceId: str = text()  # noqa: N815  # the service's name
    assetDescription: str | None = None  # noqa: N815  # the service's name
    revisionId: str | None = None  # noqa: N815  # the service's name


class Promotion:
    """Copies assets with their bytes, models and templates; the copy has a new id."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def promote(self, asked: PromotionBody, asset_id: str) -> str:
        """Copy an asset, and return the id of the copy.

        Raises:
            ServiceError: 404, the project has no such asset; 400, a revision is asked for.
        """
        if asked.revisionId is not None:
            raise wrong_field("revisionId", "Promoting a revision is not emulated; leave it out.")
        source = ProjectScope("project", asked.projectId)
        with self._database.session() as session:
            asset = session.get(AssetRow, asset_id)
            if asset is None or asset.scope != source:
                raise not_found("asset", asset_id)
            copy = _copy(asset, id=new_id(), scope_kind="space", scope_id=asked.spaceId)
            session.add(copy)
            session.flush()
            self._copy_parts(session, asset.id, copy.id)
            return copy.id

    def _copy_parts(self, session: Session, old: str, new: str) -> None:
        for kind in (ArtifactRow, PromptRow):
            part = session.get(kind, old)
            if part is not None:
                session.add(_copy(part, id=new))
        attached = select(AttachmentRow).where(AttachmentRow.asset_id == old)
        for one in self._complete(session.scalars(attached).all()):
            copy = _copy(one, id=new_id(), asset_id=new)
            # The bytes first: no record may point to missing ones.
            shutil.copyfile(self._files.attachment(one.id), self._files.attachment(copy.id))
            session.add(copy)

    @staticmethod
    def _complete(rows: Sequence[AttachmentRow]) -> list[AttachmentRow]:
        return [row for row in rows if row.complete]


def _copy(row: T, **changed: Any) -> T:
    names = [column.key for column in row.__table__.columns if column.key not in _TIMES]
    return type(row)(**{name: getattr(row, name) for name in names} | changed)
