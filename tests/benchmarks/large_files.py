"""Prints the peak memory and time of the commands on large files. Run by hand; asserts nothing.

``python tests/benchmarks/large_files.py --rows 100000 1000000`` makes two files of synthetic rows,
runs predict, evaluate and audit on each in a process of its own, and prints the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LABELS = ("billing", "delivery", "praise", "returns")
COPIES, NEAR, NOISE = 0.02, 0.02, 0.05
"""Shares of the rows that repeat an earlier text, nearly repeat one, and have a wrong label."""
REMEMBERED = 1000
"""Earlier texts that may be repeated."""
TRAINING_ROWS = 2000
RUN = "runs/*/run.json"
COMMANDS = ("predict", "evaluate", "audit")
_OPENINGS = ("Yesterday", "Today", "Again", "Finally", "Honestly", "After weeks", "On Monday")
_THINGS = ("parcel", "invoice", "kettle", "jacket", "lamp", "order", "coupon", "charger", "blender")
_TOLD = {
    "billing": ("charged", "overcharged", "invoice", "amount", "card", "fee", "total", "paid"),
    "delivery": ("late", "courier", "lost", "arrived", "doorstep", "tracking", "driver", "delayed"),
    "praise": ("lovely", "perfect", "great", "thank", "happy", "recommend", "quick", "kind"),
    "returns": ("refund", "broken", "return", "exchange", "wrong", "size", "damaged", "replace"),
}
_STARTS = ("ba", "co", "di", "fu", "ga", "he", "jo", "ka", "li", "mo", "nu", "pe")
_ENDS = ("ren", "ster", "ling", "dow", "mer", "tin", "vale", "rick", "son", "well", "ham", "ford")
_REST = [start + end for start in _STARTS for end in _ENDS]


class Measured(NamedTuple):
    """A finished command."""

    seconds: float
    peak: int
    """Bytes of resident memory at most."""


def texts(rows: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield texts of 5 to 60 words, each with its label."""
    draw = random.Random(seed)
    earlier: list[tuple[str, str]] = []
    for _ in range(rows):
        chance = draw.random()
        if earlier and chance < COPIES:
            text, label = draw.choice(earlier)
        elif earlier and chance < COPIES + NEAR:
            text, label = draw.choice(earlier)
            text = f"{text.upper() if draw.random() < 0.5 else text}!!"
        else:
            label = draw.choice(LABELS)
            words = [draw.choice(_OPENINGS), "the", draw.choice(_THINGS)]
            for _ in range(draw.randint(2, 20)):
                words += [draw.choice(_TOLD[label]), draw.choice(_REST), draw.choice(_REST)]
            text = f"{' '.join(words)}."
            place = draw.randrange(REMEMBERED)
            earlier[place : place + 1] = [(text, label)]
        yield text, draw.choice(LABELS) if draw.random() < NOISE else label


def write(file: Path, rows: int, seed: int) -> None:
    """Write a file of ``rows`` rows with a column beside text and label."""
    with file.open("w", encoding="utf-8") as lines:
        for number, (text, label) in enumerate(texts(rows, seed)):
            lines.write(json.dumps({"id": number, "input": text, "output": label}) + "\n")


def measured(*arguments: object) -> Measured:
    """Run a command and return its time and peak memory.

    Raises:
        SystemExit: the command failed.
    """
    command = [sys.executable, "-m", "tunesmith", *map(str, arguments), "--quiet"]
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        # Not resource.getrusage: it has one figure for all children.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}:\n{said.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(time.monotonic() - start, usage.ru_maxrss * unit)


def finished_run(folder: Path) -> Path:
    """Run TF-IDF with logistic regression on few rows and return the run directory."""
    for name, rows, seed in (("train", TRAINING_ROWS, 1), ("test", 500, 2)):
        write(folder / f"{name}.jsonl", rows, seed)
    experiment = folder / "experiment.yaml"
    experiment.write_text(
        "name: large\nbase_model: any\nmethod: {name: tfidf_logreg}\n"
        f"data: {{train: train.jsonl, test: test.jsonl}}\nlabels: {json.dumps(LABELS)}\n"
    )
    measured("run", experiment, "--backend", "sklearn", "--runs-dir", folder / "runs")
    return next(folder.glob(RUN)).parent


def main() -> None:
    """Print one line for each command and size, and the ratios of the largest to the smallest."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs=2, default=(100_000, 1_000_000))
    options.add_argument("--only", choices=COMMANDS, nargs="+", default=COMMANDS)
    options.add_argument("--folder", type=Path, help="of the files, which are kept there")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        record = next(folder.glob(RUN), None)
        run = finished_run(folder) if record is None else record.parent
        found: dict[str, list[Measured]] = {name: [] for name in asked.only}
        for rows in asked.rows:
            file, answers = folder / f"{rows}.jsonl", folder / f"{rows}-answers.jsonl"
            if not file.exists():
                write(file, rows, seed=3)
            every = {
                "predict": ("predict", run, file, "-o", answers, "--labelled"),
                "evaluate": ("evaluate", answers, "--labels", ",".join(LABELS)),
                "audit": ("audit", file),
            }
            for name in asked.only:
                one = measured(*every[name])
                found[name].append(one)
                print(f"{name:9} {rows:>10,} rows {one.seconds:9.1f} s {one.peak / 2**20:9.1f} MiB"
                      f" {one.seconds / rows * 1e6:7.1f} us/row", flush=True)  # fmt: skip
    fewer, more = asked.rows
    for name, (small, large) in found.items():
        print(
            f"{name:9} memory {large.peak / small.peak:6.3f} x, "
            f"{(large.peak - small.peak) / (more - fewer):8.1f} bytes a row more; "
            f"time {large.seconds / small.seconds:6.2f} x"
        )


if __name__ == "__main__":
    main()
