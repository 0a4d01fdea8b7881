"""The downloads of ``--serve URL=FILE``, which are answered from local files."""

from __future__ import annotations

import difflib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tunesmith.errors import ExperimentError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TYPES = {".jsonl": "application/x-ndjson", ".ipynb": "application/json", ".md": "text/markdown"}
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Downloads:
    """The files by URL, in normalized spelling."""

    files: Mapping[str, Path]

    def find(self, url: str) -> Path | None:
        """Return the file for ``url``. A served URL without a query matches any query."""
        spelled = spell(url)
        return self.files.get(spelled) or self.files.get(spelled.partition("?")[0])

    def on_host_of(self, url: str) -> bool:
        """Return whether any served URL has the host of ``url``."""
        host = urlsplit(url).hostname
        return any(urlsplit(served).hostname == host for served in self.files)

    def nearest(self, url: str) -> str | None:
        """Return the served URL that is most similar to ``url``."""
        return next(iter(difflib.get_close_matches(url, self.files, n=1, cutoff=0)), None)


def parse_downloads(values: Iterable[str]) -> Downloads:
    """Read ``URL=FILE`` pairs.

    Raises:
        ExperimentError: a pair has no http(s) URL or no file, or a URL occurs twice.
    """
    files: dict[str, Path] = {}
    for value in values:
        url, file = _pair(value)
        if url in files:
            raise ExperimentError(f"--serve {value}: {url} is served twice; keep one of the two")
        files[url] = file
    return Downloads(files)


def spell(url: str) -> str:
    """Return ``url`` in normalized spelling: lower-case host, no default port, no fragment."""
    parts = urlsplit(url)
    path = quote(unquote(parts.path or "/"), safe="/~!$&'()*+,;=:@")
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{_authority(parts)}{path}{query}"


def content_type(file: Path) -> str:
    """Return the media type for the suffix of ``file``."""
    known = _TYPES.get(file.suffix.lower())
    return known or mimetypes.guess_type(file.name)[0] or OCTETS


def _pair(value: str) -> tuple[str, Path]:
    head, equals, tail = value.rpartition("=")
    if not equals:
        raise ExperimentError(f"--serve {value}: write URL=FILE, with an equals sign between")
    url, file = _split(value) or (head, Path(tail))
    spelled = _checked(url)
    if spelled is None:
        raise ExperimentError(
            f"--serve {value}: {url!r} is no URL; it begins with https:// or http:// and a host"
        )
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ExperimentError(f"--serve {value}: {file} {what}; name the file that answers")
    return spelled, file.resolve()


def _checked(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in _DEFAULT_PORTS and parts.hostname
        return spell(url) if usable else None
    except ValueError:
        return None


def _split(value: str) -> tuple[str, Path] | None:
    # Both a URL and a file name may hold equals signs. The existing file shows which one divides.
    places = [place for place, letter in enumerate(value) if letter == "="]
    pairs = ((value[:place], Path(value[place + 1 :])) for place in reversed(places))
    return next((pair for pair in pairs if pair[1].is_file()), None)


def _authority(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    name = f"[{host}]" if ":" in host else host
    usual = _DEFAULT_PORTS.get(parts.scheme.lower())
    return name if parts.port in (None, usual) else f"{name}:{parts.port}"
