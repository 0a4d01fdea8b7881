"""The rules of models, functions, AI services, experiments and pipelines.

Each is also an asset of the same id, because the SDK deletes it as one. A tuned model is a model,
whose content is in the store of the backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from tunesmith_emulator.database import ArtifactRow, AssetRow, Database, RevisionRow
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field
from tunesmith_emulator.fields import Body, text, texts
from tunesmith_emulator.in_use import check_not_deployed
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.metadata import metadata
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import stamp

JSON = dict[str, Any]
Kind = Literal["models", "functions", "ai_services", "experiments", "pipelines"]
_ASSET_TYPES: dict[Kind, str] = {
    "models": "wml_model",
    "functions": "wml_function",
    "ai_services": "ai_service",
    "experiments": "wml_experiment",
    "pipelines": "wml_pipeline",
}
_DEFAULTS: dict[Kind, JSON] = {"ai_services": {"code_type": "python"}}
"""What the service adds; the SDK's list of AI services reads it."""
_OF_METADATA = {"project_id", "space_id", "name", "description", "tags"}
_Path = Annotated[
    str, Field(pattern=r"^/[A-Za-z_]\w*$", description="must name a field, e.g. /name")
]


class Label(Body):
    """The fields of every artifact; the rest of a body is kept as it is."""

    name: str = text(most=255)
    description: str = text("")
    tags: list[str] = texts()


class ModelLabel(Label):
    """The fields of every model that is not of a training."""

    type: str = text(most=255)


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
        label = (ModelLabel if kind == "models" else Label).read(body)
        asset = AssetRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=label.name,
            description=label.description,
            tags=label.tags,
            asset_type=_ASSET_TYPES[kind],
        )
        given = {name: value for name, value in body.items() if name not in _OF_METADATA}
        with self._database.session() as session:
            session.add(asset)
            session.flush()
            row = ArtifactRow(id=asset.id, document={**_DEFAULTS.get(kind, {}), **given})
            session.add(row)
        return _view(asset, row)

    def get(self, kind: Kind, scope: ProjectScope, ident: str, rev: str | None) -> JSON:
        """Return an artifact, or one of its revisions."""
        with self._database.session() as session:
            asset, row = _rows(session, kind, scope, ident)
            return _view(asset, row) if rev is None else _revised(_revision(session, row, rev))

    def listed(self, kind: Kind, scope: ProjectScope, window: Window) -> Part[JSON]:
        """Return the artifacts of a kind, newest first."""
        of_kind = AssetRow.asset_type == _ASSET_TYPES[kind]
        # An asset of any type can be made without an artifact.
        is_artifact = exists().where(ArtifactRow.id == AssetRow.id)
        query = select(AssetRow).where(AssetRow.within(scope), of_kind, is_artifact)
        newest = AssetRow.created_at.desc(), AssetRow.id.desc()
        with self._database.session() as session:
            part = read_part(session, query, newest, window)
            ids = [asset.id for asset in part.items]
            rows = session.scalars(select(ArtifactRow).where(ArtifactRow.id.in_(ids)))
            by_id = {row.id: row for row in rows}
        return part.map(lambda asset: _view(asset, by_id[asset.id]))

    def change(self, kind: Kind, scope: ProjectScope, ident: str, patch: Any) -> JSON:
        """Apply a JSON patch to whole fields.

        Raises:
            ServiceError: 404; 400, names the operation.
        """
        if not isinstance(patch, list) or not patch:
            raise ServiceError(400, "json_patch_error", "The body must be a JSON-patch array.")
        operations = [Operation.read(one, f"[{index}]") for index, one in enumerate(patch)]
        with self._database.session() as session:
            asset, row = _rows(session, kind, scope, ident)
            told = {"name": asset.name, "description": asset.description, "tags": asset.tags}
            both = {**row.document, **told}
            for one in operations:
                both.pop(one.path[1:], None)
                if one.op != "remove":
                    both[one.path[1:]] = one.value
            for field, value in Label.read(both).model_dump().items():
                setattr(asset, field, value)
            row.document = {name: v for name, v in both.items() if name not in _OF_METADATA}
            session.flush()
            return _view(asset, row)

    def delete(self, kind: Kind, scope: ProjectScope, ident: str) -> None:
        """Delete an artifact and its revisions.

        Raises:
            ServiceError: 404; 409, it is still deployed.
        """
        with self._database.session() as session:
            asset, _ = _rows(session, kind, scope, ident)
            check_not_deployed(session, ident)
            session.delete(asset)

    def put_content(self, kind: Kind, scope: ProjectScope, ident: str, content: bytes) -> JSON:
        """Keep the content of a model, a function or an AI service, which is not looked into.

        Raises:
            ServiceError: 404; 400, it is a tuned model, whose content is the tuning's.
        """
        with self._database.session() as session:
            asset, row = _rows(session, kind, scope, ident)
            if asset.model is not None:
                raise wrong_field("content", f"{ident!r} is a tuned model; tune again instead.")
            row.content = content
            return _view(asset, row)

    def content(self, kind: Kind, scope: ProjectScope, ident: str, rev: str | None) -> bytes:
        """Return the content.

        Raises:
            ServiceError: 404, also if there is none.
        """
        with self._database.session() as session:
            _, row = _rows(session, kind, scope, ident)
            found = row.content if rev is None else _revision(session, row, rev).content
        if found is None:
            raise not_found("content", ident)
        return found

    def revise(self, kind: Kind, scope: ProjectScope, ident: str) -> JSON:
        """Keep the artifact as it is now as its next revision."""
        with self._database.session() as session:
            asset, row = _rows(session, kind, scope, ident)
            known = select(func.count()).where(RevisionRow.artifact_id == row.id)
            kept = RevisionRow(
                artifact_id=row.id,
                rev=(session.scalar(known) or 0) + 1,
                document=_view(asset, row),
                content=row.content,
            )
            session.add(kept)
            session.flush()
            return _revised(kept)

    def revisions(self, kind: Kind, scope: ProjectScope, ident: str, window: Window) -> Part[JSON]:
        """Return the revisions of an artifact, oldest first."""
        with self._database.session() as session:
            _rows(session, kind, scope, ident)
            query = select(RevisionRow).where(RevisionRow.artifact_id == ident)
            return read_part(session, query, (RevisionRow.rev,), window).map(_revised)


def _rows(
    session: Session, kind: Kind, scope: ProjectScope, ident: str
) -> tuple[AssetRow, ArtifactRow]:
    asset, row = session.get(AssetRow, ident), session.get(ArtifactRow, ident)
    right = asset is not None and asset.scope == scope and asset.asset_type == _ASSET_TYPES[kind]
    if asset is None or row is None or not right:
        raise not_found(kind.removesuffix("s").replace("_", " "), ident)
    return asset, row


def _revision(session: Session, row: ArtifactRow, rev: str) -> RevisionRow:
    if not (rev.isascii() and rev.isdigit() and len(rev) < 9):
        raise wrong_field("rev", f"rev must be the number of a revision, not {rev!r}.")
    found = session.get(RevisionRow, (row.id, int(rev)))
    if found is None:
        raise not_found("revision", rev)
    return found


def _view(asset: AssetRow, row: ArtifactRow) -> JSON:
    return {"metadata": {**metadata(asset), "owner": "IBMid-emulator"}, "entity": row.document}


def _revised(revision: RevisionRow) -> JSON:
    kept = revision.document
    committed = {"committed_at": stamp(revision.created_at), "commit_message": ""}
    told = {**kept["metadata"], "rev": str(revision.rev), "commit_info": committed}
    return {"metadata": told, "entity": kept["entity"]}
