"""The rules of functions, AI services, experiments and pipelines: all are stored, and none runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.database import ArtifactRow, Database, RevisionRow
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field
from tunesmith_emulator.fields import Body, text, texts
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.metadata import metadata
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import stamp

JSON = dict[str, Any]
Kind = Literal["functions", "ai_services", "experiments", "pipelines"]
_OF_METADATA = {"project_id", "space_id", "name", "description", "tags"}
_Path = Annotated[
    str, Field(pattern=r"^/[A-Za-z_]\w*$", description="must name a field, e.g. /name")
]


class Label(Body):
    """The fields of every artifact; the rest of a body is kept as it is."""

    name: str = text(most=255)
    description: str = text("")
    tags: list[str] = texts()


class Operation(Body):
    """One operation of a JSON patch."""

    op: Literal["add", "replace", "remove"] = Field(description="must be add, replace or remove")
    path: _Path
    value: Any = None


class Artifacts:
    """The artifacts of all projects and spaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kind: Kind, scope: ProjectScope, body: Mapping[str, Any]) -> JSON:
        """Store an artifact without content.

        Raises:
            ServiceError: 400, names the field.
        """
        label = Label.read(body)
        row = ArtifactRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            **label.model_dump(),
            kind=kind,
            document={name: v for name, v in body.items() if name not in _OF_METADATA},
        )
        with self._database.session() as session:
            session.add(row)
        return _view(row)

    def get(self, kind: Kind, scope: ProjectScope, ident: str, rev: str | None) -> JSON:
        """Return an artifact, or one of its revisions."""
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            return _view(row) if rev is None else _revised(row, _revision(session, row, rev))

    def listed(self, kind: Kind, scope: ProjectScope, window: Window) -> Part[JSON]:
        """Return the artifacts of a kind, newest first."""
        query = select(ArtifactRow).where(ArtifactRow.within(scope), ArtifactRow.kind == kind)
        newest = ArtifactRow.created_at.desc(), ArtifactRow.id.desc()
        with self._database.session() as session:
            return read_part(session, query, newest, window).map(_view)

    def change(self, kind: Kind, scope: ProjectScope, ident: str, patch: Any) -> JSON:
        """Apply a JSON patch to whole fields.

        Raises:
            ServiceError: 404; 400, names the operation.
        """
        if not isinstance(patch, list) or not patch:
            raise ServiceError(400, "json_patch_error", "The body must be a JSON-patch array.")
        operations = [Operation.read(one, f"[{index}]") for index, one in enumerate(patch)]
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            told = {"name": row.name, "description": row.description, "tags": row.tags}
            both = {**row.document, **told}
            for one in operations:
                both.pop(one.path[1:], None)
                if one.op != "remove":
                    both[one.path[1:]] = one.value
            for field, value in Label.read(both).model_dump().items():
                setattr(row, field, value)
            row.document = {name: v for name, v in both.items() if name not in _OF_METADATA}
            session.flush()
            return _view(row)

    def delete(self, kind: Kind, scope: ProjectScope, ident: str) -> None:
        """Delete an artifact and its revisions."""
        with self._database.session() as session:
            session.delete(_row(session, kind, scope, ident))

    def put_content(self, kind: Kind, scope: ProjectScope, ident: str, content: bytes) -> JSON:
        """Keep the content of a function or an AI service: an archive that is not looked into."""
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            row.content = content
            session.flush()
            return _view(row)

    def content(self, kind: Kind, scope: ProjectScope, ident: str, rev: str | None) -> bytes:
        """Return the content.

        Raises:
            ServiceError: 404, also if there is none.
        """
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            found = row.content if rev is None else _revision(session, row, rev).content
        if found is None:
            raise not_found("content", ident)
        return found

    def revise(self, kind: Kind, scope: ProjectScope, ident: str) -> JSON:
        """Keep the artifact as it is now as its next revision."""
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            rev = len(_revisions(session, row)) + 1
            kept = RevisionRow(
                artifact_id=row.id, rev=rev, document=_view(row), content=row.content
            )
            session.add(kept)
            session.flush()
            return _revised(row, kept)

    def revisions(self, kind: Kind, scope: ProjectScope, ident: str, window: Window) -> Part[JSON]:
        """Return the revisions of an artifact, oldest first."""
        with self._database.session() as session:
            row = _row(session, kind, scope, ident)
            query = select(RevisionRow).where(RevisionRow.artifact_id == ident)
            part = read_part(session, query, (RevisionRow.rev,), window)
            return part.map(lambda one: _revised(row, one))


def _row(session: Session, kind: Kind, scope: ProjectScope, ident: str) -> ArtifactRow:
    row = session.get(ArtifactRow, ident)
    if row is None or row.scope != scope or row.kind != kind:
        raise not_found(kind.removesuffix("s").replace("_", " "), ident)
    return row


def _revisions(session: Session, row: ArtifactRow) -> list[RevisionRow]:
    return list(session.scalars(select(RevisionRow).where(RevisionRow.artifact_id == row.id)))


def _revision(session: Session, row: ArtifactRow, rev: str) -> RevisionRow:
    if not (rev.isascii() and rev.isdigit() and len(rev) < 9):
        raise wrong_field("rev", f"rev must be the number of a revision, not {rev!r}.")
    found = session.get(RevisionRow, (row.id, int(rev)))
    if found is None:
        raise not_found("revision", rev)
    return found


def _view(row: ArtifactRow) -> JSON:
    return {"metadata": {**metadata(row), "owner": "IBMid-emulator"}, "entity": row.document}


def _revised(row: ArtifactRow, revision: RevisionRow) -> JSON:
    kept = revision.document
    committed = {"committed_at": stamp(revision.created_at), "commit_message": ""}
    told = {**kept["metadata"], "id": row.id, "rev": str(revision.rev), "commit_info": committed}
    return {"metadata": told, "entity": kept["entity"]}
