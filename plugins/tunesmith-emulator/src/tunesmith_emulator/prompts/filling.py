"""Requests to a deployment of a prompt template become requests to its base model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.prompts.template import Template

JSON = dict[str, Any]
_VARIABLES = "parameters.prompt_variables"


def generation_body(template: Template, body: Mapping[str, Any]) -> JSON:
    """Return the body of a text generation, with the filled template as its input.

    The parameters of the template are the defaults of those in ``body``.

    Raises:
        ServiceError: 400, names the field.
    """
    if body.get("input"):
        raise wrong_field(
            "input",
            f"input belongs to the prompt template; give its variables in {_VARIABLES}.",
        )
    given = body.get("parameters") or {}
    if not isinstance(given, Mapping):
        raise wrong_field("parameters", "parameters must be an object.")
    values = given.get("prompt_variables") or {}
    if not isinstance(values, Mapping) or not all(isinstance(v, str) for v in values.values()):
        raise wrong_field(_VARIABLES, f"{_VARIABLES} must be an object of texts.")
    merged = {**template.prompt.model_parameters, **given}
    merged.pop("prompt_variables", None)
    return {**body, "input": template.filled(values), "parameters": merged}


def chat_body(template: Template, body: Mapping[str, Any]) -> JSON:
    """Return the body of a chat that begins with the turns of a chat prompt.

    Raises:
        ServiceError: 400, the template is no chat prompt.
    """
    if template.input_mode != "chat":
        raise wrong_field(
            "messages",
            "The deployment answers with a prompt template that is no chat prompt; ask it under "
            "text/generation.",
        )
    messages = body.get("messages")
    if not isinstance(messages, list):
        return dict(body)  # refused as in every chat
    return {**body, "messages": [*template.conversation(), *messages]}
