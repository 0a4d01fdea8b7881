"""Results of the self-check, kept between processes.

A finding is a property of the weights, the code that reads them and the device that computes. While
all of these are the same there is nothing to measure again. One small JSON file holds one finding,
with the facts that it depends on; a file that is damaged or holds other facts is measured over.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import transformers

from tunesmith.atomic import write_atomically
from tunesmith_local.engine.self_check import FLAGS, measured
from tunesmith_local.model.loading import BaseLM

_FOLDER = "self-check"
_KERNELS = (
    "mamba-ssm",
    "causal-conv1d",
    "flash-linear-attention",
    "kernels",
    "accelerate",
    "bitsandbytes",
)
"""Packages that transformers computes with if they are installed."""
_NOT_COMPUTED = ("_name_or_path", "transformers_version")


def default_cache() -> Path | None:
    """Return the user's cache folder of tunesmith; None if the user has no home.

    It is ``TUNESMITH_CACHE``, else ``tunesmith`` in ``XDG_CACHE_HOME``, else in ``~/.cache``.
    """
    if os.environ.get("TUNESMITH_CACHE"):
        return Path(os.environ["TUNESMITH_CACHE"])
    given = os.environ.get("XDG_CACHE_HOME", "")
    with suppress(RuntimeError):
        # The standard asks to ignore a relative path.
        home = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
        return home / "tunesmith"
    return None


class Findings:
    """Checks base models, and keeps the findings in a folder."""

    def __init__(self, folder: Path | None) -> None:
        """Keep findings under ``folder``; without one, or if it cannot be written, keep none."""
        self._folder = folder

    def checked(self, base: BaseLM) -> BaseLM:
        """Return the model with the flags of its exact short cuts, measured now or before.

        If there was no room to measure, nothing is kept and no short cut is taken.
        """
        if self._folder is None:
            return measured(base) or base
        facts = facts_of(base)
        path = self._folder / _FOLDER / f"{_digest(facts)}.json"
        found = _read(path, facts)
        if found is not None:
            return replace(base, **found)
        result = measured(base)
        if result is not None:
            _write(path, facts, result)
        return result or base


def facts_of(base: BaseLM) -> dict[str, Any]:
    """Return all that a finding depends on, JSON values."""
    config = base.model.config
    settings = {k: v for k, v in config.to_dict().items() if k not in _NOT_COMPUTED}
    facts = {
        "weights": base.fingerprint,
        "config": _digest(settings),
        "kernels": {k: v for k, v in vars(config).items() if "_implementation" in k},
        "vocabulary": base.vocabulary_size,
        "dtype": str(base.dtype),
        "quantization": base.quantization,
        "precision": torch.get_float32_matmul_precision(),
        "device": _device_name(base.device),
        "versions": versions(),
    }
    read_back: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return read_back


@cache
def versions() -> dict[str, str]:
    """Return the versions of the computing packages; of this one a digest of its code too."""
    installed = {name: _version(name) for name in ("tunesmith-local", *_KERNELS)}
    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "code": _digest_of_code(),
        **{name: found for name, found in installed.items() if found},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return device.type


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _read(path: Path, facts: dict[str, Any]) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
        found = kept["found"] if kept["facts"] == facts else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # none, or damaged: it is measured again and written over
    right = isinstance(found, dict) and found.keys() == set(FLAGS)
    return found if right and all(isinstance(v, bool) for v in found.values()) else None


def _write(path: Path, facts: dict[str, Any], base: BaseLM) -> None:
    found = {flag: getattr(base, flag) for flag in FLAGS}
    with suppress(OSError):  # a folder that cannot be written costs time and nothing else
        write_atomically(path, json.dumps({"facts": facts, "found": found}, indent=2))
