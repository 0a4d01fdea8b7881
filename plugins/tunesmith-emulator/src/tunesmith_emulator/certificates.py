"""The emulator's own certificate authority (trustme)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

import trustme

from tunesmith.atomic import write_atomically
from tunesmith_emulator.files import unusable


class Authority:
    """A certificate authority.

    Args:
        folder: the folder of its certificate.
        keep: keep its key there too, so that clients still trust it after a restart. Without a
            restart the key stays in memory: a killed process leaves none behind.
    """

    def __init__(self, folder: Path, *, keep: bool = True) -> None:
        self.ca_file = folder / "ca.pem"
        key_file = folder / "ca.key"
        if self.ca_file.is_file() and key_file.is_file():
            self._ca = _read(self.ca_file, key_file)
            return
        self._ca = trustme.CA(organization_name="tunesmith emulator")
        if keep:
            write_atomically(key_file, self._ca.private_key_pem.bytes().decode())
            key_file.chmod(0o600)
        write_atomically(self.ca_file, self.ca_pem.decode())

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate."""
        return self._ca.cert_pem.bytes()

    def server_context(self, hosts: Sequence[str]) -> ssl.SSLContext:
        """Return a TLS context with a certificate for ``hosts`` (names, wildcards, addresses)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*hosts).configure_cert(context)
        return context


def _read(ca_file: Path, key_file: Path) -> trustme.CA:
    try:
        return trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
    except ValueError:
        raise unusable(ca_file.parent, "ca.pem and ca.key are no certificate and its key") from None
