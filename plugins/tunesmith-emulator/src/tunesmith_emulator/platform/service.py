"""Projects and spaces. Each is made at its first use, unless the settings name the projects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tunesmith_emulator.database import ContainerRow, Database, utc_now
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.listing import Part, Window, read_part
from tunesmith_emulator.project_scope import ProjectScope, ScopeKind
from tunesmith_emulator.settings import PROJECT_ID, Settings
from tunesmith_emulator.times import stamp

INSTANCE_ID = "99999999-8888-4777-8666-555555555555"
"""The one watsonx.ai Runtime instance."""


class Platform:
    """The projects and spaces that exist."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._strict = bool(settings.projects)
        self._given = settings.projects or (PROJECT_ID,)
        self.provision()

    def provision(self) -> None:
        """Make the projects that exist from the start."""
        for ident in self._given:
            self._make(ProjectScope("project", ident))

    @property
    def project_id(self) -> str:
        """The first project."""
        return self._given[0]

    def check(self, scope: ProjectScope) -> None:
        """Check that a scope exists. If all scopes are allowed, it is made.

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

    def details(self, scope: ProjectScope, base_url: str) -> dict[str, Any]:
        """Return a project or a space as the platform shows it."""
        self.check(scope)
        with self._database.session() as session:
            row = session.get(ContainerRow, (scope.id, scope.kind))
        assert row is not None  # noqa: S101  # checked above
        return _entry(row, base_url)

    def listed(self, kind: ScopeKind, base_url: str, window: Window) -> Part[dict[str, Any]]:
        """Return projects or spaces, oldest first."""
        query = select(ContainerRow).where(ContainerRow.kind == kind)
        oldest = ContainerRow.created_at, ContainerRow.id
        with self._database.session() as session:
            part = read_part(session, query, oldest, window)
        return part.map(lambda row: _entry(row, base_url))

    def _make(self, scope: ProjectScope) -> None:
        name = f"emulated {scope.kind} {scope.id[:8]}"
        row = ContainerRow(id=scope.id, kind=scope.kind, name=name, created_at=utc_now())
        try:
            with self._database.session() as session:
                session.add(row)
        except IntegrityError:
            pass  # another request made it meanwhile, or an earlier process


def _entry(row: ContainerRow, base_url: str) -> dict[str, Any]:
    # The client needs object storage and its keys, although the emulator stores nothing there.
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
