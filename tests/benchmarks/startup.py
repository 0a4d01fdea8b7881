"""Prints the start-up time of the command line. Run by ``make bench``; asserts nothing."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 9


def median_seconds(command: list[str]) -> float:
    """Median wall time of ``RUNS`` runs, the first (cold) one left out."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Print one line for each command."""
    tunesmith = shutil.which("tunesmith", path=str(Path(sys.executable).parent))
    assert tunesmith, "install tunesmith into this environment first"
    bare = median_seconds([sys.executable, "-c", "pass"])
    print(f"{'python -c pass':<24} {bare:.3f} s")
    for arguments in (["--help"], ["--version"], ["backends"], ["methods"]):
        seconds = median_seconds([tunesmith, *arguments])
        print(f"{'tunesmith ' + ' '.join(arguments):<24} {seconds:.3f} s  ({seconds / bare:.1f}x)")


if __name__ == "__main__":
    main()
