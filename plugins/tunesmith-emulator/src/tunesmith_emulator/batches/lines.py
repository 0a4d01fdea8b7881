"""The lines of a batch: the requests in its input file, and the answers in its output file."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunesmith_emulator.database import utc_now
from tunesmith_emulator.times import milliseconds

JSON = dict[str, Any]
MOST = 50_000
"""The requests of one batch."""
_TOLD = 100
"""The problems that one batch tells."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a batch."""

    custom_id: str
    body: JSON


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line."""

    line: int
    message: str

    def entry(self) -> JSON:
        """Return the problem as a batch shows it."""
        return {"code": "invalid_request_entity", "line": self.line, "message": self.message}


def read(content: bytes, endpoint: str) -> tuple[list[Request], list[Problem]]:
    """Return the requests of an input file for ``endpoint``, and what is wrong with it."""
    requests, problems, known = list[Request](), list[Problem](), set[str]()
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        found = _request(line, endpoint)
        if isinstance(found, Request) and found.custom_id in known:
            found = f"custom_id {found.custom_id[:80]!r} is there twice"
        if isinstance(found, str):
            problems.append(Problem(number, found))
        else:
            known.add(found.custom_id)
            requests.append(found)
        if len(problems) == _TOLD:
            break
    if not requests and not problems:
        problems.append(Problem(1, "there are no requests; write one on each line"))
    if len(requests) > MOST:
        problems.append(Problem(MOST + 1, f"a batch has at most {MOST} requests"))
    return requests, problems


def answered(request: Request, status: int, body: JSON) -> str:
    """Return the line of an answer; its time is in seconds (recorded)."""
    line = {
        "id": str(uuid.uuid4()),
        "custom_id": request.custom_id,
        "response": {"status_code": status, "request_id": request.custom_id, "body": body},
        "processed_at": milliseconds(utc_now()) // 1000,
    }
    return json.dumps(line, ensure_ascii=False, allow_nan=False)


def _request(line: bytes, endpoint: str) -> Request | str:
    try:
        given: Any = json.loads(line)
    except (ValueError, RecursionError):
        return "the line is no JSON"
    if not isinstance(given, dict):
        return "the line is no JSON object"
    return next(_problems(given, endpoint), None) or Request(given["custom_id"], given["body"])


def _problems(given: JSON, endpoint: str) -> Iterator[str]:
    custom_id = given.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        yield "custom_id must be text"
    if given.get("method") != "POST":
        yield "method must be 'POST'"
    if given.get("url") != endpoint:
        yield f"url must be the endpoint of the batch, {endpoint!r}"
    if not isinstance(given.get("body"), dict):
        yield "body must be an object"
