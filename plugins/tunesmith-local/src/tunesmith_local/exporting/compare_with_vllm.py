"""Compares the answers of vLLM with those of tunesmith, row by row. It needs Python alone.

Usage: python compare.py [ADDRESS] [MODEL], by default http://localhost:8000 and its first model.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TOLERANCE = 1e-4
"""Largest difference of a log-probability that passes, for a server in float32."""


def ask(address: str, path: str, body: Any = None) -> Any:
    """Return the answer of the server, as JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}{path}", data, headers)  # noqa: S310  # the user's
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


def with_text(body: Any, text: str) -> Any:
    """Return the request with ``text`` in place of its own."""
    changed = json.loads(json.dumps(body))
    for part in changed["messages"][0]["content"]:
        if part["type"] == "text":
            part["text"] = text
    return changed


def compared(expected: Any, answer: Any) -> tuple[bool, float]:
    """Return whether the tokens are equal, and the largest difference of a log-probability."""
    choice = answer["choices"][0]
    written = choice["logprobs"]["content"]
    ours, theirs = expected["token_ids"], [int(t["token"].rpartition(":")[2]) for t in written]
    # vLLM may list the token that ended the text; tunesmith leaves it out.
    same = theirs[: len(ours)] == ours and len(theirs) - len(ours) <= int(expected["ended"])
    same = same and (choice["finish_reason"] == "stop") == expected["ended"]
    pairs = zip(expected["logprobs"], (token["logprob"] for token in written), strict=False)
    return same, max((abs(a - b) for a, b in pairs), default=0.0)


def main(arguments: Sequence[str]) -> int:
    """Print a line for each row; return 0 if all agree."""
    address = (arguments[0] if arguments else "http://localhost:8000").rstrip("/")
    body = json.loads((FOLDER / "request.json").read_text(encoding="utf-8"))
    named = arguments[1] if len(arguments) > 1 else None
    body["model"] = named or ask(address, "/v1/models")["data"][0]["id"]
    body |= {"logprobs": True, "top_logprobs": 0, "return_tokens_as_token_ids": True}
    lines = (FOLDER / "expected.jsonl").read_text(encoding="utf-8").split("\n")
    rows, equal, worst = [json.loads(line) for line in lines if line], 0, 0.0
    for number, row in enumerate(rows):
        answer = ask(address, "/v1/chat/completions", with_text(body, row["text"]))
        same, difference = compared(row, answer)
        equal, worst = equal + same, max(worst, difference)
        said = answer["choices"][0]["message"]["content"]
        print(f"row {number}: {'equal' if same else 'DIFFERENT'} {said!r}, {difference:.2g}")
    print(f"{equal} of {len(rows)} rows have equal tokens")
    print(f"largest difference of a log-probability: {worst:.2g} (at most {TOLERANCE:g} passes)")
    return 0 if equal == len(rows) and worst <= TOLERANCE else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:  # the server is not there, or refused the request
        sys.exit(f"{error}; start the server with serve.sh, and give its address")
