"""Prints the time to load a model and decide one row, compared with plain transformers.

Both sides are whole processes, imports included, in turn, with the same weights in the same type.
Run by ``make bench`` on the embedded model, or with ``MODEL=FOLDER`` on your own model; asserts
nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from transformers import AutoConfig

import tunesmith_micro_granite
from tunesmith_local.model.dtypes import chosen_dtype

RUNS = 5
PLAIN = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, dtype, text, *labels = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
with torch.no_grad():
    scores = model(**tokenizer(text, return_tensors="pt")).logits[0, -1].float().log_softmax(-1)
print([float(scores[tokenizer.encode(label)[0]]) for label in labels])
"""
OURS = """
import sys
from tunesmith import connect
folder, dtype, text, *labels = sys.argv[1:]
with connect("local", device="cpu", dtype=dtype) as backend:
    print(backend.predictor.classify(folder, [text], labels))
"""
ROW = ("Review: a film of great charm\nSentiment:", " negative", " positive")


def seconds(code: str, *arguments: str) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments, *ROW], capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the medians and their ratio."""
    folder = sys.argv[1] if len(sys.argv) > 1 else str(tunesmith_micro_granite.path())
    stored = AutoConfig.from_pretrained(folder).dtype
    dtype = str(chosen_dtype("auto", torch.device("cpu"), stored)).removeprefix("torch.")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TUNESMITH_CACHE"] = cache
        seconds(PLAIN, folder, dtype)  # from now on the files are in the page cache
        first = seconds(OURS, folder, dtype)
        pairs = [(seconds(PLAIN, folder, dtype), seconds(OURS, folder, dtype)) for _ in range(RUNS)]
    plain, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"load and decide one row, {dtype}, median of {RUNS}")
    print(f"{'transformers':<24} {plain:.2f} s")
    print(f"{'tunesmith, first':<24} {first:.2f} s  ({first / plain:.2f}x)  with the self-check")
    print(f"{'tunesmith, later':<24} {ours:.2f} s  ({ours / plain:.2f}x)")


if __name__ == "__main__":
    main()
