"""Lets every write of a command fail once, and checks that the command that goes on completes.

    python -m tests.faults                              every subject, every point, every fault
    python -m tests.faults run --faults ENOSPC,kill     one subject, two faults
    python -m tests.faults local --every 7              every seventh point

A first pass counts the points: the calls that change the disk. Then, for each point and fault, a
process runs into the fault, the command that its error names is run, and the folder is compared
with that of a run without a fault. The last line counts; the exit status is 1 if one failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.check import Checker
from tests.faults.points import FAULTS
from tests.faults.subjects import SUBJECTS


def main() -> int:
    arguments = _parsed()
    # One thread, because a process with more of them must not fork.
    os.environ.update(OMP_NUM_THREADS="1", TUNESMITH_STORES="off")
    total: Counter[str] = Counter()
    for name in arguments.subjects or SUBJECTS:
        with tempfile.TemporaryDirectory(prefix="tunesmith-faults-") as folder:
            total += _subject(name, Path(folder), arguments)
    print(_line("all", total))
    return 1 if total["failed"] else 0


def _subject(name: str, folder: Path, arguments: argparse.Namespace) -> Counter[str]:
    checker = Checker(SUBJECTS[name], folder)
    if arguments.list:
        print("\n".join(map(str, checker.points)))
    chosen = [] if arguments.list else checker.points[:: arguments.every]
    counts = Counter(points=len(checker.points))
    for point in chosen:
        for fault in arguments.faults:
            found = checker.check(point, fault)
            counts += Counter(faults=1, **{"failed" if found else "completed": 1})
            for one in found:
                print(f"{name}: {fault} at {point}: {one}", flush=True)
    print(_line(name, counts), flush=True)
    return counts


def _line(name: str, counts: Counter[str]) -> str:
    shown = (f"{counts[what]} {what}" for what in ("points", "faults", "completed", "failed"))
    return f"{name}: {', '.join(shown)}"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.faults", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("subjects", nargs="*", choices=[[], *SUBJECTS], default=[])
    parser.add_argument("--faults", type=lambda text: text.split(","), default=FAULTS)
    parser.add_argument("--every", type=int, default=1, help="only every N-th point")
    parser.add_argument("--list", action="store_true", help="print the points alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
