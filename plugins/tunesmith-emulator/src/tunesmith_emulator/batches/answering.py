"""The answer to one request of a batch: the chat of the service, with OpenAI's names."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tunesmith_emulator.inference import scripted
from tunesmith_emulator.inference.service import Inference

JSON = dict[str, Any]
Answer = Callable[[JSON], JSON]
"""Answers the body of a chat that names its project; raises a ServiceError."""
_OPENAI = ("model", "stream")
"""The fields of OpenAI; a batch never streams."""


def answers(inference: Inference, scripts: scripted.Scripted) -> Answer:
    """Return what answers a request, by a script if there is one."""

    def answer(body: JSON) -> JSON:
        chat = {name: value for name, value in body.items() if name not in _OPENAI}
        chat["model_id"] = body.get("model", body.get("model_id"))
        reply = scripts.find("POST /ml/v1/text/chat", chat, None)
        if reply is None:
            return _as_completion(inference.chat(chat))
        time.sleep(reply.answer.delay)
        return _as_completion(scripted.chat(reply))

    return answer


def _as_completion(answer: JSON) -> JSON:
    # Only OpenAI's field has the model's id (recorded).
    model = answer["model_id"]
    return {**answer, "object": "chat.completion", "model": model, "model_id": ""}
