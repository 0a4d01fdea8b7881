"""The project's address, and the links that begin with it.

The pages of a package index resolve no relative link, so the READMEs have absolute ones. The
address is the Homepage of the core; every other place follows from it.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from pathlib import Path

from tests.release.distributions import CORE, ROOT, distributions

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
"""The target of a relative link or picture of Markdown."""
PICTURES = {".gif", ".jpg", ".png", ".svg"}


def address(root: Path = ROOT) -> str:
    """Return the address of the repository, without a slash at its end."""
    return distributions(root)[CORE].project["urls"]["Homepage"]


def readmes(root: Path = ROOT) -> list[Path]:
    """Return the pages that an index shows."""
    return [one.folder / "README.md" for one in distributions(root).values()]


def linked_file(link: str, root: Path = ROOT) -> Path | None:
    """Return the file or folder of this repository that an absolute link shows, if it is one."""
    found = re.fullmatch(re.escape(address(root)) + r"/(?:blob|tree|raw)/main/([^#]+)(#.*)?", link)
    return root / found[1] if found else None


def absolute(text: str, place: str, home: str, root: Path = ROOT) -> str:
    """Return ``text`` with absolute links.

    Args:
        text: Markdown.
        place: the folder of the text, as a path from the root.
        home: the address of the repository.
        root: the checkout.
    """

    def linked(found: re.Match[str]) -> str:
        path, hash_sign, anchor = found[1].partition("#")
        path = posixpath.normpath(posixpath.join(place, path))
        picture, folder = Path(path).suffix in PICTURES, (root / path).is_dir()
        kind = "raw" if picture else "tree" if folder else "blob"
        return f"]({home}/{kind}/main/{path}{hash_sign}{anchor})"

    return LINK.sub(linked, text)


def set_address(home: str, root: Path = ROOT) -> list[Path]:
    """Write the address into every file that has it, and absolute links into the READMEs.

    Returns:
        The changed files.
    """
    old, home = address(root), home.rstrip("/")
    found = subprocess.run(
        ["git", "grep", "-lIF", old], cwd=root, capture_output=True, text=True, check=True
    )
    pages = readmes(root)
    changed = []
    for path in sorted({*pages, *(root / name for name in found.stdout.splitlines())}):
        before = path.read_text(encoding="utf-8")
        after = re.sub(re.escape(old) + r"(?![\w-])", lambda _: home, before)
        if path in pages:
            after = absolute(after, path.parent.relative_to(root).as_posix(), home, root)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed
