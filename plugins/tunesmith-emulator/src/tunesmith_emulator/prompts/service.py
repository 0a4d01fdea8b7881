"""The rules of prompt templates. Each one is also an asset of type ``wx_prompt``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from tunesmith_emulator.database import AssetRow, Database, DeploymentRow, PromptRow, utc_now
from tunesmith_emulator.envelope import ServiceError, not_found, wrong_field
from tunesmith_emulator.fields import Body, nested
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.prompts.template import ChatItem, Template
from tunesmith_emulator.times import stamp

ASSET_TYPE = "wx_prompt"
_USER = "IBMid-emulator"


class Lock(Body):
    """The lock in a body."""

    locked: bool = Field(description="must be true or false")


class _StoredLock(Body):
    locked: bool = Field(default=False, description="must be true or false")


class NewTemplate(Template):
    """The body that makes a prompt template."""

    lock: _StoredLock = nested()


class Prompts:
    """The prompt templates of all projects and spaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, scope: ProjectScope, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store a prompt template.

        Raises:
            ServiceError: 400, names the field.
        """
        given = NewTemplate.read(body)
        asset = AssetRow(
            scope_kind=scope.kind,
            scope_id=scope.id,
            name=given.name,
            description=given.description,
            asset_type=ASSET_TYPE,
        )
        with self._database.session() as session:
            session.add(asset)
            session.flush()
            template = Template.read(body)
            row = PromptRow(id=asset.id, document=template.document(), locked=given.lock.locked)
            session.add(row)
        return _view(asset, row)

    def get(self, scope: ProjectScope, prompt_id: str) -> dict[str, Any]:
        """Return a prompt template."""
        with self._database.session() as session:
            return _view(*_rows(session, scope, prompt_id))

    def template(self, scope: ProjectScope, prompt_id: str) -> Template:
        """Return the template itself."""
        with self._database.session() as session:
            return Template.read(_rows(session, scope, prompt_id)[1].document)

    def change(
        self, scope: ProjectScope, prompt_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Replace the fields that ``body`` has; ``prompt`` is replaced as a whole.

        Its lock is no hindrance: every client is the user who holds it.

        Raises:
            ServiceError: 404; 400, names the field.
        """
        with self._database.session() as session:
            asset, row = _rows(session, scope, prompt_id)
            template = Template.read({**row.document, **body})
            row.document = template.document()
            asset.name, asset.description = template.name, template.description
            asset.modified_at = utc_now()
            session.flush()
            return _view(asset, row)

    def add_chat_items(self, scope: ProjectScope, prompt_id: str, body: Any) -> None:
        """Append turns to a chat prompt.

        Raises:
            ServiceError: 404; 400, it is no chat prompt, or an item is wrong.
        """
        items = _chat_items(body)
        with self._database.session() as session:
            asset, row = _rows(session, scope, prompt_id)
            if row.document["input_mode"] != "chat":
                raise wrong_field("prompt_id", "Only a prompt with input_mode chat has chat items.")
            prompt = row.document["prompt"]
            added = [item.model_dump(mode="json", exclude_none=True) for item in items]
            both = [*prompt.get("chat_items", ()), *added]
            row.document = {**row.document, "prompt": {**prompt, "chat_items": both}}
            asset.modified_at = utc_now()

    def lock(self, scope: ProjectScope, prompt_id: str) -> dict[str, Any]:
        """Return the lock."""
        with self._database.session() as session:
            return _lock(_rows(session, scope, prompt_id)[1])

    def set_lock(self, scope: ProjectScope, prompt_id: str, body: object) -> dict[str, Any]:
        """Lock or unlock.

        Raises:
            ServiceError: 404; 400, an unlocked prompt template is unlocked.
        """
        locked = Lock.read(body).locked
        with self._database.session() as session:
            _, row = _rows(session, scope, prompt_id)
            if not locked and not row.locked:
                raise ServiceError(
                    400, "invalid_request_entity", f"Prompt {prompt_id!r} is not locked."
                )
            row.locked = locked
            return _lock(row)

    def delete(self, scope: ProjectScope, prompt_id: str) -> None:
        """Delete a prompt template.

        Raises:
            ServiceError: 404; 409, it is locked, or a deployment answers with it.
        """
        with self._database.session() as session:
            asset, row = _rows(session, scope, prompt_id)
            if row.locked:
                raise ServiceError(
                    409, "prompt_locked", f"Prompt {prompt_id!r} is locked; unlock it first."
                )
            check_not_deployed(session, prompt_id)
            session.delete(asset)


def check_not_deployed(session: Session, prompt_id: str) -> None:
    """Check that no deployment answers with a prompt template.

    Raises:
        ServiceError: 409, names one that does.
    """
    users = session.query(DeploymentRow.id).where(DeploymentRow.asset_id == prompt_id)
    found = users.limit(1).scalar()
    if found is not None:
        raise ServiceError(
            409, "asset_in_use", f"The prompt is deployed; delete deployment {found!r} first."
        )


def _rows(session: Session, scope: ProjectScope, prompt_id: str) -> tuple[AssetRow, PromptRow]:
    asset, row = session.get(AssetRow, prompt_id), session.get(PromptRow, prompt_id)
    if asset is None or row is None or asset.scope != scope:
        raise not_found("prompt template", prompt_id)
    return asset, row


def _chat_items(body: Any) -> Sequence[ChatItem]:
    if not isinstance(body, list) or not body:
        raise wrong_field("chat_items", "The body must be a list with at least one chat item.")
    return [ChatItem.read(item, f"[{index}]") for index, item in enumerate(body)]


def _lock(row: PromptRow) -> dict[str, Any]:
    held = {"lock_type": "edit", "locked_by": _USER} if row.locked else {}
    return {"locked": row.locked, **held}


def _view(asset: AssetRow, row: PromptRow) -> dict[str, Any]:
    return {
        **row.document,
        "id": asset.id,
        "created_at": stamp(asset.created_at),
        "created_by": _USER,
        "last_updated_at": stamp(asset.modified_at),
        "last_updated_by": _USER,
        "is_template": bool(row.document.get("prompt_variables")),
        "prompt_variables": row.document.get("prompt_variables", {}),
        "lock": _lock(row),
        **asset.scope.entry(),
    }
