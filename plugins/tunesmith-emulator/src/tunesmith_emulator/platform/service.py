"""Projects and spaces. Any id is provisioned at its first use, unless the settings name them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tunesmith_emulator.database import ContainerRow, Database, utc_now
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.project_scope import Scope, ScopeKind
from tunesmith_emulator.settings import PROJECT_ID, Settings
from tunesmith_emulator.times import stamp

INSTANCE_ID = "99999999-8888-4777-8666-555555555555"
"""The one watsonx.ai Runtime instance."""


class Platform:
    """Knows which projects and spaces there are."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._strict = bool(settings.projects)
        self._given = settings.projects or (PROJECT_ID,)
        self.provision()

    def provision(self) -> None:
        """Make the projects that are there from the start."""
        for ident in self._given:
            self._make(Scope("project", ident))

    @property
    def project_id(self) -> str:
        """The first project."""
        return self._given[0]

    def check(self, scope: Scope) -> None:
        """Let a scope pass; it is made where any is allowed.

        Raises:
            ServiceError: 404, it does not exist.
        """
        with self._database.session() as session:
            if session.get(ContainerRow, (scope.id, scope.kind)) is not None:
                return
        if self._strict or len(scope.id) > 128:
            raise ServiceError(
                404, f"{scope.kind}_not_found", f"No {scope.kind} with id {scope.id!r}."
            )
        self._make(scope)

    def details(self, scope: Scope, base_url: str) -> dict[str, Any]:
        """Return a project or a space as its own service shows it."""
        self.check(scope)
        with self._database.session() as session:
            row = session.get(ContainerRow, (scope.id, scope.kind))
        assert row is not None  # noqa: S101  # checked above
        return _entry(row, base_url)

    def listed(self, kind: ScopeKind, base_url: str) -> list[dict[str, Any]]:
        """Return the projects or the spaces, oldest first."""
        query = select(ContainerRow).where(ContainerRow.kind == kind)
        with self._database.session() as session:
            rows = session.scalars(query.order_by(ContainerRow.created_at)).all()
        return [_entry(row, base_url) for row in rows]

    def _make(self, scope: Scope) -> None:
        name = f"emulated {scope.kind} {scope.id[:8]}"
        row = ContainerRow(id=scope.id, kind=scope.kind, name=name, created_at=utc_now())
        try:
            with self._database.session() as session:
                session.add(row)
        except IntegrityError:
            pass  # another request made it meanwhile, or an earlier process


def _entry(row: ContainerRow, base_url: str) -> dict[str, Any]:
    # The client insists on object storage and its keys, though nothing of ours is kept there.
    admin = {"access_key_id": "emulator", "secret_access_key": "emulator"}
    ident = {"guid": row.id} if row.kind == "project" else {"id": row.id}
    return {
        "metadata": {
            **ident,
            "url": f"/v2/{row.kind}s/{row.id}",
            "created_at": stamp(row.created_at),
        },
        "entity": {
            "name": row.name,
            "description": "",
            "storage": {
                "type": "bmcos_object_storage",
                "guid": INSTANCE_ID,
                "properties": {
                    "bucket_name": f"emulated-{row.id[:8]}",
                    "bucket_region": "emulated",
                    "endpoint_url": base_url,
                    "credentials": {"admin": admin, "editor": admin},
                },
            },
            "compute": [{"name": "emulated", "guid": INSTANCE_ID, "type": "machine_learning"}],
            "scope": {"bss_account_id": "emulated"},
        },
    }
