"""What the site shows beside the pages of ``docs/``, and where links to it lead.

The same Markdown is read in the repository and on the site. In the repository a page may link to
any file. The site has a page for each of these files, below ``repository/``, and one for each
notebook.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs"
ELSEWHERE = "repository"
"""The folder of the site with the pages of files outside ``docs/``."""
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md", "plugins/*/README.md", "data/*/README.md")
AS_IT_IS = {".md", ".png", ".svg", ".json", ".yaml"}
"""Pages, pictures and data. Of every other file the site has a page with its text."""
_FENCE = re.compile(r"^(```.*?^```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(\]\()([^)\s#]*)((?:#[^)\s]*)?\))")
_ADDRESS = re.compile(r"[a-z][a-z+.-]*:")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation."""
    decisions = sorted((ROOT / DOCS / "decisions").glob("[0-9]*.md"))
    section = next(entry["Decisions"] for entry in config.nav or () if "Decisions" in entry)
    section.extend(f"decisions/{path.name}" for path in decisions)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, and for each file of the repository that a page links to."""
    for found in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text = _notebook(ROOT / DOCS / found.src_uri)
        files.append(File.generated(config, _page_of(f"{DOCS}/{found.src_uri}"), content=text))
    for path in sorted(_linked()):
        name = _page_of(path)
        if name not in files.src_uris:
            files.append(_added(config, name, path))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links of a page lead to pages of the site."""
    here = page.file.src_uri
    source = _source_of(here)
    if source is None:
        return markdown

    def led(target: str) -> str:
        path = _resolved(source, target)
        return posixpath.relpath(_page_of(path), posixpath.dirname(here) or ".")

    return _with_links(markdown, led)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make an empty cell of a table's head a plain cell: a header without a text names nothing."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)


def _added(config: MkDocsConfig, name: str, path: str) -> File:
    if name.endswith(".md"):
        level = InclusionLevel.NOT_IN_NAV
        return File.generated(config, name, content=_shown(path), inclusion=level)
    return File.generated(config, name, abs_src_path=str(ROOT / path))


def _linked() -> set[str]:
    """Return the files of the repository that need a page of their own, by their paths."""
    found: set[str] = set()
    waiting = [
        str(path.relative_to(ROOT))
        for pattern in (f"{DOCS}/**/*.md", *ALWAYS)
        for path in ROOT.glob(pattern)
    ]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if not path.startswith(f"{DOCS}/") or PurePosixPath(path).suffix not in AS_IT_IS:
            found.add(path)
        if path.endswith(".md"):
            fresh = set(_targets(path)) - seen
            seen |= fresh
            waiting.extend(path for path in fresh if not path.endswith(".ipynb"))
    return found


def _targets(path: str) -> Iterator[str]:
    targets: list[str] = []

    def noted(target: str) -> str:
        targets.append(target)
        return target

    _with_links((ROOT / path).read_text(encoding="utf-8"), noted)
    for target in targets:
        resolved = _resolved(path, target)
        if (ROOT / resolved).exists():  # mkdocs reports the others
            yield resolved


def _resolved(source: str, target: str) -> str:
    """Return the path that ``target`` means on the page ``source``, from the project's root."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if (ROOT / path).is_dir():
        for index in ("README.md", "index.md"):
            if (ROOT / path / index).is_file():
                return f"{path}/{index}"
    return path


def _page_of(path: str) -> str:
    """Return the page of the site that shows the file ``path`` of the repository."""
    inside = path.startswith(f"{DOCS}/")
    name = path.removeprefix(f"{DOCS}/") if inside else f"{ELSEWHERE}/{path}"
    suffix = PurePosixPath(path).suffix
    if suffix == ".ipynb":
        return name.removesuffix(suffix) + ".md"
    return name if suffix in AS_IT_IS else f"{name}.md"


def _source_of(page: str) -> str | None:
    """Return the Markdown file of the repository that is ``page``, if it is one."""
    outside = page.removeprefix(f"{ELSEWHERE}/")
    path = outside if outside != page else f"{DOCS}/{page}"
    notebook = path.removesuffix(".md") + ".ipynb"
    return next((name for name in (path, notebook) if (ROOT / name).is_file()), None)


def _with_links(markdown: str, led: Callable[[str], str]) -> str:
    """Return the text with ``led(target)`` for each target of a link to a file, code left out."""

    def link(match: re.Match[str]) -> str:
        opening, target, rest = match.groups()
        if not target or _ADDRESS.match(target) or target.startswith("/"):
            return match.group()
        return opening + led(target) + rest

    parts = _FENCE.split(markdown)
    return "".join(
        part if number % 2 else _LINK.sub(link, part) for number, part in enumerate(parts)
    )


def _shown(path: str) -> str:
    """Return the Markdown that shows ``path``: its text, its code, or the names in a folder."""
    file = ROOT / path
    if path.endswith(".md"):
        return file.read_text(encoding="utf-8")
    if file.is_dir():
        names = sorted(str(one.relative_to(ROOT)) for one in file.rglob("*") if one.is_file())
        content = "\n".join(name for name in names if "__pycache__" not in name)
    else:
        content = file.read_text(encoding="utf-8")
    head = "---\nsearch:\n  exclude: true\n---\n"
    return f"{head}# {path}\n\n```{file.suffix.removeprefix('.')}\n{content}\n```\n"


def _notebook(file: Path) -> str:
    """Return the Markdown of a notebook: its texts, its code, and what the code printed."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    title, *rest = (part for cell in cells for part in _parts(cell))
    download = f'<p><a href="{file.name}" download>Download this notebook</a></p>'
    return "\n\n".join((title, download, *rest)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield text
        return
    yield f"```python\n{text}\n```"
    for output in cell["outputs"]:
        printed = "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
        if printed.strip():
            yield f"```text\n{printed.rstrip()}\n```"
