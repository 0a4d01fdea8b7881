"""Load test: 16 clients over TLS on the emulator, compared with stock PEFT, one prompt at a time.

Both generate with the same tuned model, the same prompts, 20 new tokens each (``min_new_tokens``
keeps a tuned model from stopping after its label). The server runs in a separate process, as a
user's would; the peer runs before the server starts and has the machine to itself.

    python tests/benchmarks/emulator_load.py [--clients 16] [--generations 50]
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
NEW_TOKENS = 20
PARAMETERS = {"max_new_tokens": NEW_TOKENS, "min_new_tokens": NEW_TOKENS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--generations", type=int, default=50)
    asked = parser.parse_args()
    rows = json.loads((ROOT / "data/grooming_reviews/test.json").read_text(encoding="utf-8"))
    prompts = [row["input"] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        adapter, deployment = tune(Path(folder))
        peer = peer_rate(adapter, prompts[:60])
        ours = our_rate(Path(folder), deployment, prompts, asked.clients, asked.generations)
    print(f"stock PEFT generate, one at a time   {peer:8.1f} generations/s")
    print(f"emulator, {asked.clients:2d} clients over TLS       {ours['rate']:8.1f} generations/s")
    print(f"ratio                                {ours['rate'] / peer:8.1f} x")
    print(f"errors {ours['errors']}, rows {ours['rows']} in {ours['batches']} batches, "
          f"largest {ours['largest']}")  # fmt: skip


def tune(folder: Path) -> tuple[Path, str]:
    """Tune and deploy through an emulator; return the adapter's folder and the deployment's id."""
    from ibm_watsonx_ai import APIClient, Credentials

    from tunesmith import Experiment, connect
    from tunesmith_emulator import Emulator

    del APIClient, Credentials  # imported early: their start-up is not part of the load
    file = ROOT / "data/grooming_reviews/tutorial.yaml"
    experiment = Experiment.from_file(file, {"method.num_epochs": 1})
    with Emulator(data_dir=folder / "data") as emulator:
        options = {**emulator.credentials, "project_id": emulator.project_id}
        with connect("watsonx", store=folder / "store", **options) as backend:
            from tunesmith.dataset import load_data

            data = load_data(experiment.data, experiment.labels, 0)
            model = backend.tuner.tune(experiment, data.train.rows)
            deployment = backend.deployer.deploy(model, "load")
    (adapter,) = (folder / "data/store/local/models").glob("*/adapter_config.json")
    return adapter.parent, deployment.id


def peer_rate(adapter: Path, prompts: list[str]) -> float:
    """Return generations per second of plain PEFT, used as in its documentation."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunesmith_micro_granite import path

    base = AutoModelForCausalLM.from_pretrained(path())
    tokenizer = AutoTokenizer.from_pretrained(path())
    model = PeftModel.from_pretrained(base, adapter).eval()
    times = []
    with torch.no_grad():
        for prompt in prompts:
            encoded = tokenizer(f"classify {{0, 1}} {prompt}", return_tensors="pt")
            started = time.perf_counter()
            model.generate(**encoded, do_sample=False, **PARAMETERS)
            times.append(time.perf_counter() - started)
    return 1 / sorted(times)[len(times) // 2]


def our_rate(
    folder: Path, deployment: str, prompts: list[str], clients: int, generations: int
) -> dict[str, Any]:
    """Return generations per second of the emulator, errors and the batching of rows."""
    command = [sys.executable, "-m", "tunesmith", "emulator", "serve", "--port", "0",
               "--data-dir", str(folder / "data"), "--json"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            return measure(*read_credentials(server), deployment, prompts, clients, generations)
        finally:
            server.terminate()


def read_credentials(server: subprocess.Popen[str]) -> tuple[str, str]:
    assert server.stdout is not None
    text = ""
    for line in server.stdout:
        text += line
        if line.startswith("}"):
            break
    given = json.loads(text)["credentials"]
    return given["url"], given["verify"]


def measure(
    url: str, ca_file: str, deployment: str, prompts: list[str], clients: int, generations: int
) -> dict[str, Any]:
    trusted = ssl.create_default_context(cafile=ca_file)
    address = f"{url}/ml/v1/deployments/{deployment}/text/generation?version=2026-10-14"
    together = threading.Barrier(clients + 1)

    def client(number: int) -> int:
        errors = 0
        with httpx.Client(verify=trusted, timeout=600, trust_env=False) as session:
            session.headers["Authorization"] = "Bearer any"
            together.wait()
            for index in range(generations):
                prompt = prompts[(number * generations + index) % len(prompts)]
                answer = session.post(address, json={"input": prompt, "parameters": PARAMETERS})
                errors += count_of(answer) != NEW_TOKENS
        return errors

    with httpx.Client(verify=trusted, timeout=600, trust_env=False) as warm:
        body = {"input": prompts[0], "parameters": PARAMETERS}
        warm.post(address, json=body, headers={"Authorization": "Bearer any"}).raise_for_status()
        with ThreadPoolExecutor(clients) as pool:
            running = [pool.submit(client, number) for number in range(clients)]
            together.wait()
            started = time.perf_counter()
            errors = sum(one.result() for one in running)
        seconds = time.perf_counter() - started
        generation = warm.get(f"{url}/_emulator/state").json()["generation"]
    return {"rate": clients * generations / seconds, "errors": errors, **generation}


def count_of(answer: httpx.Response) -> int:
    if answer.status_code != 200:
        return -1
    return int(answer.json()["results"][0]["generated_token_count"])


if __name__ == "__main__":
    main()
