"""A client of the emulator that uploads, tunes, deploys and asks, whatever the disk does.

It does again what failed, as the answer says, and goes on after a killed emulator. What was
acknowledged is never done again: it must still be there.
"""

from __future__ import annotations

import json
import logging
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.rows import BAD, GOOD, labelled

from tunesmith.errors import BackendError

COMPLAINT = "complaint: "
"""Begins a line about an answer that does not say what happened and what to do."""
_DATA = Path("data")
ACKNOWLEDGED = Path("../acknowledged.json")
"""Outside of the folder that the disk fails for: a client has a disk of its own."""
_MODEL = "ibm/granite-13b-instruct-v2"
_VERSION = {"version": "2026-10-14"}
_UNDER_WAY = {"queued", "pending", "running", "storing", "initializing", "updating"}
_REMEDIES = ("again", "log has the reason")
_ATTEMPTS, _PATIENCE = 4, 60


def through() -> None:
    """Start the emulator on a folder, and use it to the end."""
    from tunesmith.cli import failures

    logging.disable(logging.CRITICAL)
    try:
        from tunesmith_emulator import Emulator

        with Emulator("sklearn", data_dir=_DATA, projects=("p",)) as emulator:
            print(_Client(emulator.url, emulator.ca_file).answers())
    except Exception as error:  # noqa: BLE001  # as the command line does
        sys.exit(failures.report(error, debug=False))


class _Client:
    """Remembers what the service acknowledged, as a client's own database would."""

    def __init__(self, url: str, ca_file: Path) -> None:
        import httpx

        self._known: dict[str, str] = {}
        if ACKNOWLEDGED.exists():
            self._known = json.loads(ACKNOWLEDGED.read_text())
        context = ssl.create_default_context(cafile=str(ca_file))
        self._http = httpx.Client(base_url=url, verify=context, timeout=_PATIENCE)
        grant = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "any"}
        token = self._http.post("/identity/token", data=grant).json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def answers(self) -> list[str]:
        """Return the answers of a deployment of a tuned model."""
        asset = self._once("asset", self._asset)
        self._once("uploaded", lambda: self._upload(asset))
        model = self._ended("training", lambda: self._training(asset), "/ml/v4/trainings")
        ident = model["entity"]["model_id"]
        deployment = self._ended(
            "deployment", lambda: self._deployment(ident), "/ml/v4/deployments"
        )["metadata"]["id"]
        path = f"/ml/v1/deployments/{deployment}/text/generation"
        # A deployment has its project; the service refuses one in the body.
        asked = (self._send("POST", path, params=_VERSION, json={"input": t}) for t in GOOD + BAD)
        return [answer.json()["results"][0]["generated_text"] for answer in asked]

    def _once(self, name: str, make: Callable[[], str]) -> str:
        if name not in self._known:
            self._known[name] = make()
            # At once: this process may be killed here, too.
            new = ACKNOWLEDGED.with_suffix(".new")
            new.write_text(json.dumps(self._known))
            new.replace(ACKNOWLEDGED)
        return self._known[name]

    def _asset(self) -> str:
        body = {"metadata": {"name": "rows.json", "asset_type": "data_asset"}, "entity": {}}
        ident: str = self._ask("POST", "/v2/assets", body)["metadata"]["asset_id"]
        return ident

    def _upload(self, asset: str) -> str:
        path = f"/v2/assets/{asset}/attachments"
        announced = self._ask("POST", path, {"name": "rows.json"})
        self._send("PUT", announced["url1"], content=json.dumps(labelled(4)).encode())
        self._ask("POST", f"{path}/{announced['attachment_id']}/complete", {})
        ident: str = announced["attachment_id"]
        return ident

    def _training(self, asset: str) -> str:
        tuning = {
            "base_model": {"model_id": _MODEL}, "task_id": "classification", "num_epochs": 1,
            "learning_rate": 0.1, "batch_size": 4, "accumulate_steps": 1, "max_input_tokens": 64,
            "max_output_tokens": 4,
        }  # fmt: skip
        body = {
            "name": "a tuning",
            "auto_update_model": True,
            "training_data_references": [{"type": "data_asset", "location": {"id": asset}}],
            "results_reference": {"type": "container", "location": {"path": "results"}},
            "prompt_tuning": tuning,
        }
        ident: str = self._ask("POST", "/ml/v4/trainings", body)["metadata"]["id"]
        return ident

    def _deployment(self, model: str) -> str:
        body = {"name": "served", "asset": {"id": model}, "online": {}}
        ident: str = self._ask("POST", "/ml/v4/deployments", body)["metadata"]["id"]
        return ident

    def _ended(self, name: str, make: Callable[[], str], path: str) -> dict[str, Any]:
        """Return the finished resource; one that failed is made again."""
        for _ in range(_ATTEMPTS):
            found = self._settled(f"{path}/{self._once(name, make)}")
            status = found["entity"]["status"]
            if status["state"] in ("completed", "ready"):
                return found
            _judge(f"{name} {status['state']}", json.dumps(status))
            del self._known[name]
        raise BackendError(f"{path}: {status}; try again")

    def _settled(self, path: str) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while True:
            found = self._ask("GET", path)
            if found["entity"]["status"]["state"] not in _UNDER_WAY:
                return found
            if time.monotonic() > until:  # the end cannot be stored: the disk is full
                raise BackendError(f"{path}: {found['entity']['status']['state']}; try again")
            time.sleep(0.02)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        scope = {"project_id": "p"}
        given = {} if body is None else {"json": body | scope}
        answer: dict[str, Any] = self._send(method, path, params=_VERSION | scope, **given).json()
        return answer

    def _send(self, method: str, path: str, **given: Any) -> Any:
        for _ in range(_ATTEMPTS):
            response = self._http.request(method, path, **given)
            if response.status_code < 500:
                assert response.is_success, f"{method} {path}: {response.text}"
                return response
            _judge(f"{method} {path}", response.text)
        raise BackendError(f"{path}: {response.text}; try again")


def _judge(what: str, text: str) -> None:
    if not any(remedy in text for remedy in _REMEDIES):
        print(f"{COMPLAINT}{what}: {text}", file=sys.stderr)
