"""A thousand prompts behind one model, an overload, and a restart of ``tunesmith serve``.

The prompts are one tuned prompt, each with other random numbers added, and each has a model and a
deployment of its own. The server is a process of its own; its memory is what Linux calls resident.

    python -m tests.benchmarks.serve_scale [--prompts 1000] [--clients 500] [--seconds 60]

The last prompt is asked before and after a ``kill -9``. Fails if an answer has a status that the
documentation does not name.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
import torch
from safetensors.torch import load_file, save_file

from tunesmith import connect
from tunesmith.records import Deployment, TunedModel
from tunesmith.runs.run import ADAPTER, RunDirectory
from tunesmith_local.store import Store

from .serve_load import CHOICE, ROOT, started, tuned

ASKED = 400
"""Requests whose median is taken."""
KEY = "a-key-of-this-benchmark"
MB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    rows = json.loads((ROOT / "data/grooming_reviews/test.json").read_text("utf-8"))
    texts = [row["input"] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        files = deployed(Path(folder), asked.prompts + 1)
        scale(Path(folder), files, texts)
        overload(Path(folder), texts, asked.clients, asked.seconds)


def deployed(folder: Path, count: int) -> list[Path]:
    """Tune one prompt, and deploy ``count`` others like it; return their deployment files."""
    run = RunDirectory.load(tuned(folder))
    model = run.record.model
    assert model is not None
    with connect("local", store=folder / "store" / "local") as backend:
        store = Store(folder / "store" / "local")
        return [
            written(
                backend.deployer.deploy(
                    other(model, run.directory / ADAPTER, store, number), f"p{number:04d}"
                ),
                folder / f"p{number:04d}.json",
            )
            for number in range(count)
        ]


def other(model: TunedModel, adapter: Path, store: Store, number: int) -> TunedModel:
    """Put a prompt with other numbers into ``store``, as ``tunesmith import`` does."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(shutil.copytree(adapter, Path(made) / "adapter"))
        weights = folder / "adapter_model.safetensors"
        torch.manual_seed(number)
        tensors = load_file(weights)
        save_file({k: v + 0.001 * torch.randn_like(v) for k, v in tensors.items()}, weights)
        for name, changed in (
            (
                "tunesmith.json",
                {"weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()},
            ),
            ("tuned_model.json", {"id": f"{model.id}-{number}"}),
        ):
            found = json.loads((folder / name).read_text("utf-8"))
            (folder / name).write_text(json.dumps(found | changed))
        return store.adopt(folder, str(folder))


def written(deployment: Deployment, file: Path) -> Path:
    file.write_text(deployment.to_json())
    return file


class Served:
    """A process of ``tunesmith serve``."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        began = time.perf_counter()
        self._process, self.url = started(
            [sys.executable, "-m", "tunesmith", "serve", *arguments, "--prompts", str(folder),
             "--runs-dir", str(folder), "--admin-key", KEY, "--port", "0", "--json"],
        )  # fmt: skip
        self.ready_after = time.perf_counter() - began
        self.http = httpx.Client(base_url=self.url, timeout=600, trust_env=False)

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MB

    def add(self, name: str, file: Path) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        body = {"path": file.name}
        response = self.http.post(f"/v1/prompts/{name}", json=body, headers=headers)
        assert response.is_success, response.text

    def ask(self, model: str, text: str) -> dict[str, Any]:
        body = {"state": text, "model": model, "questions": {"q": CHOICE}}
        response = self.http.post("/v1/systemone", json=body)
        response.raise_for_status()
        found: dict[str, Any] = response.json()["answers"]["q"]
        return found

    def end(self, how: int) -> None:
        self._process.send_signal(how)
        self._process.wait()
        self.http.close()


def scale(folder: Path, files: Sequence[Path], texts: Sequence[str]) -> None:
    """Print the cost of many prompts, then kill the server and start it again."""
    first, *others = files
    server = Served(folder)
    server.add("p0000", first)
    alone = timed(server, ["p0000"], texts)
    before = server.memory
    took = [seconds(lambda file=file: server.add(file.stem, file)) for file in others]
    after = server.memory
    every = [file.stem for file in files]
    many = timed(server, every, texts)
    print(f"prompts                        {len(others):8d} beyond the first")
    print(f"memory with one, with all      {before:8.0f} {after:8.0f} MB")
    print(f"memory when all were asked     {server.memory:8.0f} MB")
    print(f"time to add one, p50, p99      {median(took) * 1e3:8.1f} {top(took) * 1e3:8.1f} ms")
    print(f"p50 of one prompt, of all      {alone * 1e3:8.1f} {many * 1e3:8.1f} ms")
    print(f"ratio                          {many / alone:8.2f} x")
    known = server.ask(every[-1], texts[0])
    server.end(signal.SIGKILL)
    again = Served(folder)
    assert again.ask(every[-1], texts[0]) == known
    listed = {one["id"] for one in again.http.get("/v1/models").json()["data"]}
    assert set(every) <= listed, "a prompt was lost"
    print(f"ready after kill -9            {again.ready_after:8.2f} s, with {len(every)} prompts")
    again.end(signal.SIGTERM)
    (folder / "served-prompts.json").unlink()
    server = Served(folder)
    print(f"ready without a prompt         {server.ready_after:8.2f} s")
    server.end(signal.SIGTERM)


def timed(server: Served, names: Sequence[str], texts: Sequence[str]) -> float:
    """Return the median time of a request; each prompt is asked in turn, in a random order."""
    order = random.Random(0).choices(names, k=ASKED)
    for name, text in zip(order[:20], texts, strict=False):
        server.ask(name, text)
    found = [
        seconds(lambda name=name, i=i: server.ask(name, texts[i % len(texts)]))
        for i, name in enumerate(order)
    ]
    return median(found)


def seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def top(found: Sequence[float]) -> float:
    return quantiles(found, n=100)[-1]


def overload(folder: Path, texts: Sequence[str], clients: int, limit: float) -> None:
    """Print what ``clients`` get that ask without a pause for ``limit`` seconds."""
    server = Served(folder, f"p={folder / 'p0000.json'}")
    server.ask("p", texts[0])
    before = server.memory
    statuses, took, memory = asyncio.run(_press(server, texts, clients, limit))
    print(f"{clients} clients for {limit:g} s: {dict(sorted(statuses.items()))}")
    print(f"p50, p99 of the answers        {median(took):8.2f} {top(took):8.2f} s")
    shown = ", ".join(f"{one:.0f}" for one in memory)
    print(f"memory before, every tenth     {before:8.0f} MB: {shown} MB")
    server.end(signal.SIGTERM)
    assert set(statuses) <= {200, 429}, statuses


async def _press(
    server: Served, texts: Sequence[str], clients: int, limit: float
) -> tuple[Counter[int], list[float], list[float]]:
    statuses: Counter[int] = Counter()
    took: list[float] = []
    until = time.monotonic() + limit
    limits = httpx.Limits(max_connections=None)

    async def client(http: httpx.AsyncClient, number: int) -> None:
        while time.monotonic() < until:
            body = {"state": texts[number % len(texts)], "model": "p", "questions": {"q": CHOICE}}
            began = time.perf_counter()
            response = await http.post("/v1/systemone", json=body)
            statuses[response.status_code] += 1
            if response.status_code == 429:
                await asyncio.sleep(float(response.headers["Retry-After"]))
            else:
                took.append(time.perf_counter() - began)
            number += clients

    memory: list[float] = []

    async def watch() -> None:
        for _ in range(10):
            await asyncio.sleep(limit / 10)
            memory.append(server.memory)

    async with httpx.AsyncClient(
        base_url=server.url, timeout=600, trust_env=False, limits=limits
    ) as http:
        await asyncio.gather(watch(), *(client(http, number) for number in range(clients)))
    return statuses, took, memory


if __name__ == "__main__":
    main()
