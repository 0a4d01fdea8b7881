"""The rules of software specifications, package extensions and hardware specifications.

The service has some of its own, and a project or a space stores more. Each stored one is also an
asset of the same id. The bytes of a package extension are an attachment of its asset. None is
installed anywhere: code that is deployed runs in the emulator's own environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.assets.service import Assets
from tunesmith_emulator.database import ArtifactRow, AssetRow, AttachmentRow, Database
from tunesmith_emulator.envelope import ServiceError, Target, not_found, wrong_field
from tunesmith_emulator.fields import Body, nested, text
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.specifications.base import BASES, Base, Family
from tunesmith_emulator.times import stamp

JSON = dict[str, Any]
Kind = Literal["software_specification", "hardware_specification", "package_extension"]
_FAMILIES: dict[Kind, Family] = {
    "software_specification": "software",
    "hardware_specification": "hardware",
}
_OF_METADATA = {"name", "description", "tags"}
_LONG_AGO = "2024-01-01T00:00:00.000Z"
"""The date of the service's own."""


class Label(Body):
    """The fields of every kind; the rest of a body is kept as it is."""

    name: str = text(most=255)
    description: str = text("")


class _Guid(Body):
    guid: str = text()


class SoftwareBody(Label):
    """A software specification that adds packages to another one."""

    base_software_specification: _Guid = nested()


class ExtensionBody(Label):
    """Packages for a software specification: a file, e.g. ``conda_yml``."""

    type: str = text(most=64)


_BODIES: dict[Kind, type[Label]] = {
    "software_specification": SoftwareBody,
    "hardware_specification": Label,
    "package_extension": ExtensionBody,
}


class Specifications:
    """The specifications of the service, and of all projects and spaces."""

    def __init__(self, database: Database, assets: Assets) -> None:
        self._database = database
        self._assets = assets

    def listed(self, kind: Kind, scope: ProjectScope | None, name: str | None) -> list[JSON]:
        """Return the service's own and those of a project or a space, if one is given."""
        own = [_base_view(base) for base in _bases(kind) if name in (None, base.name)]
        return [*own, *(self._stored(kind, scope, name) if scope else ())]

    def get(self, kind: Kind, scope: ProjectScope | None, ident: str) -> JSON:
        """Return one of them.

        Raises:
            ServiceError: 404.
        """
        base = _base(kind, ident)
        if base is not None:
            return _base_view(base)
        with self._database.session() as session:
            return _view(*_rows(session, kind, scope, ident))

    def create(self, kind: Kind, scope: ProjectScope, body: Mapping[str, Any]) -> JSON:
        """Store one.

        Raises:
            ServiceError: 400, names the field.
        """
        label = _BODIES[kind].read(body)
        if isinstance(label, SoftwareBody):
            self._check_base(scope, label.base_software_specification.guid)
        asset = AssetRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=label.name,
            description=label.description,
            asset_type=kind,
        )
        given = {name: value for name, value in body.items() if name not in _OF_METADATA}
        if kind == "software_specification":
            given = {"package_extensions": [], **given, "type": "derived"}
        with self._database.session() as session:
            session.add(asset)
            session.flush()
            row = ArtifactRow(id=asset.id, document=given)
            session.add(row)
            if kind == "package_extension":
                named = {"name": asset.name, "mime_type": asset.mime_type}
                session.add(AttachmentRow(asset_id=asset.id, **named))
        return _view(asset, row)

    def delete(self, kind: Kind, scope: ProjectScope, ident: str) -> None:
        """Delete a stored one.

        Raises:
            ServiceError: 404; 403, it is the service's own.
        """
        self._writable(kind, ident)
        with self._database.session() as session:
            _rows(session, kind, scope, ident)
        self._assets.delete(scope, ident)

    def extend(self, scope: ProjectScope, ident: str, extension_id: str) -> None:
        """Add a package extension to a stored software specification."""
        with self._database.session() as session:
            _rows(session, "package_extension", scope, extension_id)
        self._change(scope, ident, extension_id, added=True)

    def reduce(self, scope: ProjectScope, ident: str, extension_id: str) -> None:
        """Take a package extension from a stored software specification.

        Raises:
            ServiceError: 404, also if it does not have that extension.
        """
        self._change(scope, ident, extension_id, added=False)

    def content(self, ident: str) -> AttachmentRow:
        """Return the attachment that has the bytes of a package extension."""
        query = select(AttachmentRow).where(AttachmentRow.asset_id == ident)
        with self._database.session() as session:
            found = session.scalars(query).first()
        if found is None:
            raise not_found("package extension", ident)
        return found

    def complete(self, scope: ProjectScope, ident: str) -> None:
        """Complete the upload of a package extension.

        Raises:
            ServiceError: 404; 400, no bytes have arrived.
        """
        with self._database.session() as session:
            _rows(session, "package_extension", scope, ident)
        self._assets.complete(scope, ident, self.content(ident).id)

    def _change(self, scope: ProjectScope, ident: str, extension_id: str, *, added: bool) -> None:
        kind: Kind = "software_specification"
        self._writable(kind, ident)
        with self._database.session() as session:
            _, row = _rows(session, kind, scope, ident)
            known = list(row.document["package_extensions"])
            kept = [each for each in known if each.get("guid") != extension_id]
            if not added and len(kept) == len(known):
                raise not_found("package extension", extension_id)
            if added:
                kept.append({"guid": extension_id})
            row.document = {**row.document, "package_extensions": kept}

    def _check_base(self, scope: ProjectScope, guid: str) -> None:
        try:
            self.get("software_specification", scope, guid)
        except ServiceError:
            raise wrong_field(
                "base_software_specification.guid",
                f"base_software_specification.guid: there is no software specification {guid!r}.",
            ) from None

    def _stored(self, kind: Kind, scope: ProjectScope, name: str | None) -> list[JSON]:
        query = select(AssetRow).where(AssetRow.within(scope), AssetRow.asset_type == kind)
        if name is not None:
            query = query.where(AssetRow.name == name)
        with self._database.session() as session:
            rows = session.scalars(query.order_by(AssetRow.created_at, AssetRow.id)).all()
            return [_view(row, session.get_one(ArtifactRow, row.id)) for row in rows]

    @staticmethod
    def _writable(kind: Kind, ident: str) -> None:
        if _base(kind, ident) is not None:
            raise ServiceError(
                403,
                "forbidden",
                "It is the service's own and cannot be changed; store one of your own.",
                Target("parameter", "id"),
            )


def _bases(kind: Kind) -> tuple[Base, ...]:
    return BASES[_FAMILIES[kind]] if kind in _FAMILIES else ()


def _base(kind: Kind, ident: str) -> Base | None:
    return next((base for base in _bases(kind) if base.id == ident), None)


def _rows(
    session: Session, kind: Kind, scope: ProjectScope | None, ident: str
) -> tuple[AssetRow, ArtifactRow]:
    asset, row = session.get(AssetRow, ident), session.get(ArtifactRow, ident)
    right = asset is not None and asset.scope == scope and asset.asset_type == kind
    if asset is None or row is None or not right:
        raise not_found(kind.replace("_", " "), ident)
    return asset, row


def _base_view(base: Base) -> JSON:
    kind = f"{base.family}_specification"
    return _shape(kind, base.id, base.name, "", _LONG_AGO, {}, base.entity)


def _view(asset: AssetRow, row: ArtifactRow) -> JSON:
    created = stamp(asset.created_at)
    return _shape(
        asset.asset_type,
        asset.id,
        asset.name,
        asset.description,
        created,
        asset.scope.entry(),
        row.document,
    )


def _shape(
    kind: str,
    ident: str,
    name: str,
    description: str,
    created: str,
    scope: dict[str, str],
    entity: JSON,
) -> JSON:
    return {
        "metadata": {
            **scope,
            "asset_id": ident,
            "name": name,
            "description": description,
            "asset_type": kind,
            "href": f"/v2/{kind}s/{ident}",
            "created_at": created,
        },
        "entity": {kind: entity},
    }
