"""One command for a release: the version everywhere, the changelog's section, commit and tag."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.release.distributions import CORE, ROOT, distributions

UNRELEASED = "## [Unreleased]\n"
IMAGES = "docs/**/*.*"
"""Pages that name an image of the release, such as ``REGISTRY/tunesmith:0.1.0``."""


class ReleaseError(Exception):
    """A release that cannot be made; the message names the remedy."""


def release(version: str, root: Path = ROOT) -> str:
    """Set the version, write the section, commit and tag; return the tag.

    Raises:
        ReleaseError: the version is not newer, the tree has changes, or the tag is there.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ReleaseError(f"{version}: a version has three numbers, such as 0.3.0")
    current = distributions(root)[CORE].version
    if _numbers(version) < _numbers(current):
        raise ReleaseError(f"{version} is older than {current}, the version in pyproject.toml")
    if _git(root, "status", "--porcelain"):
        raise ReleaseError("the checkout has changes; commit them or put them away")
    tag = f"v{version}"
    if _git(root, "tag", "--list", tag):
        raise ReleaseError(f"the tag {tag} is there; give a newer version")
    page = root / "CHANGELOG.md"
    page.write_text(with_section(page.read_text(encoding="utf-8"), version, _today()), "utf-8")
    set_version(version, root)
    _git(root, "commit", "--quiet", "--all", "--message", f"chore: release {version}")
    _git(root, "tag", "--annotate", tag, "--message", f"tunesmith {version}")
    return tag


def with_section(changelog: str, version: str, day: str) -> str:
    """Return the changelog with its unreleased entries as the section of ``version``."""
    before, heading, rest = changelog.partition(UNRELEASED)
    entries = re.split(r"^## ", rest, maxsplit=1, flags=re.M)[0].strip()
    if not heading or not entries:
        raise ReleaseError("CHANGELOG.md has no entries below [Unreleased]; write them first")
    return f"{before}{UNRELEASED}\n## [{version}] - {day}\n{rest}"


def set_version(version: str, root: Path = ROOT) -> None:
    """Write the version, the bounds between the distributions, and the images of the docs."""
    old = re.escape(distributions(root)[CORE].version)
    for one in distributions(root).values():
        path = one.folder / "pyproject.toml"
        text = path.read_text(encoding="utf-8")
        text = re.sub(rf'^version = "{old}"$', f'version = "{version}"', text, flags=re.M)
        path.write_text(re.sub(rf'("tunesmith[^"]*~=){old}"', rf'\g<1>{version}"', text), "utf-8")
    for path in root.glob(IMAGES):
        if path.suffix in {".md", ".yaml"}:
            text = path.read_text(encoding="utf-8")
            after = re.sub(rf"(/tunesmith[a-z-]*:){old}\b", rf"\g<1>{version}", text)
            if after != text:
                path.write_text(after, "utf-8")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
