"""One command makes a release: versions, bounds, the changelog's section, a commit and a tag."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.release.address import address, linked_file, set_address
from tests.release.distributions import CORE, ROOT, distributions, requirement_name
from tests.release.versions import ReleaseError, release, with_section

NOW = distributions()[CORE].version
NEXT = "9.0.0"
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-11-21\n"


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the project's metadata, and no code."""
    for one in distributions().values():
        folder = tmp_path / one.folder.relative_to(ROOT)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(one.folder / "pyproject.toml", folder)
        (folder / "README.md").write_text(f"# {one.name}\n\n[Changes]({address()}/issues)\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(f"image: x/tunesmith-serve:{NOW}, tunesmith {NOW}\n")
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "A")
        monkeypatch.setenv(f"{name}_EMAIL", "a@example.org")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "feat: all")
    return tmp_path


def test_a_release_is_one_command(checkout: Path) -> None:
    assert release(NEXT, checkout) == f"v{NEXT}"
    for one in distributions(checkout).values():
        assert one.version == NEXT
        siblings = [t for t in one.requirements() if requirement_name(t) in distributions()]
        assert all(text.endswith(f"~={NEXT}") for text in siblings if "=" in text)
    changelog = (checkout / "CHANGELOG.md").read_text()
    assert re.search(
        rf"## \[Unreleased\]\n\n## \[{NEXT}\] - \d{{4}}-\d\d-\d\d\n\n### Added", changelog
    )
    page = (checkout / "docs" / "page.md").read_text()
    assert page == f"image: x/tunesmith-serve:{NEXT}, tunesmith {NOW}\n"
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "log", "-1", "--format=%s") == f"chore: release {NEXT}\n"
    assert git(checkout, "cat-file", "-t", f"v{NEXT}") == "tag\n"


def test_the_present_version_can_be_released(checkout: Path) -> None:
    assert release(NOW, checkout) == f"v{NOW}"
    assert f"## [{NOW}]" in (checkout / "CHANGELOG.md").read_text()


def refused(checkout: Path, version: str) -> str:
    before = git(checkout, "log", "--format=%H"), git(checkout, "diff")
    with pytest.raises(ReleaseError) as error:
        release(version, checkout)
    assert (git(checkout, "log", "--format=%H"), git(checkout, "diff")) == before
    return str(error.value)


def test_what_cannot_be_released(checkout: Path) -> None:
    assert "three numbers" in refused(checkout, "0.3")
    assert f"older than {NOW}" in refused(checkout, "0.0.1")
    git(checkout, "tag", f"v{NEXT}")
    assert f"v{NEXT} is there" in refused(checkout, NEXT)
    (checkout / "docs" / "page.md").write_text("half written\n")
    assert "has changes" in refused(checkout, "9.0.1")


@pytest.mark.parametrize(
    "changelog", ["# Changelog\n", CHANGELOG.replace("### Added\n\n- A thing.\n\n", "")]
)
def test_a_release_has_entries(checkout: Path, changelog: str) -> None:
    (checkout / "CHANGELOG.md").write_text(changelog)
    git(checkout, "commit", "--quiet", "--all", "--message", "docs: fewer words")
    assert "no entries" in refused(checkout, NEXT)


def test_the_projects_own_changelog_has_a_section_to_make() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if f"## [{NOW}]" not in changelog:
        assert f"## [{NOW}] - today\n" in with_section(changelog, NOW, "today")


def test_the_address_is_set_everywhere(checkout: Path) -> None:
    readme = checkout / "README.md"
    readme.write_text(readme.read_text() + "[Docs](docs/page.md)\n")
    home = "https://git.example.org/acme/tunesmith"
    changed = set_address(f"{home}/", checkout)
    assert {path.name for path in changed} == {"README.md", "pyproject.toml"}
    assert len(changed) == 2 * len(distributions())
    assert readme.read_text() == (
        f"# tunesmith\n\n[Changes]({home}/issues)\n[Docs]({home}/blob/main/docs/page.md)\n"
    )
    for one in distributions(checkout).values():
        assert all(link.startswith(home) for link in one.project["urls"].values())
    assert linked_file(f"{home}/blob/main/docs/page.md", checkout) == checkout / "docs" / "page.md"
    assert linked_file("https://example.org/", checkout) is None
    assert set_address(home, checkout) == []
