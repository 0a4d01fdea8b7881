"""The engine's benchmark runs and writes its file; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEYS = {
    "task", "shape", "virtual_tokens", "dtype", "peer", "peer_seconds", "our_seconds", "ratio",
    "device",
}  # fmt: skip


def test_a_quick_run_writes_rows(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.benchmarks.engine", "--quick", "--task", "classify"]
    done = subprocess.run([*command, "--output", str(output)], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    rows = json.loads(output.read_text(encoding="utf-8"))
    assert [(row["task"], row["virtual_tokens"]) for row in rows] == [
        ("classify", 20), ("classify", 100),
    ]  # fmt: skip
    for row in rows:
        assert row.keys() >= KEYS
        assert row["ratio"] > 0
