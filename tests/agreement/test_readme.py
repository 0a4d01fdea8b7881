"""The README's Python example runs as it is printed, from the project's root."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(example.splitlines()) == 12
    (tmp_path / "data").symlink_to(ROOT / "data")  # so that its runs land in a scratch folder
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:tunesmith", "-c", example],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    against_base, against_hard_prompt = done.stdout.splitlines()
    assert "tuned" in against_base
    assert "soft prompt" in against_hard_prompt
    assert len(list(tmp_path.glob("runs/*/report.html"))) == 2


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
