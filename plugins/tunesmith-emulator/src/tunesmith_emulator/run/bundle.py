"""The file of certificates that a child trusts."""

from __future__ import annotations

from pathlib import Path

import certifi

from tunesmith.atomic import write_atomically


def write_bundle(path: Path, ca_pem: bytes) -> Path:
    """Write the public authorities and the emulator's own to ``path``.

    ``SSL_CERT_FILE`` and its likes replace what a client trusts, so the public ones are kept:
    a child may speak with a local service of its user's that has a bought certificate.
    """
    write_atomically(path, Path(certifi.where()).read_bytes() + b"\n" + ca_pem)
    return path
