"""The emulator's own certificate authority, kept in its data directory.

A client that trusts the authority trusts it for the emulated hosts only: its certificate has
critical name constraints (RFC 5280, 4.2.1.10) and signs no further authority. It lives for weeks,
and is renewed with the same key before it ends. So a client that has read the earlier certificate
accepts the server until that certificate ends.
"""

from __future__ import annotations

import re
import ssl
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tunesmith.atomic import naming, write_atomically
from tunesmith_emulator.files import unusable

LIFETIME = timedelta(weeks=4)
RENEWED = timedelta(weeks=1)
"""The time before its end at which a certificate is renewed."""
_SKEW = timedelta(days=1)
"""A certificate begins this much earlier, for clients whose clock is behind."""
_WILDCARD = "*."
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.IGNORECASE)


class Authority:
    """A certificate authority that survives a restart, so that clients still trust it.

    Args:
        folder: the folder of ``ca.pem`` and ``ca.key``.
        hosts: the only hosts (names, wildcards, addresses) for which clients accept its
            certificates. If empty, they accept all: only for an authority that one child process
            trusts.
        keep: keep its key in the folder too. Without a restart the key stays in memory: a killed
            process leaves none behind.
    """

    def __init__(self, folder: Path, hosts: Sequence[str] = (), *, keep: bool = True) -> None:
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        self._constraints = _constraints(hosts) if hosts else None
        self._lock = threading.Lock()
        kept = self._kept()
        if kept is None:
            # A key is never kept with other constraints: an earlier certificate may be trusted.
            self._key = ec.generate_private_key(ec.SECP256R1())
            if keep:
                write_atomically(self._key_file, _pem(self._key))
                self._key_file.chmod(0o600)
            self._certificate = self._signed_by_itself()
        else:
            self._key, self._certificate = kept

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate. It does not end within a week."""
        return self._current().public_bytes(serialization.Encoding.PEM)

    def server_context(self, hosts: Sequence[str]) -> ssl.SSLContext:
        """Return a TLS context with a certificate for ``hosts`` (names, wildcards, addresses).

        The context renews its certificate during a handshake, as often as the authority does.

        Raises:
            ValueError: a certificate cannot name one of the hosts.
        """
        issuer = self._current()
        first = latest = self._context(hosts, issuer)

        def renew(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
            nonlocal issuer, latest
            del name, context
            if (current := self._current()) is not issuer:
                issuer, latest = current, self._context(hosts, current)
            if latest is not first:
                connection.context = latest

        first.sni_callback = renew  # called at each handshake, also without a name
        return first

    def _kept(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            problem = "ca.pem and ca.key are no certificate and its key"
            raise unusable(self.ca_file.parent, problem) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        same = certificate.public_key() == key.public_key()
        return (key, certificate) if same and _found(certificate) == self._constraints else None

    def _current(self) -> x509.Certificate:
        with self._lock:
            if self._certificate.not_valid_after_utc - RENEWED <= _wall_clock():
                self._certificate = self._signed_by_itself()
            return self._certificate

    def _signed_by_itself(self) -> x509.Certificate:
        usage = _usage(key_cert_sign=True, crl_sign=True)
        identity = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        now = _wall_clock()
        name = _name(f"tunesmith emulator {identity.digest.hex()[:8]}")
        builder = _begun(name, name, self._key.public_key(), now - _SKEW, now + LIFETIME)
        # No further authority below this one.
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(identity, critical=False)
        if self._constraints is not None:
            builder = builder.add_extension(self._constraints, critical=True)
        made = builder.sign(self._key, hashes.SHA256())
        write_atomically(self.ca_file, made.public_bytes(serialization.Encoding.PEM))
        return made

    def _context(self, hosts: Sequence[str], issuer: x509.Certificate) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issued(hosts, issuer, key.public_key())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:  # ``ssl`` reads files only
            file = Path(folder, "server.pem")
            with naming(file):
                file.write_bytes(_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(file)
        return context

    def _issued(
        self, hosts: Sequence[str], issuer: x509.Certificate, key: ec.EllipticCurvePublicKey
    ) -> x509.Certificate:
        start, end = issuer.not_valid_before_utc, issuer.not_valid_after_utc
        builder = _begun(_name("tunesmith emulator"), issuer.subject, key, start, end)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        basic = x509.BasicConstraints(ca=False, path_length=None)
        builder = builder.add_extension(basic, critical=True)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server, critical=False)
        builder = builder.add_extension(names, critical=False)
        return builder.add_extension(by, critical=False).sign(self._key, hashes.SHA256())


def _wall_clock() -> datetime:
    # Clients compare the validity with their own wall clock.
    return datetime.fromtimestamp(time.time(), UTC)


def _constraints(hosts: Sequence[str]) -> x509.NameConstraints:
    """Return the permission for ``hosts``; a permitted name includes all names below it."""
    return x509.NameConstraints([_permitted(host) for host in hosts], None)


def _permitted(host: str) -> x509.GeneralName:
    named = _general_name(host.removeprefix(_WILDCARD))
    if isinstance(named, x509.IPAddress):
        return x509.IPAddress(ip_network(named.value))
    return named


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host):
            raise ValueError(f"no certificate can name the host {host!r}") from None
        return x509.DNSName(host)


def _found(certificate: x509.Certificate) -> x509.NameConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(end)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
