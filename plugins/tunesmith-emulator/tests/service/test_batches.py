"""Batches of chats, and their files, over plain REST."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from service_rest import MODEL_ID, VERSION, Rest, refusal

from tunesmith_emulator import Emulator

CHATS = "/v1/chat/completions"
ENDED = {"completed", "failed", "cancelled"}


def line(custom_id: str, **changed: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": f"visit {custom_id}"}]
    body = {"model": MODEL_ID, "messages": said, "max_tokens": 2}
    return {"custom_id": custom_id, "method": "POST", "url": CHATS, "body": body} | changed


class Client:
    """What a client of batches sends: its key as the token, its project in a header."""

    def __init__(self, rest: Rest, key: str = "any") -> None:
        self.http = rest.http
        self.headers = {
            "Authorization": f"Bearer {key}",
            "X-IBM-Project-ID": rest.scope["project_id"],
        }

    def ask(self, method: str, path: str, **given: Any) -> Any:
        query = VERSION | given.pop("params", {})
        return self.http.request(
            method, f"/ml/v1/{path}", params=query, headers=self.headers, **given
        )

    def json(self, method: str, path: str, **given: Any) -> Any:
        answer = self.ask(method, path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, lines: Sequence[Any], **form: str) -> str:
        content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        form = {"purpose": "batch"} | form
        found = self.json(
            "POST", "files", files={"file": ("requests.jsonl", content.encode())}, data=form
        )
        assert found["bytes"] == len(content)
        ident: str = found["id"]
        return ident

    def create(self, file: str, **changed: Any) -> dict[str, Any]:
        body = {"input_file_id": file, "endpoint": CHATS, "completion_window": "24h"} | changed
        found: dict[str, Any] = self.json("POST", "batches", json=body)
        return found

    def ended(self, batch: str) -> dict[str, Any]:
        until = time.monotonic() + 120
        while (found := self.json("GET", f"batches/{batch}"))["status"] not in ENDED:
            assert time.monotonic() < until, found
            time.sleep(0.02)
        return dict(found)

    def lines_of(self, file: str) -> list[dict[str, Any]]:
        content = self.ask("GET", f"files/{file}/content").text
        return [json.loads(one) for one in content.splitlines()]


@pytest.fixture
def clients(rest_for: Callable[..., Rest]) -> Callable[..., Client]:
    return lambda running, **given: Client(rest_for(running, **given))


def test_each_request_is_answered_as_a_chat(local: Emulator, clients, rest_for) -> None:
    client, rest = clients(local), rest_for(local)
    file = client.upload([line("a"), "", line("b")])
    made = client.create(file, metadata={"by": "me"})
    assert made["status"] == "validating"
    assert made["expires_at"] - made["created_at"] == 24 * 3600
    done = client.ended(made["id"])
    assert done["status"] == "completed"
    assert done["metadata"] == {"by": "me"}
    assert done["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert "error_file_id" not in done
    assert done["created_at"] <= done["in_progress_at"] <= done["completed_at"]
    answers = client.lines_of(done["output_file_id"])
    assert [one["custom_id"] for one in answers] == ["a", "b"]
    body = line("a")["body"]
    said = rest.post("/ml/v1/text/chat", {"model_id": body.pop("model"), **body})
    found = answers[0]["response"]["body"]
    assert found["choices"] == said["choices"]
    assert found["usage"] == said["usage"]
    assert (found["model"], found["object"]) == (MODEL_ID, "chat.completion")


def test_a_request_that_is_refused_is_in_the_file_of_errors(local: Emulator, clients) -> None:
    client = clients(local)
    wrong = line("b")
    wrong["body"] = wrong["body"] | {"model": "no/model"}
    done = client.ended(client.create(client.upload([line("a"), wrong]))["id"])
    assert done["status"] == "completed"
    assert done["request_counts"] == {"total": 2, "completed": 1, "failed": 1}
    assert [one["custom_id"] for one in client.lines_of(done["output_file_id"])] == ["a"]
    (failed,) = client.lines_of(done["error_file_id"])
    assert failed["response"]["status_code"] == 404
    assert failed["response"]["body"]["errors"][0]["code"] == "model_not_supported"


def test_a_scripted_answer_counts(emulator: Emulator, clients) -> None:
    client = clients(emulator)
    emulator.answer({"last_message": "visit b"}, text="scripted")
    emulator.answer({"last_message": "visit c"}, error={"status": 429})
    requests = [line("b"), line("c")]
    done = client.ended(client.create(client.upload(requests))["id"])
    (answer,) = client.lines_of(done["output_file_id"])
    assert answer["response"]["body"]["choices"][0]["message"]["content"] == "scripted"
    (failed,) = client.lines_of(done["error_file_id"])
    assert failed["response"]["status_code"] == 429


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (["{"], "no JSON"),
        (["[]"], "no JSON object"),
        ([" "], "no requests"),
        ([line("a"), line("a")], "twice"),
        ([line("")], "custom_id"),
        ([line("a", method="GET")], "method"),
        ([line("a", url="/v1/embeddings")], "url"),
        ([line("a", body="x")], "body"),
    ],
    ids=str,
)
def test_a_wrong_file_fails_the_batch(emulator: Emulator, clients, lines, named) -> None:
    client = clients(emulator)
    done = client.ended(client.create(client.upload(lines))["id"])
    assert done["status"] == "failed"
    (error,) = done["errors"]["data"]
    assert named in error["message"]
    assert error["line"] == len(lines)
    assert done["request_counts"]["total"] == 0


def test_a_cancelled_batch_keeps_its_answers(emulator: Emulator, clients) -> None:
    client = clients(emulator)
    emulator.answer(text="slow", delay=0.2)
    made = client.create(client.upload([line(str(number)) for number in range(50)]))
    other = client.create(client.upload([line("waits")]))
    while client.json("GET", f"batches/{made['id']}")["request_counts"]["completed"] < 1:
        time.sleep(0.02)
    for one in (made, other):
        assert client.json("POST", f"batches/{one['id']}/cancel")["status"] == "cancelling"
    done = client.ended(made["id"])
    assert done["status"] == "cancelled"
    assert 1 <= done["request_counts"]["completed"] < 50
    answers = client.lines_of(done["output_file_id"])
    assert len(answers) == done["request_counts"]["completed"]
    assert "output_file_id" not in client.ended(other["id"])
    refused = client.ask("POST", f"batches/{made['id']}/cancel")
    assert refusal(refused, 409)["code"] == "batch_ended"


def test_files_and_batches_are_listed_and_deleted(emulator: Emulator, clients) -> None:
    client = clients(emulator)
    emulator.answer(text="yes")
    files = [client.upload([line(str(number))]) for number in range(3)]
    listed = client.json("GET", "files", params={"order": "asc", "limit": "2"})
    assert [one["id"] for one in listed["data"]] == files[:2]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (*files[:2], True)
    rest = client.json("GET", "files", params={"order": "asc", "after": listed["last_id"]})
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (files[2:], False)
    assert client.json("GET", "files", params={"after": files[0]})["data"] == []
    batches = [client.create(file)["id"] for file in files]
    outputs = [client.ended(batch)["output_file_id"] for batch in batches]
    found = client.json("GET", "files", params={"purpose": "batch_output"})["data"]
    assert [one["id"] for one in found] == outputs[::-1]
    page = client.json("GET", "batches", params={"limit": "2"})
    assert [one["id"] for one in page["data"]] == batches[:0:-1]
    assert (
        client.json("GET", "batches", params={"after": page["last_id"]})["data"][0]["id"]
        == (batches[0])
    )
    assert client.json("DELETE", f"files/{files[0]}")["deleted"]
    refusal(client.ask("GET", f"files/{files[0]}/content"), 404)


def test_refusals(emulator: Emulator, clients) -> None:
    client, stranger = clients(emulator), clients(emulator, project="another")
    file = client.upload([line("a")])
    batch = client.create(file)["id"]
    for path in (f"files/{file}", f"files/{file}/content", f"batches/{batch}", "files/x"):
        refusal(stranger.ask("GET", path), 404)
    right = {"input_file_id": file, "endpoint": CHATS, "completion_window": "24h"}
    for field, wrong in (
        ("endpoint", "/v1/embeddings"),
        ("completion_window", "soon"),
        ("completion_window", "0h"),
        ("input_file_id", ""),
        ("metadata", {"a": 1}),
    ):
        refused = client.ask("POST", "batches", json=right | {field: wrong})
        assert refusal(refused, 400)["target"]["name"].startswith(field)
    refusal(client.ask("POST", "batches", json=right | {"input_file_id": "file-x"}), 404)
    output = client.ended(batch)["error_file_id"]
    refused = client.ask("POST", "batches", json=right | {"input_file_id": output})
    assert refusal(refused, 400)["target"]["name"] == "input_file_id"
    for query in ({"limit": "0"}, {"limit": "101"}, {"after": "x"}, {"after": "x" * 4000}):
        refusal(client.ask("GET", "batches", params=query), 400)
    for query in ({"order": "up"}, {"limit": "10001"}, {"after": batch}):
        refusal(client.ask("GET", "files", params=query), 400)
    given = {"file": ("a.jsonl", b"x")}
    refused = client.ask("POST", "files", files=given, data={"purpose": "fine-tune"})
    assert refusal(refused, 400)["target"]["name"] == "purpose"
    refused = client.ask("POST", "files", files={"file": ("a", b"")}, data={"purpose": "batch"})
    assert refusal(refused, 400)["target"]["name"] == "file"
    refusal(client.ask("POST", "files", content=b"x"), 415)
    del client.headers["X-IBM-Project-ID"]
    refusal(client.ask("GET", "batches"), 400)


def test_a_key_is_as_good_as_a_token_here_alone(start, rest_for) -> None:
    running = start("sklearn", api_keys=("right",))
    rest = rest_for(running, api_key="right")
    right, wrong = Client(rest, "right"), Client(rest, "wrong")
    assert right.json("GET", "batches")["data"] == []
    assert Client(rest, rest.token).json("GET", "files")["data"] == []
    refusal(wrong.ask("GET", "batches"), 401)
    refused = rest.http.get(
        "/ml/v4/trainings", params=VERSION | rest.scope, headers={"Authorization": "Bearer right"}
    )
    refusal(refused, 401)


def test_a_batch_begins_again_after_a_restart(start, rest_for, tmp_path) -> None:
    first = start("sklearn", data_dir=tmp_path)
    client = Client(rest_for(first))
    first.answer(text="slow", delay=0.3)
    batch = client.create(client.upload([line(str(number)) for number in range(20)]))["id"]
    while not client.json("GET", f"batches/{batch}")["request_counts"]["completed"]:
        time.sleep(0.02)
    first.stop()
    second = start("sklearn", data_dir=tmp_path, answers=[{"answer": {"text": "fast"}}])
    client = Client(rest_for(second))
    done = client.ended(batch)
    assert done["request_counts"] == {"total": 20, "completed": 20, "failed": 0}
    answers = client.lines_of(done["output_file_id"])
    assert {one["response"]["body"]["choices"][0]["message"]["content"] for one in answers} == {
        "fast"
    }


def test_a_reset_ends_what_runs(emulator: Emulator, clients) -> None:
    client = clients(emulator)
    emulator.answer(text="slow", delay=0.2)
    made = client.create(client.upload([line(str(number)) for number in range(50)]))
    while not client.json("GET", f"batches/{made['id']}")["request_counts"]["completed"]:
        time.sleep(0.02)
    emulator.reset()
    refusal(client.ask("GET", f"batches/{made['id']}"), 404)
    emulator.answer(text="next")
    done = client.ended(client.create(client.upload([line("a")]))["id"])
    assert done["status"] == "completed"
    assert len(client.json("GET", "files")["data"]) == 2
