"""The state of the emulator: the tables in one SQLite file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    and_,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tunesmith.clock import now
from tunesmith_emulator.files import unusable
from tunesmith_emulator.project_scope import ProjectScope

RETRY_SECONDS = 1.0
"""Pause of background work when the database cannot be read or written."""


def new_id() -> str:
    """Return a new resource id of 36 characters, as the service has them."""
    return str(uuid.uuid4())


def utc_now() -> datetime:
    """Return the time in UTC without a zone, because SQLite stores none."""
    return now().replace(tzinfo=None)


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, list[dict[str, Any]]: JSON}  # noqa: RUF012  # SQLAlchemy's own form


class Scoped:
    """The columns of a resource of a project or a space."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True, default=new_id)
    scope_kind: Mapped[str] = mapped_column(String(8))
    scope_id: Mapped[str] = mapped_column(String(128))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    tags: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    modified_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    @property
    def scope(self) -> ProjectScope:
        """The project or space."""
        return ProjectScope.of(self.scope_kind, self.scope_id)

    @classmethod
    def within(cls, scope: ProjectScope) -> ColumnElement[bool]:
        """Return the condition that a row belongs to ``scope``."""
        return and_(cls.scope_kind == scope.kind, cls.scope_id == scope.id)


def _listed(table: str, *compared: str, filtered: tuple[str, ...] = ()) -> Index:
    """Return the index that the list of a table is read from.

    Args:
        table: its name.
        compared: the columns that every list compares, after the scope.
        filtered: the columns that a filter may compare. They are last, so that rows are filtered
            in the order of the list, without being read.
    """
    columns = ("scope_kind", "scope_id", *compared, "created_at", "id", *filtered)
    return Index(f"ix_{table}_listed", *columns)


class ContainerRow(Table):
    """A project or a space."""

    __tablename__ = "containers"
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    __table_args__ = (Index("ix_containers_listed", "kind", "created_at", "id"),)


class AssetRow(Scoped, Table):
    """An asset: a data file, or a tuned model."""

    __tablename__ = "assets"
    __table_args__ = (_listed("assets", "asset_type"),)
    asset_type: Mapped[str]
    mime_type: Mapped[str] = mapped_column(default="application/octet-stream")
    base_model_id: Mapped[str | None] = mapped_column(default=None)
    model: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """The tuned model, a tunesmith record, if the asset is one."""


class AttachmentRow(Table):
    """The bytes of a data asset; ``size`` is None until all of them have arrived."""

    __tablename__ = "attachments"
    id: Mapped[str] = mapped_column(String(64), primary_key=True, default=new_id)
    asset_id: Mapped[str] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    mime_type: Mapped[str]
    size: Mapped[int | None] = mapped_column(default=None)
    complete: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class PromptRow(Table):
    """A prompt template; the asset of the same id has its scope, name and times."""

    __tablename__ = "prompts"
    id: Mapped[str] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[dict[str, Any]]
    """The template as the service shows it."""
    locked: Mapped[bool] = mapped_column(default=False)


class ArtifactRow(Table):
    """A function, an AI service, an experiment or a pipeline; its asset has scope and label."""

    __tablename__ = "artifacts"
    id: Mapped[str] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[dict[str, Any]]
    """The fields beside name, description and tags."""
    content: Mapped[bytes | None] = mapped_column(default=None)


class RevisionRow(Table):
    """An artifact as it was."""

    __tablename__ = "revisions"
    artifact_id: Mapped[str] = mapped_column(
        ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True
    )
    rev: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    content: Mapped[bytes | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class TrainingRow(Scoped, Table):
    """A tuning: its request, its progress and its result."""

    __tablename__ = "trainings"
    __table_args__ = (_listed("trainings", "kind", filtered=("state", "tags")),)
    kind: Mapped[str] = mapped_column(String(16))
    """``prompt_tuning`` or ``fine_tuning``; each kind has its own address."""
    request: Mapped[dict[str, Any]]
    """The unchanged body of the request."""
    base_model_id: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    """The hyper-parameters as the service echoes them, defaults included."""
    method: Mapped[dict[str, Any]]
    """The tunesmith method that tunes: name and hyper-parameters. Empty if the backend was not
    loaded when the training was accepted."""
    state: Mapped[str] = mapped_column(default="queued", index=True)
    message: Mapped[str] = mapped_column(default="")
    failure: Mapped[str | None] = mapped_column(default=None)
    running_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    job_id: Mapped[str | None] = mapped_column(default=None)
    metrics: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    model: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """The tuned model, a tunesmith record."""
    model_id: Mapped[str | None] = mapped_column(default=None, index=True)
    """The asset of the tuned model."""


class DeploymentRow(Scoped, Table):
    """A deployment of a tuned model, a prompt template, a function or an AI service."""

    __tablename__ = "deployments"
    __table_args__ = (_listed("deployments", filtered=("name", "state", "asset_id")),)
    serving_name: Mapped[str | None] = mapped_column(default=None, unique=True)
    asset_id: Mapped[str] = mapped_column(index=True)
    base_model_id: Mapped[str]
    state: Mapped[str] = mapped_column(default="initializing", index=True)
    failure: Mapped[str | None] = mapped_column(default=None)
    online: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_prompt: Mapped[bool] = mapped_column(default=False)
    """Whether the asset is a prompt template, which a base model answers."""
    code: Mapped[str] = mapped_column(default="")
    """The type of the asset if it is a function or an AI service, whose code runs; else empty."""
    model: Mapped[dict[str, Any]]
    """The tuned model, a tunesmith record; empty if there is none."""
    deployed: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """The backend's deployment, a tunesmith record."""


class Database:
    """Sessions on one SQLite file. Committed changes survive the end of the process.

    Raises:
        ExperimentError: the file is no database, or one of another schema.
    """

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _configure)
        try:
            Table.metadata.create_all(self._engine)
            self._check_columns(path)
            for table in Table.metadata.tables.values():
                for index in table.indexes:  # a file of an earlier version lacks some
                    index.create(self._engine, checkfirst=True)
        except DatabaseError as error:
            raise unusable(path, f"holds no state of the emulator ({error.orig})") from None
        finally:
            self.close()  # connections are made anew; an error leaves none open
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session. It is committed at the end, or rolled back after an error.

        Raises:
            DatabaseError: the file cannot be read or written. Nothing of the session was stored.
        """
        with self._sessions.begin() as session:
            yield session

    def clear(self) -> None:
        """Delete all rows."""
        with self.session() as session:
            for table in reversed(Table.metadata.sorted_tables):
                session.execute(table.delete())

    def _check_columns(self, path: Path) -> None:
        found = inspect(self._engine)
        for table in Table.metadata.sorted_tables:
            columns = {column["name"] for column in found.get_columns(table.name)}
            if columns != set(table.columns.keys()):
                raise unusable(path, f"was written by another version (table {table.name} differs)")

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _configure(connection: Any, record: object) -> None:
    del record
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit then survives the end of the process, but does not wait for the disk.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
