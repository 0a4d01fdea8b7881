"""The cost of the emulator's lists as more is stored, and of many deployments.

Every line is a ratio of two times of one run: a page of 20 out of ``--many``, to a page of 20 out
of 100; deployments on the backend sklearn, to as many requests that only read.

    python tests/benchmarks/emulator_scale.py [--many 5000] [--deployments 1000]
"""

from __future__ import annotations

import argparse
import ssl
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx

from tunesmith_emulator import Emulator
from tunesmith_emulator.database import (
    ArtifactRow,
    AssetRow,
    AttachmentRow,
    DeploymentRow,
    TrainingRow,
    new_id,
)

FEW, PAGE, REPEATS = 100, 20, 40
MODEL = {
    "method": {"verbalizer": "{{input}}"},
    "details": {"notes": ["a tuned model has a long record"] * 40},
}
REQUEST = {"training_data_references": [], "auto_update_model": True}
BASE_MODEL = "ibm/granite-13b-instruct-v2"


class Client:
    """A client of two projects: one has few resources, the other has many."""

    def __init__(self, url: str, ca_file: str) -> None:
        verify = ssl.create_default_context(cafile=ca_file)
        self.http = httpx.Client(base_url=url, verify=verify, timeout=60)
        token = self.http.post("/identity/token", data={"apikey": "any"}).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, project: str, **given: Any) -> Any:
        query = {"version": "2026-10-14", "project_id": project, **given.pop("query", {})}
        answer = self.http.request(method, path, params=query, **given)
        answer.raise_for_status()
        return answer.json()

    def pages(self) -> dict[str, Callable[[str], Any]]:
        """Return the requests for a page, by name."""

        def listed(path: str, **query: str) -> Callable[[str], Any]:
            return lambda p: self.ask("GET", path, p, query={"limit": str(PAGE), **query})

        def search(**more: Any) -> Callable[[str], Any]:
            body = {"query": "*:*", "limit": PAGE, **more}
            return lambda p: self.ask("POST", "/v2/asset_types/data_asset/search", p, json=body)

        trainings, deployments = "/ml/v4/trainings", "/ml/v4/deployments"
        return {
            "assets": search(),
            "assets, from the 81st on": search(bookmark="80"),
            "models": listed("/ml/v4/models"),
            "trainings": listed(trainings),
            "trainings, counted": listed(trainings, total_count="true"),
            "trainings, by a state of every row": listed(trainings, state="completed"),
            "trainings, by a state of no row": listed(trainings, state="failed"),
            "trainings, by a tag of every row": listed(trainings, **{"tag.value": "common"}),
            "trainings, by a tag of one row": listed(trainings, **{"tag.value": "rare"}),
            "deployments": listed(deployments),
            "deployments, by the asset of every row": listed(deployments, asset_id="common"),
            "deployments, by a name of one row": listed(deployments, name="0"),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=5000)
    parser.add_argument("--deployments", type=int, default=1000)
    asked = parser.parse_args()
    with Emulator("sklearn") as emulator:
        place = emulator.url, str(emulator.ca_file)
        client = Client(*place)
        for project, rows in (("few", FEW), ("many", asked.many)):
            client.ask("GET", f"/v2/projects/{project}", project)
            fill(emulator, project, rows)
        for name, page in client.pages().items():
            few, many = compared(page)
            print(f"{name:40s} {PAGE} of {asked.many} / {PAGE} of {FEW}: {many / few:5.2f} x "
                  f"({few * 1000:.1f} ms, {many * 1000:.1f} ms)")  # fmt: skip
        emulator.reset()
        # A client is another process: in this one it would take the interpreter from the server.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            print(pool.submit(deployed, *place, emulator.project_id, asked.deployments).result())


def fill(emulator: Emulator, project: str, rows: int) -> None:
    """Store ``rows`` resources of each kind, as the service stores them."""
    scope = {"scope_kind": "project", "scope_id": project}
    model = {"base_model_id": BASE_MODEL, "model": MODEL}
    with emulator.services.database.session() as session:
        for n in range(rows):
            asset = AssetRow(id=new_id(), name=str(n), asset_type="data_asset", **scope)
            tuned = AssetRow(id=new_id(), name=str(n), asset_type="wml_model", **model, **scope)
            session.add_all([asset, tuned])
            session.flush()
            session.add(ArtifactRow(id=tuned.id, document={"type": "prompt_tune_1.0"}))
            session.add(AttachmentRow(asset_id=asset.id, name="rows.json", mime_type="x", size=1))
            session.add(
                DeploymentRow(name=str(n), asset_id="common", state="ready", **model, **scope)
            )
            session.add(
                TrainingRow(
                    name=str(n), kind="prompt_tuning", request=REQUEST, base_model_id=BASE_MODEL,
                    parameters={}, method={"name": "tfidf_logreg", "settings": {}}, model=MODEL,
                    state="completed", tags=["common", *(["rare"] if n == 0 else [])], **scope,
                )
            )  # fmt: skip


def compared(page: Callable[[str], Any]) -> tuple[float, float]:
    """Return the median seconds of a page in the project with few and in that with many rows."""
    spent: dict[str, list[float]] = {"few": [], "many": []}
    for _ in range(REPEATS):  # in turn, so that both have the same machine
        for project, times in spent.items():
            began = time.perf_counter()
            page(project)
            times.append(time.perf_counter() - began)
    return statistics.median(spent["few"]), statistics.median(spent["many"])


def deployed(url: str, ca_file: str, project: str, count: int) -> str:
    """Deploy one model ``count`` times, and return when all were ready."""
    client = Client(url, ca_file)
    model = tuned(client, project)
    began = time.perf_counter()
    for n in range(count):
        body = {"name": str(n), "project_id": project, "asset": {"id": model}, "online": {}}
        client.ask("POST", "/ml/v4/deployments", project, json=body)
    accepted = time.perf_counter()
    waiting = {"limit": "1", "state": "initializing"}
    while client.ask("GET", "/ml/v4/deployments", project, query=waiting)["resources"]:
        time.sleep(0.01)
    ready = time.perf_counter()
    for _ in range(count):
        client.ask("GET", f"/v2/projects/{project}", project)
    plain = time.perf_counter() - ready
    return (
        f"{count} deployments: accepted in {accepted - began:.1f} s, ready "
        f"{ready - accepted:.2f} s later; {(ready - began) / plain:.2f} x the time of as many "
        "requests for a project"
    )


def tuned(client: Client, project: str) -> str:
    """Tune a model; return its id."""
    rows = [{"input": f"{text} {n}", "output": label} for n in range(8)
            for text, label in (("good", "1"), ("bad", "0"))]  # fmt: skip
    made = client.ask("POST", "/v2/assets", project, json={"metadata": {"name": "rows.json"}})
    asset = made["metadata"]["asset_id"]
    path = f"/v2/assets/{asset}/attachments"
    announced = client.ask("POST", path, project, json={"name": "rows.json"})
    client.http.put(announced["url1"], json=rows).raise_for_status()
    client.ask("POST", f"{path}/{announced['attachment_id']}/complete", project)
    body = {
        "name": "tuned", "project_id": project, "auto_update_model": True,
        "training_data_references": [{"type": "data_asset", "location": {"id": asset}}],
        "prompt_tuning": {"base_model": {"model_id": BASE_MODEL}},
    }  # fmt: skip
    training = client.ask("POST", "/ml/v4/trainings", project, json=body)["metadata"]["id"]
    while "model_id" not in (
        entity := client.ask("GET", f"/ml/v4/trainings/{training}", project)["entity"]
    ):
        assert entity["status"]["state"] != "failed", entity["status"]
        time.sleep(0.05)
    return str(entity["model_id"])


if __name__ == "__main__":
    main()
