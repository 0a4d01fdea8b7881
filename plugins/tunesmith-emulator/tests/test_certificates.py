"""The authority is trusted for the emulated hosts only, lives for weeks, and is renewed in time."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import NameConstraints

from tunesmith.errors import ExperimentError
from tunesmith_emulator.certificates import LIFETIME, RENEWED, Authority
from tunesmith_emulator.run.hosts import ibm_hosts
from tunesmith_emulator.settings import LOOPBACK

HOSTS = (*LOOPBACK, *ibm_hosts())
DAY = 86_400.0


def shaken(context: ssl.SSLContext, ca_file: Path, host: str) -> bytes:
    """Let Python's strict checks verify the server's certificate for ``host``, and return it."""
    trusted = ssl.create_default_context(cafile=str(ca_file))
    trusted.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return sent(context, trusted, host)


def sent(context: ssl.SSLContext, trusted: ssl.SSLContext, host: str | None) -> bytes:
    """Return the certificate (DER) that a client with the context ``trusted`` gets."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusted.wrap_bio(to_client, to_server, server_hostname=host)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return der


def certificate(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.ca_file.read_bytes())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, HOSTS)


def test_every_emulated_host_is_verified(authority: Authority) -> None:
    context = authority.server_context(HOSTS)
    for host in HOSTS:
        shaken(context, authority.ca_file, host.replace("*", "eu-de"))


@pytest.mark.parametrize("host", ["example.com", "cloud.ibm.com", "192.0.2.1", "127.0.0.2"])
def test_a_certificate_for_another_host_is_refused(authority: Authority, host: str) -> None:
    context = authority.server_context((host,))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shaken(context, authority.ca_file, host)


def test_an_authority_of_one_run_names_every_host(tmp_path: Path) -> None:
    own = Authority(tmp_path)
    shaken(own.server_context(("example.com",)), own.ca_file, "example.com")


@pytest.mark.parametrize("host", ["not_a_name!.test", "", "a..b", "-a.test", "x" * 64 + ".test"])
def test_a_host_that_no_certificate_can_name_is_an_error(authority: Authority, host: str) -> None:
    with pytest.raises(ValueError, match="no certificate can name"):
        authority.server_context((host,))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(("host", "verifies"), [("127.0.0.1", True), ("example.com", False)])
def test_openssl_agrees(authority: Authority, tmp_path: Path, host: str, verifies: bool) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    issued = sent(authority.server_context((host,)), trusting, None)
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(ssl.DER_cert_to_PEM_cert(issued))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(authority.ca_file), str(leaf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is verifies, done.stderr
    assert ("permitted subtree violation" in done.stderr) is not verifies


def test_it_is_constrained_critically_signs_no_authority_and_lives_for_weeks(
    authority: Authority,
) -> None:
    made = certificate(authority)
    constraints = made.extensions.get_extension_for_class(NameConstraints)
    basic = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert made.not_valid_after_utc - datetime.now(UTC) <= LIFETIME <= timedelta(weeks=8)


def test_a_restart_keeps_it(authority: Authority) -> None:
    before = authority.ca_pem
    again = Authority(authority.ca_file.parent, HOSTS)
    assert again.ca_pem == before
    shaken(again.server_context(HOSTS), authority.ca_file, "localhost")


@pytest.mark.parametrize("restarted", [False, True])
def test_it_is_renewed_before_it_ends_and_earlier_clients_still_accept_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    begun = time.time() - (LIFETIME - RENEWED).total_seconds() - DAY
    with monkeypatch.context() as weeks_ago:
        weeks_ago.setattr("time.time", lambda: begun)
        authority = Authority(tmp_path, HOSTS)
        context = authority.server_context(HOSTS)
        first = certificate(authority)
        shaken(context, authority.ca_file, "localhost")
    earlier = tmp_path / "earlier.pem"
    earlier.write_bytes(authority.ca_file.read_bytes())
    if restarted:
        context = Authority(tmp_path, HOSTS).server_context(HOSTS)
    leaf = x509.load_der_x509_certificate(shaken(context, earlier, "127.0.0.1"))
    shaken(context, authority.ca_file, "localhost")
    renewed = certificate(authority)
    assert renewed.not_valid_after_utc - first.not_valid_after_utc > timedelta(weeks=2)
    assert leaf.not_valid_after_utc == renewed.not_valid_after_utc
    assert renewed.public_key() == first.public_key()


@pytest.mark.parametrize("earlier", [(), ("localhost",)])
def test_an_authority_with_other_constraints_is_replaced_with_its_key(
    tmp_path: Path, earlier: tuple[str, ...]
) -> None:
    # Someone may have imported the earlier one: its key must sign nothing more.
    first = certificate(Authority(tmp_path, earlier))
    second = Authority(tmp_path, HOSTS)
    assert certificate(second).public_key() != first.public_key()
    shaken(second.server_context(HOSTS), second.ca_file, "localhost")


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_a_damaged_file_is_refused(authority: Authority, name: str) -> None:
    (authority.ca_file.parent / name).write_text("damaged")
    with pytest.raises(ExperimentError, match=r"no certificate and its key; move it away"):
        Authority(authority.ca_file.parent, HOSTS)
