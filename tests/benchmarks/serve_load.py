"""Load test of ``tunesmith serve``: clients together against one request at a time.

The server is a process of its own, and answers both with the same prompt. Then it is asked 16
questions about one long state for the base model: in one request, and one by one.

    python tests/benchmarks/serve_load.py [--run DIR] [--clients 16] [--decisions 50]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
CHOICE = {"type": "choice", "criteria": {"0": None, "1": None}}
QUESTIONS = 16
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a run with the labels 0 and 1")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--decisions", type=int, default=50)
    asked = parser.parse_args()
    rows = json.loads((ROOT / "data/grooming_reviews/test.json").read_text("utf-8"))
    texts = [row["input"] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        run = asked.run or tuned(Path(folder))
        with served(run) as url:
            alone = rate(url, texts, 1, 2 * asked.decisions)
            together = rate(url, texts, asked.clients, asked.decisions)
            print(f"one request at a time          {alone:8.1f} decisions/s")
            print(f"{asked.clients:2d} clients                     {together:8.1f} decisions/s")
            print(f"ratio                          {together / alone:8.2f} x")
            one, each, apart = questions(url, " ".join(texts)[:1600])
    print(f"{QUESTIONS} questions, one by one       {each:8.3f} s")
    print(f"{QUESTIONS} questions, one request      {one:8.3f} s")
    print(f"ratio                          {each / one:8.2f} x")
    print(f"largest difference of a probability {apart:.1e}")


def tuned(folder: Path) -> Path:
    from tunesmith import Experiment

    file = ROOT / "data/grooming_reviews/tutorial.yaml"
    experiment = Experiment.from_file(file, {"method.num_epochs": 1})
    return experiment.run("local", runs_dir=folder).directory


@contextmanager
def served(run: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tunesmith", "serve", f"prompt={run}", "--port", "0", "--json"]
    server, url = started(command)
    with server:
        try:
            yield url
        finally:
            server.terminate()


def started(command: Sequence[str]) -> tuple[subprocess.Popen[str], str]:
    """Start a server whose command prints a JSON document; return it with its address."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    text = ""
    for line in server.stdout:
        text += line
        if line.startswith("}"):
            break
    return server, json.loads(text)["url"]


def rate(url: str, texts: Sequence[str], clients: int, decisions: int) -> float:
    """Return decisions per second of ``clients`` that ask one after the other."""
    together = threading.Barrier(clients + 1)

    def client(number: int) -> None:
        with httpx.Client(base_url=url, timeout=600, trust_env=False) as session:
            ask(session, texts[0], {"q": CHOICE})
            together.wait()
            for index in range(decisions):
                ask(session, texts[(number * decisions + index) % len(texts)], {"q": CHOICE})

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client, number) for number in range(clients)]
        together.wait()
        started = time.perf_counter()
        for one in running:
            one.result()
    return clients * decisions / (time.perf_counter() - started)


def questions(url: str, state: str) -> tuple[float, float, float]:
    """Return the median seconds of one request of 16 questions and of 16 requests of one.

    The third number is the largest difference between their probabilities.
    """
    asked = {
        f"q{i}": {"type": "noul", "instructions": f"Does the text mention {i} dogs?"}
        for i in range(QUESTIONS)
    }
    one, each, apart = [], [], 0.0
    with httpx.Client(base_url=url, timeout=600, trust_env=False) as session:
        for number in range(ROUNDS):
            text = f"{number}. {state}"  # nothing that was read before
            started = time.perf_counter()
            together = ask(session, text, asked, "jev-latest")
            one.append(time.perf_counter() - started)
            started = time.perf_counter()
            alone = [ask(session, text, {"q": q}, "jev-latest")["q"] for q in asked.values()]
            each.append(time.perf_counter() - started)
            for found, expected in zip(together.values(), alone, strict=True):
                apart = max(apart, abs(found["noul"] - expected["noul"]))
    return sorted(one)[ROUNDS // 2], sorted(each)[ROUNDS // 2], apart


def ask(session: httpx.Client, state: str, asked: Any, model: str = "prompt") -> dict[str, Any]:
    response = session.post(
        "/v1/systemone", json={"state": state, "model": model, "questions": asked}
    )
    response.raise_for_status()
    answers: dict[str, Any] = response.json()["answers"]
    return answers


if __name__ == "__main__":
    main()
