"""The file with the certificates that a child process trusts."""

from __future__ import annotations

from pathlib import Path

import certifi

from tunesmith.atomic import write_atomically


def write_bundle(path: Path, ca_pem: bytes) -> Path:
    """Write the public authorities and the emulator's own to ``path``.

    ``SSL_CERT_FILE`` and similar variables replace the trusted authorities of a client. The public
    ones are kept, because a child may use a local service with a public certificate.
    """
    write_atomically(path, Path(certifi.where()).read_bytes() + b"\n" + ca_pem)
    write_atomically(wget_settings(path), f"ca_certificate = {path}\n")
    return path


def wget_settings(bundle: Path) -> Path:
    """Return the file with the settings of wget, which reads ``bundle`` from no variable."""
    return bundle.with_name("wgetrc")
