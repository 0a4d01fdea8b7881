"""The routes of prompt templates."""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from tunesmith_emulator.prompts.service import Lock, NewTemplate
from tunesmith_emulator.prompts.template import ChatItem, Template
from tunesmith_emulator.routes.bodies import AnyJsonBody, JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf


def create(services: ServicesOf, scope: ScopeOf, body: JsonBody) -> JSON:
    """Store a prompt template."""
    return services.prompts.create(scope, body)


def get(prompt_id: str, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return a prompt template. Clients ask at every deployment, to learn whether it is one."""
    return services.prompts.get(scope, prompt_id)


def change(prompt_id: str, services: ServicesOf, scope: ScopeOf, body: JsonBody) -> JSON:
    """Change a prompt template."""
    return services.prompts.change(scope, prompt_id, body)


def delete(prompt_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Delete a prompt template."""
    services.prompts.delete(scope, prompt_id)


def rendered(prompt_id: str, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return the text of a prompt template, variables in braces."""
    return {"input": services.prompts.template(scope, prompt_id).rendered}


def lock(prompt_id: str, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return the lock of a prompt template."""
    return services.prompts.lock(scope, prompt_id)


def set_lock(prompt_id: str, services: ServicesOf, scope: ScopeOf, body: AnyJsonBody) -> JSON:
    """Lock or unlock a prompt template."""
    return services.prompts.set_lock(scope, prompt_id, body)


def add_chat_items(prompt_id: str, services: ServicesOf, scope: ScopeOf, body: AnyJsonBody) -> JSON:
    """Append turns to a chat prompt."""
    services.prompts.add_chat_items(scope, prompt_id, body)
    return {}


class _ChatItems(RootModel[list[ChatItem]]):
    """Turns."""


class _Prompt(BaseModel):
    id: str
    name: str
    input_mode: str
    prompt: JSON
    prompt_variables: JSON
    is_template: bool
    lock: JSON


class _Text(BaseModel):
    input: str


class _Lock(BaseModel):
    locked: bool
    locked_by: str | None = None
    lock_type: str | None = None


_BY_ID = "/wx/v1/prompts/{prompt_id}"
ROUTES = (
    Route(
        "POST",
        "/wx/v1/prompts",
        create,
        ("sdk", "recorded"),
        "prompts",
        status=201,
        body=NewTemplate,
        answer=_Prompt,
    ),
    Route("GET", _BY_ID, get, ("sdk", "recorded"), "prompts", answer=_Prompt),
    Route(
        "PATCH",
        _BY_ID,
        change,
        ("sdk", "recorded"),
        "prompts",
        body=Template,
        answer=_Prompt,
        note="A locked template can be changed: every client is the user who holds the lock.",
    ),
    Route(
        "DELETE",
        _BY_ID,
        delete,
        ("sdk",),
        "prompts",
        status=204,
        note="409 if it is locked or deployed (inferred).",
    ),
    Route(
        "POST",
        f"{_BY_ID}/input",
        rendered,
        ("sdk", "recorded"),
        "prompts",
        answer=_Text,
        note="Of a chat prompt: the system prompt and the turns as lines (inferred).",
    ),
    Route("GET", f"{_BY_ID}/lock", lock, ("sdk",), "prompts", answer=_Lock),
    Route("PUT", f"{_BY_ID}/lock", set_lock, ("sdk",), "prompts", body=Lock, answer=_Lock),
    Route(
        "POST",
        f"{_BY_ID}/chat_items",
        add_chat_items,
        ("sdk",),
        "prompts",
        status=201,
        body=_ChatItems,
    ),
)
