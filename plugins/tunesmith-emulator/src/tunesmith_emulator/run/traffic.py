"""The requests of a child process, and their summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tunesmith_emulator.run.downloads import Downloads

SHOWN = 10
READING = ("GET", "HEAD")


@dataclass(slots=True)
class Traffic:
    """The number of requests by outcome.

    A key is a URL, after the method unless that is GET or HEAD.
    """

    answered: Counter[str] = field(default_factory=Counter)
    """Downloads answered from files."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Other URLs of a host with a served file: 404."""
    refused: Counter[str] = field(default_factory=Counter)
    """All other hosts: 403."""
    broken_off: Counter[str] = field(default_factory=Counter)
    """Hosts without a TLS handshake: the client did not start one, or did not trust us."""

    def lines(self, downloads: Downloads) -> Iterator[str]:
        """Yield the lines of the summary; none if all requests went to the emulator."""
        if self.answered:
            yield f"downloads answered from local files: {self.answered.total()}"
        yield from _listed("not served", self.unknown, lambda url: _nearest(url, downloads))
        yield from _listed("refused, nothing leaves this machine", self.refused, remedy)
        yield from _listed("broken off", self.broken_off, lambda _: _UNTRUSTED)


def remedy(asked: str) -> str:
    """Return the remedy for a refused request."""
    if " " in asked:
        return "what is sent there cannot be answered from a file"
    return f"to answer it from a file: --serve {asked}=FILE"


_UNTRUSTED = (
    "the client speaks no HTTPS there, or trusts other certificates than those that "
    "SSL_CERT_FILE and REQUESTS_CA_BUNDLE name"
)


def _nearest(url: str, downloads: Downloads) -> str:
    return f"the nearest that is: {downloads.nearest(url)}"


def _listed(title: str, found: Counter[str], advice: Callable[[str], str]) -> Iterator[str]:
    shown = found.most_common(SHOWN)
    for what, times in shown:
        yield f"{title}: {what} ({times} time{'s' * (times > 1)})"
        yield f"  {advice(what)}"
    if len(found) > len(shown):
        yield f"{title}: {len(found) - len(shown)} more"
