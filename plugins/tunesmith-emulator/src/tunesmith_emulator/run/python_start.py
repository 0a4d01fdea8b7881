"""What every Python of a run does at its start."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith_emulator.run import inside
from tunesmith_emulator.run.hosts import ibm_hosts
from tunesmith_emulator.run.prompts import Answer


def with_start(
    environment: Mapping[str, str], folder: Path, answers: Sequence[Answer], port: int
) -> dict[str, str]:
    """Return ``environment`` for a Python that answers prompts and finds the emulator at ``port``.

    ``folder`` is made for it.
    """
    folder.mkdir()
    shutil.copyfile(inside.__file__, folder / "sitecustomize.py")
    settings = {"answers": answers, "hosts": ibm_hosts(), "port": port}
    (folder / inside.SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}
