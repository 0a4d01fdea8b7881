"""What every distribution of a release has in common."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from tests.release.address import LINK, absolute, address, linked_file
from tests.release.distributions import (
    CORE,
    ROOT,
    Distribution,
    distributions,
    read,
    requirement_name,
)  # fmt: skip
from tests.release.install import own_distributions

ALL = distributions()
EACH = pytest.mark.parametrize("one", ALL.values(), ids=ALL)


def markdown_links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text)


@EACH
def test_versions_are_in_lockstep(one: Distribution) -> None:
    assert one.version == ALL[CORE].version


@EACH
def test_a_sibling_is_of_the_same_release(one: Distribution) -> None:
    siblings = [text for text in one.requirements() if requirement_name(text) in ALL]
    bounded = [text for text in siblings if requirement_name(text) != one.name]
    assert all(text.endswith(f"~={ALL[CORE].version}") for text in bounded), bounded
    assert one.name == CORE or any(requirement_name(text) == CORE for text in bounded)
    # An extra of the core that names the core's other extras has the core's own version.
    assert not [t for t in siblings if requirement_name(t) == one.name and "=" in t]


@EACH
def test_the_build_backend_is_pinned(one: Distribution) -> None:
    (backend,) = read(one.folder)["build-system"]["requires"]
    assert backend in (ROOT / "constraints.txt").read_text().splitlines()


@EACH
def test_every_distribution_has_the_same_addresses(one: Distribution) -> None:
    home, place = address(), one.folder.relative_to(ROOT).as_posix()
    assert one.project["urls"] == {
        "Homepage": home,
        "Documentation": f"{home}/tree/main/docs",
        "Source": home if one.name == CORE else f"{home}/tree/main/{place}",
        "Issues": f"{home}/issues",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
    }


@EACH
def test_the_license_is_in_each_folder(one: Distribution) -> None:
    assert "LICENSE" in one.project["license-files"]
    assert (one.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@EACH
def test_an_index_can_show_the_readme(one: Distribution) -> None:
    text = (one.folder / one.project["readme"]).read_text(encoding="utf-8")
    relative = [found[0] for found in LINK.finditer(text)]
    assert not relative, f"python -m tests.release address {address()}"
    for link in markdown_links(text):
        place = linked_file(link)
        assert place is None or place.exists(), link


def test_own_wheels_are_never_asked_from_an_index() -> None:
    emulator = {"tunesmith-emulator", "tunesmith-serve", "tunesmith"}
    assert own_distributions("tunesmith-emulator") == emulator
    assert own_distributions(str(ROOT / "tests" / "sample_plugin")) == {"tunesmith"}
    assert own_distributions("pytest") == set()


def test_links_become_absolute() -> None:
    text = "[a](glossary.md#x) [![b](images/report.png)](../data) [c](https://x.y) [e](#f)"
    assert absolute(text, "docs", "https://h") == (
        "[a](https://h/blob/main/docs/glossary.md#x)"
        " [![b](https://h/raw/main/docs/images/report.png)](https://h/tree/main/data)"
        " [c](https://x.y) [e](#f)"
    )


def test_the_bundled_models_are_listed() -> None:
    """The bill of materials names each weights file in the wheel by its digest."""
    folder = ALL["tunesmith-micro-granite"].folder
    listed = json.loads((folder / "bundled.cdx.json").read_text())["components"]
    digests = {component["hashes"][0]["content"] for component in listed}
    weights = folder.glob("src/**/*.safetensors")
    assert digests == {hashlib.sha256(path.read_bytes()).hexdigest() for path in weights}


def bundled(one: Distribution) -> set[str]:
    """The kinds of files in the package, besides Python."""
    files = [path for path in (one.folder / "src").rglob("*") if path.is_file()]
    return {path.suffix for path in files if "__pycache__" not in path.parts} - {".py", ".typed"}


def test_only_one_wheel_holds_what_others_made() -> None:
    """Everything else is text that was written for this project; its license is the project's."""
    written_here = {".html", ".css", ".js", ".svg", ".md", ".toml", ".yaml", ".jinja"}
    others = {name for name, one in ALL.items() if bundled(one) - written_here}
    assert others == {"tunesmith-micro-granite"}


def test_the_bill_of_materials_is_cyclonedx() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.schema import SchemaVersion

    path = Path(ALL["tunesmith-micro-granite"].folder) / "bundled.cdx.json"
    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(path.read_text()) is None
