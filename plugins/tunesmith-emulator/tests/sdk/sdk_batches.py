"""The calls of batches, and of what they write into files."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from typing import Any

from sdk_world import MODEL_ID, World

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.foundation_models import BatchInference

Call = Callable[[World], Any]
CHATS = "/v1/chat/completions"


def _batches(w: World) -> BatchInference:
    return BatchInference(w.client)


def _new(w: World, requests: int = 2) -> dict[str, Any]:
    said = [{"role": "user", "content": "Hello"}]
    body = {"model": MODEL_ID, "messages": said, "max_tokens": 2}
    lines = [
        {"custom_id": str(number), "method": "POST", "url": CHATS, "body": body}
        for number in range(requests)
    ]
    path = w.named(".jsonl")
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return _batches(w).create(CHATS, "24h", metadata={"a": "b"}, input_file_path=path)


def _done(w: World) -> dict[str, Any]:
    ident = _batches(w).get_id(_new(w))
    until = time.monotonic() + 60
    while _batches(w).get_status(ident) in {"validating", "in_progress"}:
        assert time.monotonic() < until
        time.sleep(0.02)
    return _batches(w).get_details(ident)


def _output(w: World) -> bool:
    ident = _batches(w).get_output_file_id(_done(w))
    path = w.named(".jsonl")
    _batches(w).files.download(ident, path)
    answers = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {one["custom_id"] for one in answers} == {"0", "1"} and all(
        isinstance(one["response"]["body"]["choices"][0]["message"]["content"], str)
        for one in answers
    )


BATCHES: dict[str, Call] = {
    "BatchInference.create": lambda w: _new(w)["metadata"] == {"a": "b"},
    "BatchInference.get_id": lambda w: _batches(w).get_id(_new(w)).startswith("batch-"),
    "BatchInference.get_status": lambda w: _batches(w).get_status(_done(w)["id"]) == "completed",
    "BatchInference.get_details": lambda w: _done(w)["request_counts"]["completed"] == 2,
    "BatchInference.get_output_file_id": _output,
    "BatchInference.cancel": lambda w: (
        _batches(w).cancel(_new(w, 200)["id"])["status"] in {"cancelling", "cancelled"}
    ),
    "BatchInference.list": lambda w: _new(w)["id"] in set(_batches(w).list()["BATCH_ID"]),
}
