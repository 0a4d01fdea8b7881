"""An environment for a notebook: what its pip cells install, and a Jupyter kernel.

Notebooks that install the same share one. No notebook changes it: pip has no index in a run.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tunesmith.atomic import write_atomically

SHOWN = re.compile(r"ibm.watsonx.ai|langchain(.ibm)?|langgraph|llama.index.core")
"""The packages whose versions a report names."""
_INSTALL = re.compile(r"^\s*[!%]\s*pip3? install (?P<arguments>[^|\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment, in a folder of its own in ``build``.

    ``until`` is a day: only packages that were uploaded before it are installed. Empty: any.
    """

    build: Path
    commands: tuple[tuple[str, ...], ...]
    """The arguments of each ``pip install`` of the notebook, in its order."""
    until: str = ""

    @property
    def folder(self) -> Path:
        """Its folder."""
        told = json.dumps([self.commands, self.until]).encode()
        return self.build / hashlib.sha256(told).hexdigest()[:12]

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def make(self) -> None:
        """Install what the notebook names, unless that was done before.

        Raises:
            CalledProcessError: a package cannot be installed.
        """
        stamp = self.folder / "installed.json"
        if stamp.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
        # A pip that knows --uploaded-prior-to; and what Jupyter itself brings.
        self._pip("install", "--quiet", "--upgrade", "pip")
        self._pip("install", "--quiet", "ipykernel")
        before = ("--uploaded-prior-to", f"{self.until}T00:00:00Z") if self.until else ()
        for arguments in self.commands:
            self._pip("install", "--quiet", *before, *arguments)
        write_atomically(stamp, json.dumps(self.commands))

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that a report names."""
        listed = json.loads(self._pip("list", "--format", "json"))
        found = {each["name"].replace("_", "-"): each["version"] for each in listed}
        return {name: found[name] for name in sorted(found) if SHOWN.fullmatch(name)}

    def _pip(self, *arguments: str) -> str:
        command = (str(self.python), "-m", "pip", "--disable-pip-version-check")
        done = subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout


def pip_commands(notebook: Path) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of each ``pip install`` in the code cells of ``notebook``."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return tuple(
        tuple(shlex.split(found["arguments"]))
        for code in codes
        for found in _INSTALL.finditer(code)
    )
