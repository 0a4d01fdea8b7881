"""Finds what a server offers for a model, by one small request of each kind."""

from __future__ import annotations

from typing import Any

import openai

from tunesmith.errors import PredictionError
from tunesmith_openai.chat import positions_of, usage_of
from tunesmith_openai.connection import Connection
from tunesmith_openai.decisions import Wire, decide
from tunesmith_openai.errors import NOT_OFFERED, reason
from tunesmith_openai.offers import Offer

_WIRES: tuple[Wire, ...] = ("decisions", "systemone")
_MOST, _FEWER = 20, 5
"""Candidates for each token: the most that OpenAI gives, and what smaller servers give."""
_ROOM = 16
"""Tokens of an answer. A reasoning model refuses fewer."""
_QUESTION = "Is the sky blue? Answer with yes or no."


def find_offer(connection: Connection, model: str) -> Offer:
    """Ask the server, with two to seven requests of a few tokens.

    Raises:
        BackendError: the server failed or refused the key, so that nothing was found out.
    """
    base_url, host = connection.options.base_url, connection.options.host
    with connection.call(f"asking {host} for a decision of {model!r}"):
        wire = next((wire for wire in _WIRES if _decides(connection, wire, model)), None)
    with connection.call(f"asking {host} for a chat with {model!r}"):
        found = _chat(connection, model)
    return Offer(base_url=base_url, model=model, wire=wire, **found)


def _decides(connection: Connection, wire: Wire, model: str) -> bool:
    try:
        found = decide(connection.client, wire, model, _QUESTION, ("yes", "no"))
    except PredictionError:
        return False  # something else answered under this address
    except openai.APIStatusError as error:
        if error.status_code not in NOT_OFFERED:
            raise
        return False
    connection.count(found.usage)
    return True


def _chat(connection: Connection, model: str) -> dict[str, Any]:
    """Return the fields of an offer that are about chats; none if the model does not chat."""
    messages: Any = [{"role": "user", "content": _QUESTION}]
    body: dict[str, Any] = {"max_tokens": _ROOM, "temperature": 0.0, **_logprobs(_MOST)}
    while True:
        try:
            answer: Any = connection.client.chat.completions.create(
                model=model, messages=messages, **body
            )
        except openai.APIStatusError as error:
            if error.status_code not in NOT_OFFERED:
                raise
            if not _adapted(body, error):
                return {}
        else:
            return _found(connection, answer, body)


def _found(connection: Connection, answer: Any, body: dict[str, Any]) -> dict[str, Any]:
    try:
        # A server may ignore parameters that it does not know.
        scored = any(len(one.candidates) > 1 for one in positions_of(answer))
    except PredictionError:
        return {}
    connection.count(usage_of(answer))
    return {
        "chats": True,
        "limit": "max_tokens" if "max_tokens" in body else "max_completion_tokens",
        "greedy": "temperature" in body,
        "logprobs": body.get("top_logprobs", 0) if scored else 0,
    }


def _adapted(body: dict[str, Any], error: openai.APIStatusError) -> bool:
    """Change the parameter that the server refused; return whether there was one to change."""
    if error.status_code not in (400, 422):
        return False
    said = f"{error.param} {reason(error)}"
    if "max_tokens" in body and "max_tokens" in said:
        body["max_completion_tokens"] = body.pop("max_tokens")
    elif "temperature" in body and "temperature" in said:
        del body["temperature"]
    elif body.get("top_logprobs") == _MOST and "top_logprobs" in said:
        body |= _logprobs(_FEWER)
    elif "logprobs" in body:
        del body["logprobs"], body["top_logprobs"]
    else:
        return False
    return True


def _logprobs(candidates: int) -> dict[str, Any]:
    return {"logprobs": True, "top_logprobs": candidates}
