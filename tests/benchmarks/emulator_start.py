"""Prints the start-up time of the emulator and its memory at rest. Run by ``make bench``.

Asserts nothing. Seconds of the processor are printed too, because other programs of the machine
slow the clock's down. No model is loaded, because none is asked.
"""

from __future__ import annotations

import json
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

RUNS = 5
IN_PROCESS = """
import json, sys
from tunesmith_emulator import Emulator
with Emulator() as emulator:
    print(json.dumps(emulator.credentials), flush=True)
    sys.stdin.read()
"""


class Started(NamedTuple):
    """One start, until the health route answered: seconds, and megabytes."""

    wall: float
    processor: float
    memory: float


def start(command: list[str], credentials: Callable[[dict], dict]) -> Started:
    """Start the emulator of ``command``, which prints JSON; ask its health route, and stop it."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        given = credentials(read_json(iter(run.stdout.readline, "")))
        context = ssl.create_default_context(cafile=given["verify"])
        urllib.request.urlopen(f"{given['url']}/_emulator/health", context=context).read()
        wall = time.perf_counter() - began
        process = psutil.Process(run.pid)
        used, memory = process.cpu_times(), process.memory_info().rss
        run.terminate()
    return Started(wall, used.user + used.system, memory / 1e6)


def read_json(lines) -> dict:
    """Return the document at the start of ``lines``, which stay open after it."""
    text = ""
    for line in lines:
        text += line
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            continue
    raise SystemExit(f"the emulator ended before it was ready: {text!r}")


def main() -> None:
    """Print one line for each way to start, with the median of the runs after the first."""
    tunesmith = shutil.which("tunesmith", path=str(Path(sys.executable).parent))
    assert tunesmith, "install tunesmith into this environment first"
    with tempfile.TemporaryDirectory() as folder:
        serve = [tunesmith, "emulator", "serve", "--json", "--port", "0", "--data-dir", folder]
        ways = {
            "tunesmith emulator serve": (serve, lambda document: document["credentials"]),
            "Emulator()": ([sys.executable, "-c", IN_PROCESS], lambda document: document),
        }
        for name, (command, credentials) in ways.items():
            runs = [start(command, credentials) for _ in range(RUNS + 1)][1:]
            wall, processor, memory = map(statistics.median, zip(*runs, strict=True))
            print(
                f"{name:<26} {wall:.2f} s (fastest {min(runs).wall:.2f} s), {processor:.2f} s of "
                f"the processor, {memory:.0f} MB at rest"
            )


if __name__ == "__main__":
    main()
